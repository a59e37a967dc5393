// SPDX-License-Identifier: Apache-2.0
#include "map/history.h"

#include "live/live.h"

static int note_day(struct sut_db *db, int64_t tenant, const struct map_view *v, int64_t now,
		    struct sut_err *err)
{
	static const char sql[] =
		"INSERT INTO posture_days (tenant, day, exposed, fixable, live_fixed, systems,"
		" protected) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, day) DO UPDATE"
		" SET exposed = $3, fixable = $4, live_fixed = $5, systems = $6, protected = $7";
	const struct view_totals *t = view_totals(v);

	return sut_db_exec(
		db, sql,
		SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(now / 86400), SUT_DB_I((int64_t)t->exposed),
			    SUT_DB_I((int64_t)t->verdicts[VERDICT_FIX_READY]),
			    SUT_DB_I((int64_t)t->verdicts[VERDICT_LIVE_FIXED]),
			    SUT_DB_I(t->systems), SUT_DB_I(t->protection[VIEW_PROTECTED])),
		NULL, err);
}

/* Of the same scan more is closed than before: that was a live patch. */
static int note_times(struct sut_db *db, int64_t tenant, const struct map_view *v,
		      const struct map_view *before, int64_t now, struct sut_err *err)
{
	static const char sql[] =
		"INSERT INTO protect_times (tenant, host, since, protected, cves)"
		" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, host, since, cves) DO NOTHING";
	int r = 0;

	for (size_t i = 0; r == 0 && i < view_hosts(v); i++) {
		const struct view_host *h = view_host_at(v, i), *old = view_host(before, h->id);
		uint32_t n = h->counts->verdicts[VERDICT_LIVE_FIXED];

		if (!old || !old->scanned || old->scanned_at != h->scanned_at ||
		    n <= old->counts->verdicts[VERDICT_LIVE_FIXED])
			continue;
		n -= old->counts->verdicts[VERDICT_LIVE_FIXED];
		r = sut_db_exec(db, sql,
				SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(h->id),
					    SUT_DB_I(h->scanned_at), SUT_DB_I(now), SUT_DB_I(n)),
				NULL, err);
	}
	return r;
}

int history_note(struct console *c _unused_, struct sut_db *db, int64_t tenant,
		 const struct map_view *v, const struct map_view *before, int64_t now,
		 struct sut_err *err)
{
	int r = sut_db_begin(db, SUT_DB_WRITE, err);

	if (r < 0)
		return r;
	r = note_day(db, tenant, v, now, err);
	if (r == 0 && before)
		r = note_times(db, tenant, v, before, now, err);
	if (r == 0)
		r = live_tell(db, tenant, now, "posture", "", err);
	if (r == 0)
		return sut_db_commit(db, err);
	sut_db_rollback(db);
	return r;
}
