/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/systems/summary: how many there are of what. */
#include <stdio.h>
#include <string.h>

#include "api/systems.h"

enum { LIBRARIES_MAX = 200 };

static int count(json_t *in, const char *name, int64_t n)
{
	return json_object_set_new(in, name,
				   json_integer(json_integer_value(json_object_get(in, name)) + n));
}

struct summary {
	json_t *states, *feeds, *kernels, *levels;
	int64_t total, silent, errors, clones, held;
};

static int add_group(struct summary *m, struct sut_db_rows *rows)
{
	const char *state = sut_db_text(rows, 0), *release = sut_db_text(rows, 1),
		   *build_id = sut_db_text(rows, 2), *feed = sut_db_text(rows, 4);
	int64_t n = sut_db_int(rows, 5);
	char level[32], id[256];

	m->total += n;
	m->silent += sut_db_int(rows, 6);
	m->errors += sut_db_int(rows, 7);
	m->clones += sut_db_int(rows, 8);
	m->held += sut_db_int(rows, 9);
	snprintf(level, sizeof(level), "%lld", (long long)sut_db_int(rows, 3));
	/* One kernel may have several releases by name, but not by build id. */
	snprintf(id, sizeof(id), "%s %s", build_id, release);
	return count(m->states, state, n) || count(m->feeds, feed, n) ||
	       count(m->levels, level, n) || count(m->kernels, id, n);
}

/* {"BUILD_ID RELEASE": n} as a list. NULL when memory is short. */
static json_t *kernel_list(const json_t *kernels)
{
	json_t *list = json_array(), *n;
	const char *id;

	json_object_foreach((json_t *)kernels, id, n) {
		size_t at = strcspn(id, " ");

		if (json_array_append_new(list, json_pack("{s:s%, s:s, s:O}", "build_id", id, at,
							  "release", id + at + 1, "systems", n))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* The libraries that most systems use, of those that patches are for. */
static int library_summary(struct web_req *q, json_t **ret, struct sut_err *err)
{
	static const char sql[] =
		"SELECT l.build_id, MIN(l.name), MIN(l.version), COUNT(*),"
		" SUM(CASE WHEN l.patched < l.processes THEN 1 ELSE 0 END), SUM(l.processes),"
		" SUM(l.patched) FROM system_libraries l JOIN systems s ON s.id = l.system"
		" WHERE s.tenant = $1 GROUP BY l.build_id ORDER BY COUNT(*) DESC, l.build_id LIMIT $2";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	json_t *list = json_array();
	int x = list ? sut_db_query(q->db, sql,
				    SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(LIBRARIES_MAX)),
				    &rows, err)
		     : sut_err_oom(err);

	while (x >= 0 && (x = sut_db_next(rows, err)) > 0)
		if (json_array_append_new(
			    list, json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "build_id",
					    sut_db_text(rows, 0), "name", sut_db_text(rows, 1),
					    "version", sut_db_text(rows, 2), "systems",
					    (json_int_t)sut_db_int(rows, 3), "unpatched_systems",
					    (json_int_t)sut_db_int(rows, 4), "processes",
					    (json_int_t)sut_db_int(rows, 5), "patched",
					    (json_int_t)sut_db_int(rows, 6))))
			x = sut_err_oom(err);
	if (x < 0) {
		json_decref(list);
		return x;
	}
	*ret = list;
	return 0;
}

int systems_summary(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct summary m = {
		json_object(), json_object(), json_object(), json_object(), 0, 0, 0, 0, 0};
	static const char *const none[] = {NULL};
	json_t *j = NULL, *libraries = NULL;
	int x = web_only_args(q, r, none);

	if (!x && (!m.states || !m.feeds || !m.kernels || !m.levels))
		x = sut_err_oom(err);
	if (!x)
		x = sut_db_query(
			q->db,
			"SELECT s.state, s.release, s.build_id, s.level, f.name, COUNT(*),"
			" SUM(CASE WHEN COALESCE(s.checkin, s.registered) < $2 THEN 1 ELSE 0 END),"
			" SUM(CASE WHEN s.errors > 0 THEN 1 ELSE 0 END),"
			" SUM(CASE WHEN s.conflict_at > $3 THEN 1 ELSE 0 END),"
			" SUM(CASE WHEN s.hold = 1 THEN 1 ELSE 0 END)"
			" FROM systems s JOIN keys k ON k.id = s.key_id AND k.tenant = s.tenant"
			" JOIN feeds f ON f.id = COALESCE(s.feed, k.feed) WHERE s.tenant = $1"
			" GROUP BY s.state, s.release, s.build_id, s.level, f.name",
			SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(q->now - SYSTEM_SILENT_SEC),
				    SUT_DB_I(q->now - LINE_WINDOW_SEC)),
			&rows, err);
	while (x >= 0 && rows && (x = sut_db_next(rows, err)) > 0)
		if (add_group(&m, rows)) {
			x = sut_err_oom(err);
			break;
		}
	if (!x)
		x = library_summary(q, &libraries, err);
	if (!x)
		j = json_pack("{s:I, s:O, s:O, s:O, s:o, s:o, s:I, s:I, s:I, s:I}", "total",
			      (json_int_t)m.total, "states", m.states, "feeds", m.feeds, "levels",
			      m.levels, "kernels", kernel_list(m.kernels), "libraries", libraries,
			      "silent", (json_int_t)m.silent, "errors", (json_int_t)m.errors,
			      "clone_suspects", (json_int_t)m.clones, "on_hold",
			      (json_int_t)m.held);
	json_decref(m.states);
	json_decref(m.feeds);
	json_decref(m.kernels);
	json_decref(m.levels);
	return x ? x : web_json(r, 200, j, err);
}
