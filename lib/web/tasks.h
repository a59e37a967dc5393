/* SPDX-License-Identifier: Apache-2.0 */
/* Runs tasks (task.h), and follows what other processes change in the database. */
#ifndef SUTURE_WEB_TASKS_H
#define SUTURE_WEB_TASKS_H

#include "web/task.h"

struct tasks;

enum { TASKS_POLL_SEC = 2 }; /* a change is seen after this at the latest */

/* A thread and a connection for each of list (ended by NULL), and one that watches. Sets p->tasks. */
int tasks_start(struct server *p, const struct task *const *list, struct sut_err *err) _must_check_;
/* Waits for what runs. NULL is fine. */
void tasks_stop(struct tasks *t);
/* Something changed: those with on_touch look. NULL is fine. */
void tasks_wake(struct tasks *t);
/* A descriptor that can be read as soon as they have to end, for what a task waits for; it stays theirs. -1: none run. */
int tasks_stop_fd(const struct tasks *t);
/* 0, or why the watcher cannot reach the database. */
int tasks_database(struct tasks *t);

#endif
