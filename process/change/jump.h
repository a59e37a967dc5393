/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jumps from old functions to new ones, as a record names them. All threads are stopped meanwhile; each write is valid alone, so that
 * whoever is killed between two of them leaves code that runs.
 */
#ifndef SUTURE_PROCESS_CHANGE_JUMP_H
#define SUTURE_PROCESS_CHANGE_JUMP_H

#include "change/record.h"

enum jump_state {
	JUMP_ORIGINAL, /* as shipped */
	JUMP_THERE,    /* leads where the place says */
	/*
	 * The first byte as shipped, the rest ours. The kernel leaves that behind when a probe (uprobe) goes: it takes the byte from the
	 * file. Whoever comes there runs what nobody wrote.
	 */
	JUMP_BROKEN,
	JUMP_OTHER, /* neither: another record's, or somebody else's */
};

/* -EFAULT when it is not mapped any more. */
int jump_look(const struct proc *p, const struct record_place *q,
	      enum jump_state *ret) _must_check_;

/* The function is as shipped, but its island still has our jump: we died between the two. Nobody comes there. */
bool jump_island_left(const struct proc *p, const struct record_place *q);

/* Over the original. */
int jump_put(struct proc *p, const struct record_place *q, struct sut_err *err) _must_check_;
/* The original again. */
int jump_take(struct proc *p, const struct record_place *q, struct sut_err *err) _must_check_;
/* Of the same function: `from` is there, `to` comes. */
int jump_change(struct proc *p, const struct record_place *from, const struct record_place *to,
		struct sut_err *err) _must_check_;

/* A thread that stands at pc is in the middle of what jump_put(), _take() or _change() would write. */
bool jump_in_the_way(const struct record_place *q, uint64_t pc);

#endif
