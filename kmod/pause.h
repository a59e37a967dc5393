/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pause: every CPU held with interrupts off, the tasks looked at by all
 * of them together, then everything written or nothing.
 */
#ifndef SUTURE_PAUSE_H
#define SUTURE_PAUSE_H

#include <linux/types.h>

#include "seen.h"
#include "stack.h"
#include "text.h"

/* Tasks whose stack could not be judged before the pause; with references. */
struct suture_tasks {
	struct task_struct **list;
	u32 n, max;
	bool overflow;
	atomic_t next;
};

struct suture_pause_plan {
	const struct suture_ranges *ranges; /* no task may be inside */
	struct suture_seen *seen;	    /* tasks that ran since the stacks were walked */
	struct suture_tasks *tasks;	    /* further tasks to look at */
	struct suture_poke *pokes;	    /* mapped */
	u32 npokes;
	bool dry_run; /* everything but the writes */
	/* Results */
	struct suture_hits *hits; /* tasks in the way; the caller's, zeroed */
	bool switched;		  /* all was written */
	s32 changed;		  /* the poke whose bytes had changed meanwhile, or -1 */
	u32 changed_off;	  /* and where, from its address */
	u32 tasks_inside;	  /* stacks walked */
	u64 pause_ns, stop_ns;
};

/* Returns what stop_machine() returns; the outcome is in the plan. */
int suture_pause_run(struct suture_pause_plan *plan);

/* The time of one empty stop_machine() call. */
u64 suture_pause_empty_ns(void);

#endif
