/* SPDX-License-Identifier: Apache-2.0 */
/* Runs tasks (task.h), and follows what other processes change in the database. */
#ifndef SUTURE_PORTAL_TASKS_H
#define SUTURE_PORTAL_TASKS_H

#include "task.h"

struct tasks;

enum { TASKS_POLL_SEC = 2 }; /* a change is seen after this at the latest */

/* All of this program; ended by NULL. */
extern const struct task *const portal_tasks[];

/* A thread and a connection for each of list, and one that watches. Sets p->tasks. */
int tasks_start(struct portal *p, const struct task *const *list, struct sut_err *err) _must_check_;
/* Waits for what runs. NULL is fine. */
void tasks_stop(struct tasks *t);
/* Something changed: those with on_touch look. NULL is fine. */
void tasks_wake(struct tasks *t);
/* 0, or why the watcher cannot reach the database. */
int tasks_database(struct tasks *t);

#endif
