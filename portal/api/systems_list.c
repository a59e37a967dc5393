/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/systems: lists and their filters. */
#include <string.h>

#include "api/systems.h"
#include "fleet/check.h"

struct filter {
	struct web_page page;
	const char *hostname, *tag_name, *tag_value, *feed, *key, *state, *build_id, *release,
		*external_id, *address, *machine_id, *library;
	char tag[FLEET_TAG_NAME_MAX + 1];
	int64_t level; /* -1: any */
	int64_t registered_before, registered_after, checkin_before, checkin_after;
	int64_t errors, clones; /* -1: any */
};

static int arg_time(struct web_req *q, struct web_resp *r, const char *name, int64_t *ret)
{
	const char *s = web_arg(q, name);

	if (s && web_time_parse(s, ret) < 0)
		return web_problem(r, 400, "bad-argument",
				   "%s must be a time as 2026-11-22T12:00:00Z", name);
	return 0;
}

static int arg_bool(struct web_req *q, struct web_resp *r, const char *name, int64_t *ret)
{
	const char *s = web_arg(q, name);

	if (s && strcmp(s, "true") && strcmp(s, "false"))
		return web_problem(r, 400, "bad-argument", "%s must be true or false", name);
	if (s)
		*ret = !strcmp(s, "true");
	return 0;
}

/* What cannot be SQL text would be an error of the database. */
static int arg_text(struct web_req *q, struct web_resp *r, const char *name, const char **ret)
{
	const char *s = web_arg(q, name);

	if (s && (strlen(s) > WEB_TEXT_MAX || !check_printable(s, strlen(s))))
		return web_problem(r, 400, "bad-argument",
				   "%s may hold up to %d bytes of printable text", name,
				   WEB_TEXT_MAX);
	*ret = s;
	return 0;
}

static int take_filter(struct web_req *q, struct web_resp *r, struct filter *f)
{
	static const char *const names[] = {"limit",
					    "cursor",
					    "hostname",
					    "tag",
					    "feed",
					    "key",
					    "state",
					    "build_id",
					    "release",
					    "level",
					    "external_id",
					    "address",
					    "machine_id",
					    "library",
					    "errors",
					    "clones",
					    "registered_before",
					    "registered_after",
					    "checkin_before",
					    "checkin_after",
					    NULL};
	const char *tag = NULL;

	*f = (struct filter){.level = -1, .errors = -1, .clones = -1};
	if (web_only_args(q, r, names) || web_page_take(q, r, &f->page) ||
	    arg_text(q, r, "hostname", &f->hostname) || arg_text(q, r, "tag", &tag) ||
	    arg_text(q, r, "feed", &f->feed) || arg_text(q, r, "key", &f->key) ||
	    arg_text(q, r, "state", &f->state) || arg_text(q, r, "build_id", &f->build_id) ||
	    arg_text(q, r, "release", &f->release) ||
	    arg_text(q, r, "external_id", &f->external_id) ||
	    arg_text(q, r, "address", &f->address) ||
	    arg_text(q, r, "machine_id", &f->machine_id) ||
	    arg_text(q, r, "library", &f->library) ||
	    web_arg_int(q, r, "level", 0, INT32_MAX, &f->level) ||
	    arg_bool(q, r, "errors", &f->errors) || arg_bool(q, r, "clones", &f->clones) ||
	    arg_time(q, r, "registered_before", &f->registered_before) ||
	    arg_time(q, r, "registered_after", &f->registered_after) ||
	    arg_time(q, r, "checkin_before", &f->checkin_before) ||
	    arg_time(q, r, "checkin_after", &f->checkin_after))
		return WEB_NO;
	if (tag) {
		size_t n = strcspn(tag, ":=");

		if (!n || n >= sizeof(f->tag))
			return web_problem(r, 400, "bad-argument",
					   "tag must be NAME or NAME=VALUE");
		memcpy(f->tag, tag, n);
		f->tag_name = f->tag;
		f->tag_value = tag[n] ? tag + n + 1 : NULL;
	}
	return 0;
}

/*
 * One condition for all filters, after whichever index leads to the rows best: each of the statements
 * below begins with the one that leaves the fewest. Arguments that are NULL or negative do not filter.
 */
