/* SPDX-License-Identifier: Apache-2.0 */
/* What the portal knows of the fleet comes here: systems, coverage, keys. */
#ifndef SUTURE_CONSOLE_FLEET_SYNC_H
#define SUTURE_CONSOLE_FLEET_SYNC_H

#include "link/link.h"
#include "web/task.h"

/* Turns of so many tenants are made at the same time, so that a portal that hangs keeps nobody else waiting. */
enum { SYNC_TASKS = 4 };
/* They are alike; the first SYNC_TASKS are used. */
extern const struct task task_portal[SYNC_TASKS];

/*
 * One turn for a tenant; nothing when it has no portal. Not in a transaction; makes its own. That the portal is away or
 * refuses is an outcome, which is noted (link.h), and no failure.
 */
int sync_turn(struct console *c, struct sut_db *db, int64_t tenant, int64_t now,
	      struct sut_err *err) _must_check_;

/* Turns of all tenants, when they are due. */

#endif
