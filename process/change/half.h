/* SPDX-License-Identifier: Apache-2.0 */
/* What a dead patcher has begun in a process is ended. */
#ifndef SUTURE_PROCESS_CHANGE_HALF_H
#define SUTURE_PROCESS_CHANGE_HALF_H

#include "change/engine.h"
#include "change/record.h"

/* Places of a record by what lies there now. */
struct half_count {
	uint32_t there, original, broken, other;
	bool unmapped;	      /* at least one can't be read: the file is not mapped any more */
	uint64_t first_other; /* address */
};

void half_count(const struct proc *p, const struct record *r, struct half_count *ret);

/* Somebody else has written there: -EBADMSG (reason "mismatch"). */
int half_foreign(const struct proc *p, const struct record *r, uint64_t addr, struct sut_err *err);

/* Is this one, whatever its state says, begun and not ended? */
bool half_is(const struct record *r);
/* The same, or applied and broken since (JUMP_BROKEN): half_end() mends it. */
bool half_wants(const struct proc *p, const struct record *r);

/*
 * Ends all of them; known is changed accordingly. *ret_done: how many. -EBADMSG (reason "mismatch") when somebody else has
 * changed a place; what quiet_run() says.
 */
int half_end(struct proc *p, struct record *known, size_t n, const struct proc_options *o,
	     struct proc_result *r, size_t *ret_done, struct sut_err *err) _must_check_;

#endif
