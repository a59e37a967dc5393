// SPDX-License-Identifier: Apache-2.0
/* Takes out what is over: answers to repeat, events, sessions, login failures. */
#include "account/cleanup.h"

enum {
	HOUR = 3600,
	DAY = 24 * HOUR,
	BATCH = 5000, /* rows in one transaction, so that nobody waits long for the writer */
};

static const struct account_broom brooms[] = {
	{"DELETE FROM idempotency WHERE (scope, key_hash) IN (SELECT scope, key_hash FROM idempotency"
	 " WHERE created < $1 LIMIT $2)",
	 DAY},
	{"DELETE FROM events WHERE id IN (SELECT id FROM events WHERE at < $1 ORDER BY id LIMIT $2)",
	 7 * DAY},
	{"DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE kind = 'session'"
	 " AND expires < $1 LIMIT $2)",
	 DAY},
	{"DELETE FROM login_failures WHERE subject IN (SELECT subject FROM login_failures"
	 " WHERE last < $1 LIMIT $2)",
	 2 * DAY},
};

static int sweep(struct server *p, struct sut_db *db, const struct account_broom *b, int64_t now,
		 struct sut_err *err)
{
	int64_t gone = BATCH;

	while (gone == BATCH && !atomic_load(&p->stopping)) {
		int rc = sut_db_begin(db, SUT_DB_WRITE, err);

		if (rc == 0)
			rc = sut_db_exec(db, b->sql,
					 SUT_DB_ARGS(SUT_DB_I(now - b->age), SUT_DB_I(BATCH)),
					 &gone, err);
		if (rc == 0)
			rc = sut_db_commit(db, err);
		if (rc < 0) {
			sut_db_rollback(db);
			return rc;
		}
	}
	return 0;
}

int account_cleanup(struct server *s, struct sut_db *db, int64_t now,
		    const struct account_broom *more, size_t n, struct sut_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < SUT_ARRAY_SIZE(brooms); i++)
		rc = sweep(s, db, &brooms[i], now, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = sweep(s, db, &more[i], now, err);
	return rc;
}
