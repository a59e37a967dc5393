/* SPDX-License-Identifier: Apache-2.0 */
/* What a portal does by itself; each is defined beside what it works on. */
#ifndef SUTURE_PORTAL_TASKS_H
#define SUTURE_PORTAL_TASKS_H

#include "web/task.h"

extern const struct task task_cleanup, task_coverage, task_fleet_metrics, task_repository;

#endif
