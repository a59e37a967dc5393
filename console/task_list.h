/* SPDX-License-Identifier: Apache-2.0 */
/* What the console does by itself. Each task is defined beside what it does (web/task.h). */
#ifndef SUTURE_CONSOLE_TASK_LIST_H
#define SUTURE_CONSOLE_TASK_LIST_H

#include "web/task.h"

extern const struct task task_agents;  /* agent/wait.c */
extern const struct task task_cleanup; /* cleanup.c */
extern const struct task task_jobs;    /* job/advance.c */
extern const struct task task_map;     /* map/map.c */
extern const struct task task_scans;   /* find/import.c */

/* All; ended by NULL. */
extern const struct task *const console_tasks[];

#endif
