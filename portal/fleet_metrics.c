// SPDX-License-Identifier: Apache-2.0
/* Counts the fleet for /metrics, every half minute, so that reading them costs nothing. */
#include "base/buf.h"
#include "portal.h"
#include "repo/sync.h"
#include "tasks.h"
#include "web/metrics.h"

enum { PAGE_MAX = 4 << 20 };

enum { METRICS_FLEET, METRICS_METADATA }; /* parts of the page */

struct count {
	const char *name, *help, *label, *sql; /* two columns: the label's value, how many */
};

static const struct count counts[] = {
	{"suture_portal_systems", "Registered systems by the state they reported.", "state",
	 "SELECT state, COUNT(*) FROM systems GROUP BY state ORDER BY 2 DESC LIMIT 2000"},
	{"suture_portal_systems_by_kernel", "Registered systems by the build id of their kernel.",
	 "build_id",
	 "SELECT build_id, COUNT(*) FROM systems GROUP BY build_id ORDER BY 2 DESC LIMIT 2000"},
	{"suture_portal_systems_by_level", "Registered systems by the level of their patch.",
	 "level",
	 "SELECT CAST(level AS TEXT), COUNT(*) FROM systems GROUP BY level ORDER BY 2 DESC LIMIT 2000"},
	{"suture_portal_systems_by_feed", "Registered systems by their feed.", "feed",
	 "SELECT f.name, COUNT(*) FROM systems s JOIN keys k ON k.id = s.key_id"
	 " JOIN feeds f ON f.id = COALESCE(s.feed, k.feed) GROUP BY f.name ORDER BY 2 DESC LIMIT 2000"},
};

static int add_count(struct sut_db *db, const struct count *c, struct sut_buf *b,
		     struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int rc = sut_db_query(db, c->sql, SUT_DB_NONE, &rows, err);

	if (rc < 0)
		return rc;
	if (metrics_head(b, c->name, "gauge", c->help) < 0)
		return sut_err_oom(err);
	while ((rc = sut_db_next(rows, err)) > 0)
		if (metrics_line(b, c->name, c->label, sut_db_text(rows, 0),
				 (double)sut_db_int(rows, 1)) < 0)
			return sut_err_oom(err);
	return rc;
}

/* How many have called lately. */
static int add_silent(struct portal *p, struct sut_db *db, int64_t now, struct sut_buf *b,
		      struct sut_err *err)
{
	static const char sql[] =
		"SELECT COUNT(*), COALESCE(SUM(CASE WHEN checkin >= $1 THEN 1 ELSE 0 END), 0)"
		" FROM systems";
	static const char name[] = "suture_portal_systems_seen";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	/* Twice the interval, and what the jitter adds. */
	int rc = sut_db_one(db, sql, SUT_DB_ARGS(SUT_DB_I(now - 3 * p->conf.checkin_sec)), &rows,
			    err);
	int64_t all, seen;

	if (rc <= 0)
		return rc;
	all = sut_db_int(rows, 0);
	seen = sut_db_int(rows, 1);
	if (metrics_head(b, name, "gauge",
			 "Registered systems by whether they checked in within three intervals.") <
		    0 ||
	    metrics_line(b, name, "seen", "yes", (double)seen) < 0 ||
	    metrics_line(b, name, "seen", "no", (double)(all - seen)) < 0)
		return sut_err_oom(err);
	return 0;
}

static int add_expiry(void *ctx, const char *role, int64_t expires, struct sut_err *err)
{
	return metrics_line(ctx, "suture_portal_metadata_expires_seconds", "role", role,
			    (double)expires) < 0
		       ? sut_err_oom(err)
		       : 0;
}

/* When servers stop believing what the repository says: the one figure to have an alarm on. */
static int add_metadata(struct portal *p, struct sut_db *db, struct sut_buf *b, struct sut_err *err)
{
	bool good = false;
	int rc;

	if (!p->conf.repository)
		return 0;
	if (metrics_head(
		    b, "suture_portal_metadata_expires_seconds", "gauge",
		    "When the signed metadata of a role expires, in seconds since the epoch.") < 0)
		return sut_err_oom(err);
	rc = repository_expiry(db, add_expiry, b, &good, err);
	if (rc < 0)
		return rc;
	if (metrics_head(b, "suture_portal_repository_good", "gauge",
			 "1 when the last look at the repository found nothing wrong.") < 0 ||
	    metrics_line(b, "suture_portal_repository_good", NULL, NULL, good) < 0)
		return sut_err_oom(err);
	return 0;
}

static int run(struct server *s, struct sut_db *db, int64_t now, struct sut_err *err)
{
	struct portal *p = portal_of(s);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(PAGE_MAX), metadata = SUT_BUF_INIT(PAGE_MAX);
	int rc = sut_db_begin(db, SUT_DB_READ, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < SUT_ARRAY_SIZE(counts); i++)
		rc = add_count(db, &counts[i], &b, err);
	if (rc == 0)
		rc = add_silent(p, db, now, &b, err);
	if (rc == 0)
		rc = add_metadata(p, db, &metadata, err);
	/* It only read. */
	sut_db_rollback(db);
	if (rc == 0) {
		metrics_put(p->s.metrics, METRICS_FLEET, &b);
		metrics_put(p->s.metrics, METRICS_METADATA, &metadata);
	}
	return rc;
}

const struct task task_fleet_metrics = {
	.name = "fleet-metrics",
	.every_sec = 30,
	.run = run,
};