#define LIST_WHERE                                                                                 \
	" AND s.id > $2"                                                                           \
	" AND (CAST($4 AS TEXT) IS NULL OR substr(s.hostname, 1, length($4)) = $4)"                \
	" AND (CAST($5 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM system_tags g"                    \
	" WHERE g.system = s.id AND g.name = $5 AND (CAST($6 AS TEXT) IS NULL OR g.value = $6)))"  \
	" AND (CAST($7 AS TEXT) IS NULL OR f.name = $7)"                                           \
	" AND (CAST($8 AS TEXT) IS NULL OR k.uid = $8)"                                            \
	" AND (CAST($9 AS TEXT) IS NULL OR s.state = $9)"                                          \
	" AND (CAST($10 AS TEXT) IS NULL OR s.build_id = $10)"                                     \
	" AND (CAST($11 AS TEXT) IS NULL OR s.release = $11)"                                      \
	" AND (CAST($12 AS BIGINT) < 0 OR s.level = $12)"                                          \
	" AND (CAST($13 AS TEXT) IS NULL OR s.external_id = $13)"                                  \
	" AND (CAST($14 AS TEXT) IS NULL OR s.address = $14)"                                      \
	" AND (CAST($15 AS TEXT) IS NULL OR s.machine_id = $15)"                                   \
	" AND (CAST($16 AS BIGINT) < 0 OR (s.errors > 0) = (CAST($16 AS BIGINT) = 1))"             \
	" AND (CAST($17 AS BIGINT) < 0 OR (COALESCE(s.conflict_at, 0) > $18)"                      \
	" = (CAST($17 AS BIGINT) = 1))"                                                            \
	" AND (CAST($19 AS BIGINT) = 0 OR s.registered < $19)"                                     \
	" AND (CAST($20 AS BIGINT) = 0 OR s.registered >= $20)"                                    \
	" AND (CAST($21 AS BIGINT) = 0 OR COALESCE(s.checkin, 0) < $21)"                           \
	" AND (CAST($22 AS BIGINT) = 0 OR COALESCE(s.checkin, 0) >= $22)"                          \
	" AND (CAST($23 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM system_libraries l"              \
	" WHERE l.system = s.id AND l.build_id = $23))"                                            \
	" ORDER BY s.id LIMIT $3"

static int query_list(struct web_req *q, const struct filter *f, struct sut_db_rows **ret,
		      struct sut_err *err)
{
	const char *sql = SYSTEM_SELECT SYSTEM_FROM " WHERE s.tenant = $1" LIST_WHERE;

	if (f->external_id)
		sql = SYSTEM_SELECT SYSTEM_FROM
			" WHERE s.tenant = $1 AND s.external_id = $13" LIST_WHERE;
	else if (f->machine_id)
		sql = SYSTEM_SELECT SYSTEM_FROM
			" WHERE s.tenant = $1 AND s.machine_id = $15" LIST_WHERE;
	else if (f->clones == 1)
		sql = SYSTEM_SELECT SYSTEM_FROM
			" WHERE s.tenant = $1 AND s.conflict_at > $18" LIST_WHERE;
	else if (f->build_id)
		sql = SYSTEM_SELECT SYSTEM_FROM
			" WHERE s.tenant = $1 AND s.build_id = $10" LIST_WHERE;
	return sut_db_query(
		q->db, sql,
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(f->page.after),
			    SUT_DB_I(f->page.limit + 1), SUT_DB_T(f->hostname),
			    SUT_DB_T(f->tag_name), SUT_DB_T(f->tag_value), SUT_DB_T(f->feed),
			    SUT_DB_T(f->key), SUT_DB_T(f->state), SUT_DB_T(f->build_id),
			    SUT_DB_T(f->release), SUT_DB_I(f->level), SUT_DB_T(f->external_id),
			    SUT_DB_T(f->address), SUT_DB_T(f->machine_id), SUT_DB_I(f->errors),
			    SUT_DB_I(f->clones), SUT_DB_I(q->now - LINE_WINDOW_SEC),
			    SUT_DB_I(f->registered_before), SUT_DB_I(f->registered_after),
			    SUT_DB_I(f->checkin_before), SUT_DB_I(f->checkin_after),
			    SUT_DB_T(f->library)),
		ret, err);
}

int systems_list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct filter f;
	json_t *items;
	int64_t last = 0;
	bool more = false;
	int x;

	if (take_filter(q, r, &f))
		return WEB_NO;
	x = query_list(q, &f, &rows, err);
	if (x < 0)
		return x;
	items = json_array();
	while ((x = items ? sut_db_next(rows, err) : sut_err_oom(err)) > 0) {
		_cleanup_system_ struct fleet_system s = {0};
		json_t *j = NULL;

		if (json_array_size(items) == (size_t)f.page.limit) {
			more = true;
			break;
		}
		x = system_read(rows, &s, err);
		if (x >= 0)
			x = system_json(q->db, &s, false, q->now, &j, err);
		if (x >= 0 && json_array_append_new(items, j))
			x = sut_err_oom(err);
		if (x < 0)
			break;
		last = s.id;
	}
	if (x < 0) {
		json_decref(items);
		return x;
	}
	return web_page_put(q, r, items, last, more, err);
}
