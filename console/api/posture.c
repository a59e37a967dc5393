// SPDX-License-Identifier: Apache-2.0
/* GET /v1/posture: how the fleet stands, on one page. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "api/api.h"
#include "api/show.h"
#include "api/systems.h"
#include "link/link.h"

enum { WORST = 10, DAYS = 90, TIMES_SEC = 30 * 86400, TIMES_MAX = 100000, RECENT_SEC = 86400 };

static json_t *worst_cves(const struct map_view *v)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < view_cves(v) && json_array_size(list) < WORST; i++) {
		if (!view_cve_at(v, i)->exposed)
			continue;
		if (json_array_append_new(list, show_cve(v, view_cve_at(v, i))) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static int worst_systems(struct web_req *q, const struct map_view *v, json_t **ret,
			 struct sut_err *err)
{
	json_t *list = json_array();
	int x = list ? 0 : sut_err_oom(err);

	for (size_t i = 0; x >= 0 && i < view_hosts(v) && json_array_size(list) < WORST; i++) {
		const struct view_host *h = view_host_at(v, view_worst_hosts(v)[i]);
		_cleanup_rows_ struct sut_db_rows *row = NULL;
		json_t *j;

		if (!h->counts->exposed)
			break;
		x = sut_db_one(q->db, SYSTEMS_SELECT " WHERE tenant = $1 AND id = $2",
			       SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(h->id)), &row, err);
		if (x <= 0)
			continue;
		j = systems_json(row);
		x = j ? systems_add_counts(q, h->id, j, err) : sut_err_oom(err);
		if (json_array_append_new(list, j) < 0 && x >= 0)
			x = sut_err_oom(err);
	}
	if (x < 0) {
		json_decref(list);
		return x;
	}
	*ret = list;
	return 0;
}

/* Of the last 30 days: each time that a system went up counts once. */
static int time_to_protect(struct web_req *q, json_t **ret, struct sut_err *err)
{
	static const char
		count[] = "SELECT COUNT(*) FROM protect_times WHERE tenant = $1"
			  " AND protected > $2",
		at[] = "SELECT protected - since FROM protect_times WHERE tenant = $1"
		       " AND protected > $2 ORDER BY protected - since, id LIMIT 1 OFFSET $3";
	static const int parts[] = {50, 95};
	json_t *values[2] = {NULL, NULL};
	int64_t n = 0, since = q->now - TIMES_SEC;
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int x = sut_db_one(q->db, count, SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(since)),
			   &row, err);

	if (x > 0)
		n = sut_db_int(row, 0);
	for (size_t i = 0; x >= 0 && i < 2; i++) {
		_cleanup_rows_ struct sut_db_rows *one = NULL;

		x = sut_db_one(q->db, at,
			       SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(since),
					   SUT_DB_I(n ? (n - 1) * parts[i] / 100 : 0)),
			       &one, err);
		values[i] = x > 0 ? json_integer((json_int_t)sut_db_int(one, 0)) : json_null();
	}
	if (x < 0) {
		json_decref(values[0]);
		json_decref(values[1]);
		return x;
	}
	*ret = json_pack("{s:o, s:o, s:I}", "p50_s", values[0], "p95_s", values[1], "n",
			 (json_int_t)n);
	return *ret ? 0 : sut_err_oom(err);
}

static json_t *day_json(const struct sut_db_rows *row)
{
	time_t t = (time_t)sut_db_int(row, 0) * 86400;
	char day[16] = "";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		(void)!strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "day", day, "exposed",
			 (json_int_t)sut_db_int(row, 1), "fixable", (json_int_t)sut_db_int(row, 2),
			 "live_fixed", (json_int_t)sut_db_int(row, 3), "systems",
			 (json_int_t)sut_db_int(row, 4), "protected",
			 (json_int_t)sut_db_int(row, 5));
}

