// SPDX-License-Identifier: Apache-2.0
/* Takes out what is over: what accounts leave, old credentials, old history. */
#include "account/cleanup.h"

#include "tasks.h"

enum { DAY = 24 * 3600 };

static const struct account_broom brooms[] = {
	{"DELETE FROM retired_credentials WHERE hash IN (SELECT hash FROM retired_credentials"
	 " WHERE at < $1 LIMIT $2)",
	 365 * DAY},
	/* Ids grow with time: whether the oldest are old is seen without reading the others. */
	{"DELETE FROM system_events WHERE id IN (SELECT id FROM (SELECT id, at FROM system_events"
	 " ORDER BY id LIMIT $2) AS oldest WHERE at < $1)",
	 400 * DAY},
};

static int run(struct server *s, struct sut_db *db, int64_t now, struct sut_err *err)
{
	return account_cleanup(s, db, now, brooms, SUT_ARRAY_SIZE(brooms), err);
}

const struct task task_cleanup = {
	.name = "cleanup",
	.lock = 0x7375740001,
	.every_sec = 10 * 60,
	.run = run,
};
