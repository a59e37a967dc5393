/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that nobody asks for: looking at the repository, delivering webhooks, cleaning up. Each task has a
 * thread and a connection of its own; among several portals only one at a time runs it (advisory lock).
 */
#ifndef SUTURE_PORTAL_TASK_H
#define SUTURE_PORTAL_TASK_H

#include "portal.h"

struct task {
	const char *name;
	int64_t lock;		/* number of the advisory lock; 0: runs in every process */
	unsigned int every_sec; /* at least this often */
	bool on_touch;		/* also when the generation changes, or an event was written */
	/* Not in a transaction; makes its own. An error is logged; the task goes on next time. */
	int (*run)(struct portal *p, struct sut_db *db, int64_t now, struct sut_err *err);
};

/* In task.c; each task is defined beside what it does. */
extern const struct task task_cleanup, task_coverage, task_fleet_metrics, task_repository,
	task_token_use, task_webhooks;

#endif
