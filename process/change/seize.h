/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of threads.h share: the list while it is made, the clock, and how a thread comes into the list. */
#ifndef SUTURE_PROCESS_CHANGE_SEIZE_H
#define SUTURE_PROCESS_CHANGE_SEIZE_H

#include <sched.h>
#include <signal.h>
#include <time.h>

#include "change/threads.h"

enum {
	GROUPS_MAX = 64, /* processes that share the memory */
	DENTS = 32768,
};

/* What getdents64() gives; the kernel's layout. */
struct dent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

struct group {
	pid_t tgid;
	int tasks; /* /proc/TGID/task */
};

/* Between start and stop every waitpid() of this thread is interrupted now and then, so that it can look at the time. Each thread has one
 * timer: one clock at a time. */
struct seize_clock {
	timer_t timer;
	bool ticking;
	sigset_t mask; /* of the caller */
};

struct threads_priv {
	size_t cap;
	struct group groups[GROUPS_MAX];
	size_t ngroups;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	uint32_t deadline_us;
	pid_t tracer;
	pid_t late, late_tgid; /* who was waited for when it passed */
	struct seize_clock clock;
	bool raised;
	_Alignas(8) char dents[DENTS];
};

int seize_start_clock(struct seize_clock *c, unsigned int every_ms,
		      struct sut_err *err) _must_check_;
void seize_stop_clock(struct seize_clock *c);

/* So that nobody's stop is long because we are not run. Only where it is allowed. */
void seize_raise_priority(struct threads_priv *x);
void seize_lower_priority(struct threads_priv *x);

/*
 * A thread that execs waits until all its siblings are reaped, which those that we have seized are only by us. So who waits for
 * it has to do that first.
 */
void seize_reap(struct threads *t);

/* hint: where it probably is in the list. NULL. */
struct thread *seize_find(struct threads *t, pid_t tid, size_t hint);
int seize_add(struct threads *t, struct thread new, struct sut_err *err) _must_check_;

/* -EBUSY (reason "exec"). */
int seize_became_another(pid_t pid, struct sut_err *err);
/* There is nobody to be stopped: -ESRCH (reason "gone"); in the middle of an exec that is so for a moment. */
int seize_gone(pid_t pid, struct sut_err *err);

/* A process whose threads are to be stopped; the first is the one that is asked for. */
int seize_add_group(struct threads *t, pid_t tgid, struct sut_err *err) _must_check_;
bool seize_same_memory(pid_t a, pid_t b);

/* Seizes one that is not in the list; it runs on. 0 also when it has ended. */
int seize_one(struct threads *t, pid_t tgid, pid_t tid, unsigned long options,
	      struct sut_err *err) _must_check_;
/* Seizes whoever of the group is not in the list. Adds how many to *found. */
int seize_group(struct threads *t, const struct group *g, unsigned long options, size_t *found,
		struct sut_err *err) _must_check_;
/* Does the kernel count as many threads in this group as we have in the list? Cheap: no listing. */
bool seize_complete(const struct threads *t, const struct group *g);
/* Adds the processes that were started by a thread and share its memory. */
int seize_sharers(struct threads *t, const struct group *g, pid_t tid,
		  struct sut_err *err) _must_check_;

#endif
