// SPDX-License-Identifier: Apache-2.0
/* Takes out what is over: what accounts leave, old timelines. */
#include "account/cleanup.h"

#include "task_list.h"

enum { DAY = 24 * 3600 };

static const struct account_broom brooms[] = {
	/* Ids grow with time: whether the oldest are old is seen without reading the others. */
	{"DELETE FROM host_events WHERE id IN (SELECT id FROM (SELECT id, at FROM host_events"
	 " ORDER BY id LIMIT $2) AS oldest WHERE at < $1)",
	 400 * DAY},
	{"DELETE FROM live WHERE seq IN (SELECT seq FROM live WHERE at < $1 LIMIT $2)", DAY},
	{"DELETE FROM agent_nonces WHERE (system_id, nonce) IN (SELECT system_id, nonce"
	 " FROM agent_nonces WHERE at < $1 LIMIT $2)",
	 3600},
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