static int days(struct web_req *q, json_t **ret, struct sut_err *err)
{
	static const char sql[] =
		"SELECT day, exposed, fixable, live_fixed, systems, protected FROM posture_days"
		" WHERE tenant = $1 AND day > $2 ORDER BY day";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	json_t *list = json_array();
	int x = sut_db_query(q->db, sql,
			     SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(q->now / 86400 - DAYS)),
			     &rows, err);

	while (x >= 0 && (x = sut_db_next(rows, err)) > 0)
		if (json_array_append_new(list, day_json(rows)) < 0)
			x = sut_err_oom(err);
	if (x < 0) {
		json_decref(list);
		return x;
	}
	*ret = list;
	return 0;
}

static int jobs(struct web_req *q, json_t **ret, struct sut_err *err)
{
	static const char sql[] =
		"SELECT (SELECT COUNT(*) FROM jobs WHERE tenant = $1 AND state = 'running'),"
		" (SELECT COUNT(*) FROM job_systems WHERE tenant = $1 AND state = 'failed'"
		" AND finished_at > $2)";
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int x = sut_db_one(q->db, sql,
			   SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(q->now - RECENT_SEC)),
			   &row, err);

	if (x < 0)
		return x;
	*ret = json_pack("{s:I, s:I}", "running", (json_int_t)sut_db_int(row, 0), "failed_recently",
			 (json_int_t)sut_db_int(row, 1));
	return *ret ? 0 : sut_err_oom(err);
}

static json_t *big_counts(const uint64_t *n)
{
	json_t *j = json_object();

	for (enum verdict v = 0; j && v < VERDICTS; v++)
		if (n[v] &&
		    json_object_set_new(j, verdict_name(v), json_integer((json_int_t)n[v])) < 0) {
			json_decref(j);
			return NULL;
		}
	return j;
}

static json_t *totals_json(const struct map_view *v)
{
	const struct view_totals *t = view_totals(v);
	const uint32_t *p = t->protection;

	return json_pack("{s:o, s:{s:I, s:I, s:I, s:I, s:I}, s:o, s:I, s:I, s:o, s:{s:o, s:I}}",
			 "at", web_time(view_at(v)), "systems", "total", (json_int_t)t->systems,
			 "protected", (json_int_t)p[VIEW_PROTECTED], "exposed",
			 (json_int_t)p[VIEW_EXPOSED], "unknown", (json_int_t)p[VIEW_UNKNOWN],
			 "offline", (json_int_t)p[VIEW_OFFLINE], "verdicts",
			 big_counts(t->verdicts), "exposed", (json_int_t)t->exposed, "fixable_now",
			 (json_int_t)t->verdicts[VERDICT_FIX_READY], "worst_cves", worst_cves(v),
			 "scans", "last", web_time(t->last_scan), "stale", (json_int_t)t->stale);
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {NULL};
	static const char *const names[] = {"worst_systems", "time_to_protect", "days", "jobs",
					    "portal"};
	_cleanup_(view_putp) struct map_view *v = NULL;
	json_t *parts[5] = {NULL}, *j;
	int x = web_only_args(q, r, args);

	if (x)
		return x;
	x = map_of(q, &v, err);
	if (x < 0)
		return x;
	j = totals_json(v);
	x = j ? worst_systems(q, v, &parts[0], err) : sut_err_oom(err);
	if (x >= 0)
		x = time_to_protect(q, &parts[1], err);
	if (x >= 0)
		x = days(q, &parts[2], err);
	if (x >= 0)
		x = jobs(q, &parts[3], err);
	if (x >= 0)
		x = link_json(q->db, q->who.tenant, &parts[4], err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(parts); i++)
		if (x < 0)
			json_decref(parts[i]);
		else if (json_object_set_new(j, names[i], parts[i]) < 0)
			x = sut_err_oom(err);
	if (x < 0) {
		json_decref(j);
		return x;
	}
	return web_json(r, 200, j, err);
}

const struct web_route api_posture[] = {
	{.method = "GET", .path = "/v1/posture", .allow = API_READERS, .run = get},
	{0},
};
