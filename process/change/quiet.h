/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A moment when all threads are stopped and nobody is where he must not be: tried again and again, with pauses of 1, 2, 4 … 64 ms
 * in which the process runs.
 */
#ifndef SUTURE_PROCESS_CHANGE_QUIET_H
#define SUTURE_PROCESS_CHANGE_QUIET_H

#include "change/engine.h"
#include "change/ranges.h"

struct quiet {
	struct proc *p;
	const struct proc_options *o;
	struct proc_result *result; /* stops, tries, threads and times are counted here */
	struct ranges ranges;
	/*
	 * Called with everybody stopped. 0: done. -EAGAIN: not yet; err says who is in the way, if anything. last: there will be no other try.
	 * Anything else ends it.
	 */
	int (*act)(void *ctx, const struct threads *t, const struct inside_hit *hits, size_t n,
		   bool last, struct sut_err *err);
	void *ctx;
};

/* Fills *err with who is inside of what (reason "busy"). Returns -EAGAIN. */
int quiet_busy(const struct quiet *q, const struct inside_hit *hit, struct sut_err *err);

/* -EBUSY with the reason when the last try failed; what act() gave; "gone". */
int quiet_run(struct quiet *q, struct sut_err *err) _must_check_;

/* The pause before try number i, and whether there is one: false when all are used up. */
bool quiet_pause(const struct proc_options *o, uint32_t i);

/* Counts a stop that has ended. */
void quiet_count(struct proc_result *r, uint64_t stop_ns, size_t threads);

uint32_t quiet_deadline(const struct proc_options *o);

#endif
