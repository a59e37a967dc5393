/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that nobody asks for: delivering webhooks, cleaning up. Each task has a
 * thread and a connection of its own; among several processes of one database only one at a time runs it (advisory lock).
 */
#ifndef SUTURE_WEB_TASK_H
#define SUTURE_WEB_TASK_H

#include "web/server.h"

struct task {
	const char *name;
	int64_t lock;		/* number of the advisory lock; 0: runs in every process */
	unsigned int every_sec; /* at least this often */
	bool on_touch;		/* also when the generation changes, or an event was written */
	/* Not in a transaction; makes its own. An error is logged; the task goes on next time. */
	int (*run)(struct server *p, struct sut_db *db, int64_t now, struct sut_err *err);
};

/* token_use.c */
extern const struct task task_token_use;

#endif
