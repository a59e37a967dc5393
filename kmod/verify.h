/* SPDX-License-Identifier: GPL-2.0-only */
/* Does the running kernel hold the code that a patch was built against? */
#ifndef SUTURE_VERIFY_H
#define SUTURE_VERIFY_H

#include "table.h"

struct suture_set;

/* The run-time address of a link address of the table. */
unsigned long suture_run_addr(const struct suture_table *t, u64 link_addr);

/*
 * Checks the build-id, and of every function the symbol and the bytes.
 * cur: what is redirected now (may be NULL); our own jumps count as the bytes
 * they replaced. Fills res; returns 0 or the outcome's -errno. May sleep.
 */
int suture_verify(const struct suture_table *t, const struct suture_set *cur,
		  struct suture_result *res);

#endif
