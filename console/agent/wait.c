// SPDX-License-Identifier: Apache-2.0
/* Calls that wait are told: agents of new manifests, pages of what changed. And what this process noted is written down. */
#include "agent/notes.h"
#include "console.h"
#include "live/live.h"
#include "task_list.h"

/* Agents whose manifest is newer than the last that was told of. */
static int wake_agents(struct server *s, struct sut_db *db, int64_t *seen, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t last = *seen;
	int k = sut_db_query(db,
			     "SELECT host, manifest FROM job_systems WHERE manifest > $1"
			     " AND state = 'offered' ORDER BY manifest",
			     SUT_DB_ARGS(SUT_DB_I(*seen)), &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0) {
		last = sut_db_int(rows, 1);
		web_wake(s, sut_db_int(rows, 0));
	}
	if (k == 0)
		*seen = last;
	return k;
}

static int wake_pages(struct server *s, struct sut_db *db, int64_t *seen, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t last = *seen;
	int k = live_last(db, &last, err);

	if (k < 0 || last == *seen)
		return k;
	k = sut_db_query(db, "SELECT DISTINCT tenant FROM live WHERE seq > $1",
			 SUT_DB_ARGS(SUT_DB_I(last > *seen ? *seen : 0)), &rows, err);
	while (k >= 0 && (k = sut_db_next(rows, err)) > 0)
		web_wake(s, LIVE_KEY(sut_db_int(rows, 0)));
	if (k == 0)
		*seen = last;
	return k;
}

static int run(struct server *s, struct sut_db *db, int64_t now, struct sut_err *err)
{
	struct console *c = console_of(s);
	int rc = agent_notes_flush(c->notes, db, now, err);

	if (rc == 0)
		rc = wake_agents(s, db, &c->told_manifest, err);
	return rc == 0 ? wake_pages(s, db, &c->told_live, err) : rc;
}

const struct task task_agents = {
	.name = "agents",
	.every_sec = 1,
	.on_touch = true,
	.run = run,
};
