/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit: calls that write share one transaction. Each is in a savepoint of its own, so that one that
 * fails leaves nothing behind and the others stay. Nobody gets an answer before the commit.
 */
#ifndef SUTURE_WEB_GROUP_H
#define SUTURE_WEB_GROUP_H

#include "web/job.h"

enum {
	GROUP_MAX = 512, /* calls in one transaction */
	GROUP_TRIES = 5,
};

/* What came of it, for metrics and /healthz. */
struct group_outcome {
	int rc;		/* 0, or why the last try of some of them failed */
	size_t commits; /* transactions that went through */
	size_t retries;
	struct sut_err err; /* of rc */
};

/*
 * Runs v[0…n-1] and commits. Afterwards all of them are finished (web_finish()), but not yet answered: that
 * is the caller's. When the database says "again", all run once more, after a while, in halves if need be, so
 * that one which always fails does so alone. When the connection is lost in the commit it cannot be known
 * whether it went through: they are answered 503, and who sent an Idempotency-Key can find out.
 */
void group_run(struct server *p, struct sut_db *db, struct web_job **v, size_t n,
	       struct group_outcome *ret);

#endif
