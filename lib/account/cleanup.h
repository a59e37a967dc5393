/* SPDX-License-Identifier: Apache-2.0 */
/* Takes out what is over: answers to repeat, events, sessions, login failures, and what a program has of its own. */
#ifndef SUTURE_ACCOUNT_CLEANUP_H
#define SUTURE_ACCOUNT_CLEANUP_H

#include "web/task.h"

struct account_broom {
	const char *sql; /* deletes; $1: what is older than this time, $2: at most so many rows */
	int64_t age;	 /* seconds */
};

/* For a task that runs every ten minutes or so. Makes transactions of its own, of some thousand rows, so that nobody waits
 * long for the writer. */
int account_cleanup(struct server *s, struct sut_db *db, int64_t now,
		    const struct account_broom *more, size_t n, struct sut_err *err) _must_check_;

#endif
