/* SPDX-License-Identifier: GPL-2.0-only */
/* Is a task inside code that is about to change? */
#ifndef SUTURE_STACK_H
#define SUTURE_STACK_H

#include <linux/atomic.h>
#include <linux/sched.h>
#include <linux/types.h>

#include "uapi/suture.h"

struct suture_range {
	unsigned long start, end; /* [start, end) */
	const char *name;	  /* for reports, lives as long as the ranges; NULL: ask kallsyms */
};

/* Sorted, not overlapping, after suture_ranges_sort(). */
struct suture_ranges {
	u32 n, max;
	struct suture_range r[];
};

struct suture_ranges *suture_ranges_new(u32 max);
void suture_ranges_add(struct suture_ranges *r, unsigned long start, unsigned long size,
		       const char *name);
void suture_ranges_sort(struct suture_ranges *r);

/* The range that addr is in, or NULL. */
const struct suture_range *suture_ranges_find(const struct suture_ranges *r, unsigned long addr);

/* A task that is in the way; raw addresses, to be symbolised after the pause. */
struct suture_hit {
	pid_t pid;
	char comm[TASK_COMM_LEN];
	const struct suture_range *range; /* NULL: its stack could not be walked to the end */
	unsigned long addr;		  /* the address that is in the range */
	u32 nframes;
	unsigned long frames[SUTURE_BUSY_FRAMES];
};

struct suture_hit_list {
	atomic_t n; /* all tasks, also those that did not fit */
	struct suture_hit hit[SUTURE_BUSY_TASKS];
};

struct suture_hits {
	struct suture_hit_list busy, unreliable;
};

enum suture_stack { SUTURE_STACK_CLEAR, SUTURE_STACK_BUSY, SUTURE_STACK_UNRELIABLE };

/*
 * Walks the stack of a task that is not running, or of the current task.
 * The stack must not be freed meanwhile. Takes no locks, so that it can be used
 * inside the pause. *hit is filled when the answer is not CLEAR.
 */
enum suture_stack suture_stack_check(struct task_struct *task, const struct suture_ranges *ranges,
				     struct suture_hit *hit);

/* Counts and, if there is room, keeps a hit. Any CPU, any context. */
void suture_hits_add(struct suture_hits *hits, const struct suture_hit *hit);

/* Turns hits into result->busy[], BUSY before UNRELIABLE. Returns -EBUSY; 0: there are no hits. */
int suture_hits_report(const struct suture_hits *hits, struct suture_result *res);

int suture_selftest_stack(void);

#endif
