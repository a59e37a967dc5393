// SPDX-License-Identifier: Apache-2.0
/* Pages with sums are told when something they are made of has changed, and how it comes out is settled. */
#include "console.h"
#include "live/live.h"
#include "task_list.h"

enum {
	/* Changes often come one after another: pages ask again when they are over, or after so many looks. */
	LOOKS_MAX = 4,
};

static int tenants(struct sut_db *db, int64_t now, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int k = sut_db_query(db,
			     "SELECT t.id FROM tenants t WHERE t.disabled IS NULL AND EXISTS"
			     " (SELECT 1 FROM hosts h WHERE h.tenant = t.id) ORDER BY t.id",
			     SUT_DB_NONE, &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0)
		k = live_tell(db, sut_db_int(rows, 0), now, "posture", "", err);
	return k < 0 ? k : 0;
}

static int run(struct server *s, struct sut_db *db, int64_t now, struct sut_err *err)
{
	struct console *c = console_of(s);
	int64_t generation = atomic_load(&s->generation);
	bool settled = generation == c->posture_seen;
	int rc;

	c->posture_seen = generation;
	if (generation == c->posture_told || (!settled && ++c->posture_looks < LOOKS_MAX))
		return 0;
	rc = sut_db_begin(db, SUT_DB_WRITE, err);
	if (rc == 0)
		rc = tenants(db, now, err);
	if (rc == 0)
		rc = sut_db_commit(db, err);
	if (rc < 0) {
		sut_db_rollback(db);
		return rc;
	}
	c->posture_told = generation;
	c->posture_looks = 0;
	return 0;
}

const struct task task_posture = {
	.name = "posture",
	.lock = 0x7375740012,
	.every_sec = 3,
	.run = run,
};
