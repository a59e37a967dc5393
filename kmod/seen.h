/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which tasks ran since a moment: recorded at every task switch, so that
 * only those have to be looked at again inside the pause.
 */
#ifndef SUTURE_SEEN_H
#define SUTURE_SEEN_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/types.h>

struct task_struct;

#ifndef SUTURE_SEEN_MAX
#define SUTURE_SEEN_MAX 2048 /* tasks per CPU; a power of two */
#endif
#define SUTURE_SEEN_SLOTS (2 * SUTURE_SEEN_MAX)

/* Of one CPU: an open-addressing set of indexes + 1 into a dense list. */
struct suture_seen_cpu {
	u32 n;
	bool overflow; /* a task did not fit: the list is not complete */
	atomic_t next; /* next to be looked at */
	u16 slots[SUTURE_SEEN_SLOTS];
	const void *list[SUTURE_SEEN_MAX];
};

struct suture_seen {
	u32 ncpu;
	struct suture_seen_cpu *cpu[]; /* by CPU number; NULL for impossible CPUs */
};

/* Looks up the tracepoint; -ENOENT when the kernel has none. */
int suture_seen_init(void);

/*
 * Starts recording. When it returns, every task that is switched out from
 * now on is recorded (with a reference to it). -ENOMEM and others.
 * One recording at a time; the caller holds suture_mutex.
 */
int suture_seen_start(struct suture_seen **ret);

/* Ends recording and drops the references. */
void suture_seen_stop(struct suture_seen *seen);

/* Adds key; true when it is new. False with ->overflow set when it is full. */
bool suture_seen_add(struct suture_seen_cpu *set, const void *key);

int suture_selftest_seen(void);

#endif
