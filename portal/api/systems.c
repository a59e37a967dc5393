/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/systems: the registered servers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/str.h"
#include "feed/pin.h"
#include "fleet/decision.h"
#include "fleet/key.h"
#include "fleet/system.h"

enum {
	READERS = SUT_ROLE_VIEWER | SUT_ROLE_OPERATOR | SUT_ROLE_RELEASE | SUT_ROLE_KEYS |
		  SUT_ROLE_AUDITOR
};

/* 0; what web_not_found() returned; < 0. */
static int find(struct web_req *q, struct web_resp *r, struct fleet_system *ret,
		struct sut_err *err)
{
	int x = sut_uid_ok(q->params[0])
			? system_by_uid(q->db, q->who.tenant, q->params[0], ret, err)
			: 0;

	if (x < 0)
		return x;
	return x ? 0 : web_not_found(r, "system", q->params[0]);
}

static int answer(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system s = {0};
	json_t *j = NULL;
	int x = find(q, r, &s, err);

	if (!x)
		x = system_json(q->db, &s, true, q->now, &j, err);
	if (x)
		return x;
	web_version(r, s.version);
	return web_json(r, 200, j, err);
}

static int no_args(struct web_req *q, struct web_resp *r)
{
	static const char *const none[] = {NULL};

	return web_only_args(q, r, none);
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	int x = no_args(q, r);

	return x ? x : answer(q, r, err);
}

/* --- lists --- */

struct filter {
	struct web_page page;
	const char *hostname, *tag_name, *tag_value, *feed, *key, *state, *build_id, *release,
		*external_id, *address, *machine_id;
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
			    SUT_DB_I(f->checkin_before), SUT_DB_I(f->checkin_after)),
		ret, err);
}

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
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

/* --- summary --- */

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

static int summary(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct summary m = {
		json_object(), json_object(), json_object(), json_object(), 0, 0, 0, 0, 0};
	json_t *j = NULL;
	int x = no_args(q, r);

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
		j = json_pack("{s:I, s:O, s:O, s:O, s:o, s:I, s:I, s:I, s:I}", "total",
			      (json_int_t)m.total, "states", m.states, "feeds", m.feeds, "levels",
			      m.levels, "kernels", kernel_list(m.kernels), "silent",
			      (json_int_t)m.silent, "errors", (json_int_t)m.errors,
			      "clone_suspects", (json_int_t)m.clones, "on_hold",
			      (json_int_t)m.held);
	json_decref(m.states);
	json_decref(m.feeds);
	json_decref(m.kernels);
	json_decref(m.levels);
	return x ? x : web_json(r, 200, j, err);
}

/* --- changes --- */

struct change {
	json_t *tags;
	const char *feed, *pin, *hold_reason, *external_id;
	int64_t delay_hours, hold_until, feed_id;
	bool hold;
	bool has_tags, has_feed, has_delay, has_pin, has_hold, has_reason, has_until, has_external;
};

static int take_change(struct web_req *q, struct web_resp *r, struct change *c, struct sut_err *err)
{
	const struct web_field fields[] = {
		{"tags", WEB_T_OBJECT, 0, 0, 0, &c->tags, &c->has_tags},
		{"feed", WEB_T_NAME, WEB_NULLABLE, 0, 0, &c->feed, &c->has_feed},
		{"delay_hours", WEB_T_INT, WEB_NULLABLE, 0, 8760, &c->delay_hours, &c->has_delay},
		{"pin", WEB_T_STRING, WEB_NULLABLE, 0, FEED_PIN_MAX, &c->pin, &c->has_pin},
		{"hold", WEB_T_BOOL, 0, 0, 0, &c->hold, &c->has_hold},
		{"hold_reason", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, &c->hold_reason, &c->has_reason},
		{"hold_until", WEB_T_TIME, WEB_NULLABLE, 0, 0, &c->hold_until, &c->has_until},
		{"external_id", WEB_T_STRING, WEB_NULLABLE, 0, FLEET_EXTERNAL_ID_MAX,
		 &c->external_id, &c->has_external},
	};
	struct check bad = {0};
	struct sut_err wrong = {0};
	struct feed_pin pin;
	int x = WEB_TAKE(q, r, fields);

	if (x)
		return x;
	if (check_tags(&bad, "/tags", c->tags))
		return web_bad_field(r, bad.pointer, "%s", bad.detail);
	if (c->pin && feed_pin_parse(c->pin, &pin, &wrong) < 0)
		return web_bad_field(r, "/pin", "%s", wrong.msg);
	if (c->external_id && !check_printable(c->external_id, strlen(c->external_id)))
		return web_bad_field(r, "/external_id", "may hold printable characters only");
	if (c->feed) {
		x = fleet_feed_find(q->db, q->who.tenant, c->feed, &c->feed_id, err);
		if (x == 0)
			return web_bad_field(r, "/feed",
					     "there is no feed \"%s\": see GET /v1/feeds", c->feed);
		if (x < 0)
			return x;
	}
	return 0;
}

/* Row id of the system's own feed; 0: it has none. */
static int64_t own_feed(const struct fleet_system *s)
{
	return s->text[SYS_OWN_FEED] ? s->feed : 0;
}

static int apply_change(struct web_req *q, struct web_resp *r, const struct fleet_system *s,
			const struct change *c, struct sut_err *err)
{
	int64_t feed = c->has_feed ? c->feed_id : own_feed(s);
	int64_t delay = c->has_delay ? (c->delay_hours >= 0 ? c->delay_hours : -1) : s->own_delay;
	bool hold = c->has_hold ? c->hold : s->hold;
	int64_t until = c->has_until ? c->hold_until : s->hold_until, n = 0;
	const char *reason = c->has_reason ? c->hold_reason : s->text[SYS_HOLD_REASON];
	int x;

	/* What ends a hold ends its reason, too. */
	if (!hold) {
		until = 0;
		reason = "";
	}
	x = sut_db_exec(
		q->db,
		"UPDATE systems SET feed = $4, delay_hours = $5, pin = $6, hold = $7, hold_reason = $8,"
		" hold_until = $9, external_id = $10, version = version + 1"
		" WHERE tenant = $1 AND id = $2 AND version = $3",
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(s->id), SUT_DB_I(s->version),
			    SUT_DB_I_IF(feed, feed), SUT_DB_I_IF(delay >= 0, delay),
			    SUT_DB_T(c->has_pin ? c->pin : s->text[SYS_OWN_PIN]), SUT_DB_I(hold),
			    SUT_DB_T(reason), SUT_DB_I_IF(until > 0, until),
			    SUT_DB_T(c->has_external ? c->external_id : s->text[SYS_EXTERNAL_ID])),
		&n, err);
	if (x == -EEXIST)
		return web_problem(
			r, 409, "external-id-taken",
			"another system of this tenant has this external_id: look for it with GET /v1/systems?external_id=");
	if (x >= 0 && n != 1)
		return sut_err_set(err, EAGAIN,
				   "the system was changed at the same time: do it again");
	if (x >= 0 && c->has_tags)
		x = system_set_tags(q->db, q->who.tenant, s->id, c->tags, err);
	return x;
}

static json_t *copy_of(const json_t *body)
{
	return body ? json_copy((json_t *)body) : json_object();
}

static int change(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system s = {0};
	struct change c = {.delay_hours = -1};
	int x = take_change(q, r, &c, err);

	if (!x)
		x = find(q, r, &s, err);
	if (!x)
		x = web_if_match(q, r, s.version);
	if (!x)
		x = apply_change(q, r, &s, &c, err);
	if (!x)
		x = system_event(
			q->db, s.id, q->now, "changed",
			json_pack("{s:s, s:o}", "by", q->who.name, "change", copy_of(q->body)),
			err);
	if (!x)
		x = web_audit(q, "system.change", "system", s.text[SYS_UID], copy_of(q->body), err);
	return x ? x : answer(q, r, err);
}

static int remove_system(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system s = {0};
	int x = no_args(q, r);

	if (!x)
		x = find(q, r, &s, err);
	if (!x)
		x = web_if_match(q, r, s.version);
	if (!x)
		x = system_delete(q->db, &s, q->now, "deleted", err);
	if (!x)
		x = web_audit(q, "system.delete", "system", s.text[SYS_UID],
			      json_pack("{s:s, s:s}", "hostname", s.text[SYS_HOSTNAME], "key",
					s.text[SYS_KEY]),
			      err);
	if (!x)
		x = web_event(q, s.tenant, "system.deleted",
			      json_pack("{s:s, s:s, s:s*}", "system", s.text[SYS_UID], "hostname",
					s.text[SYS_HOSTNAME], "external_id",
					s.text[SYS_EXTERNAL_ID]),
			      err);
	return x ? x : web_no_content(r);
}

/* --- transfer --- */

static int tenant_find(struct web_req *q, struct web_resp *r, const char *name, int64_t *ret,
		       struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x;

	if (!name || !strcmp(name, q->who.tenant_name)) {
		*ret = q->who.tenant;
		return 0;
	}
	if (!q->who.staff)
		return web_problem(
			r, 403, "staff-only",
			"only the staff of this portal may move a system to another tenant: leave \"tenant\" out, or ask them");
	x = sut_db_one(q->db, "SELECT id FROM tenants WHERE name = $1", SUT_DB_ARGS(SUT_DB_T(name)),
		       &rows, err);
	if (x <= 0)
		return x < 0 ? x : web_bad_field(r, "/tenant", "there is no tenant \"%s\"", name);
	*ret = sut_db_int(rows, 0);
	return 0;
}

static int move(struct web_req *q, struct web_resp *r, const struct fleet_system *s,
		const struct fleet_key *to, struct sut_err *err)
{
	bool other = to->tenant != s->tenant;
	int64_t instance = s->instance;
	int x = 0;

	if (other)
		x = system_instance(q->db, to->tenant, s->text[SYS_MACHINE_ID],
				    s->text[SYS_PRODUCT_UUID], &instance, err);
	if (x >= 0)
		x = sut_db_exec(
			q->db,
			/* A feed of its own that the new tenant does not see is given up. */
			"UPDATE systems SET tenant = $3, key_id = $4, instance = $5,"
			" feed = (SELECT f.id FROM feeds f WHERE f.id = systems.feed"
			" AND (f.tenant = 0 OR f.tenant = $3)), version = version + 1"
			" WHERE id = $1 AND tenant = $2",
			SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(s->tenant), SUT_DB_I(to->tenant),
				    SUT_DB_I(to->id), SUT_DB_I(instance)),
			NULL, err);
	if (x == -EEXIST)
		return web_problem(
			r, 409, "external-id-taken",
			"another system of the tenant has this system's external_id: change one of the two first");
	return x;
}

/* In the logs of both tenants, when there are two. */
static int tell_transfer(struct web_req *q, const struct fleet_system *s,
			 const struct fleet_key *to, struct sut_err *err)
{
	int64_t own = q->who.tenant;
	int x = 0;

	for (int i = 0; x >= 0 && i < (to->tenant != s->tenant ? 2 : 1); i++) {
		int64_t tenant = i ? to->tenant : s->tenant;

		q->who.tenant = tenant;
		x = web_audit(q, "system.transfer", "system", s->text[SYS_UID],
			      json_pack("{s:s, s:s, s:s}", "from_key", s->text[SYS_KEY], "to_key",
					to->uid, "to_tenant", to->tenant_name),
			      err);
		if (x >= 0)
			x = web_event(q, tenant, "system.transferred",
				      json_pack("{s:s, s:s, s:s, s:s}", "system", s->text[SYS_UID],
						"hostname", s->text[SYS_HOSTNAME], "key", to->uid,
						"tenant", to->tenant_name),
				      err);
	}
	q->who.tenant = own;
	return x;
}

static int transfer(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system s = {0}, moved = {0};
	_cleanup_key_ struct fleet_key to = {0};
	const char *key = NULL, *name = NULL;
	const struct web_field fields[] = {
		{"key", WEB_T_STRING, WEB_REQUIRED, 0, SUT_UID_LEN, &key, NULL},
		{"tenant", WEB_T_NAME, 0, 0, 0, &name, NULL},
	};
	int64_t tenant = 0;
	json_t *j = NULL;
	int x = WEB_TAKE(q, r, fields);

	if (!x)
		x = find(q, r, &s, err);
	if (!x)
		x = tenant_find(q, r, name, &tenant, err);
	if (x)
		return x;
	x = fleet_key_by_uid(q->db, tenant, key, &to, err);
	if (x <= 0)
		return x < 0 ? x
			     : web_bad_field(
				       r, "/key",
				       "there is no key \"%s\" in that tenant: see GET /v1/keys",
				       key);
	x = fleet_key_refuse(&to, q->now, 0, r);
	if (!x && to.id != s.key_id) {
		x = fleet_key_take(q, r, &to, err);
		if (!x)
			x = move(q, r, &s, &to, err);
		if (!x)
			x = fleet_key_give(q->db, s.tenant, s.key_id, 1, err);
		if (!x)
			x = system_event(q->db, s.id, q->now, "transferred",
					 json_pack("{s:s, s:s, s:s}", "from_key", s.text[SYS_KEY],
						   "to_key", to.uid, "by", q->who.name),
					 err);
		if (!x)
			x = tell_transfer(q, &s, &to, err);
	}
	if (x)
		return x;
	x = system_by_id(q->db, tenant, s.id, &moved, err);
	if (x <= 0)
		return x < 0 ? x : sut_err_set(err, EIO, "the moved system is not there");
	x = system_json(q->db, &moved, true, q->now, &j, err);
	if (x < 0)
		return x;
	web_version(r, moved.version);
	return web_json(r, 200, j, err);
}

/* --- history, decision --- */

static int events(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const names[] = {"limit", "cursor", NULL};
	_cleanup_system_ struct fleet_system s = {0};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct web_page page;
	json_t *items = NULL;
	int64_t last = 0;
	bool more = false;
	int x;

	if (web_only_args(q, r, names) || web_page_take(q, r, &page))
		return WEB_NO;
	x = find(q, r, &s, err);
	if (x)
		return x;
	x = sut_db_query(q->db,
			 "SELECT e.id, e.at, e.type, e.data FROM system_events e"
			 " JOIN systems s ON s.id = e.system AND s.tenant = $1"
			 " WHERE e.system = $2 AND e.id > $3 ORDER BY e.id LIMIT $4",
			 SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(s.id), SUT_DB_I(page.after),
				     SUT_DB_I(page.limit + 1)),
			 &rows, err);
	if (x < 0)
		return x;
	items = json_array();
	while ((x = items ? sut_db_next(rows, err) : sut_err_oom(err)) > 0) {
		if (json_array_size(items) == (size_t)page.limit) {
			more = true;
			break;
		}
		last = sut_db_int(rows, 0);
		if (json_array_append_new(
			    items, json_pack("{s:o, s:s, s:o}", "at", web_time(sut_db_int(rows, 1)),
					     "type", sut_db_text(rows, 2), "data",
					     json_loads(sut_db_text(rows, 3), 0, NULL)))) {
			x = sut_err_oom(err);
			break;
		}
	}
	if (x < 0) {
		json_decref(items);
		return x;
	}
	return web_page_put(q, r, items, last, more, err);
}

/* What a decision comes to, as a sentence. */
static void explain(const struct fleet_system *s, const struct decide_in *in,
		    const struct decide_out *out, char *buf, size_t size)
{
	const char *patchset = out->target ? out->target->patchset : "";

	switch (out->action) {
	case DECIDE_APPLY:
		snprintf(
			buf, size,
			"It runs level %lld and is told to run level %u (%s), the highest that its feed %s allows.",
			(long long)s->level, out->level, patchset, s->text[SYS_FEED]);
		break;
	case DECIDE_KEEP:
		snprintf(
			buf, size,
			"It runs level %lld%s%s%s, which is right: its feed %s has nothing that goes before it.",
			(long long)s->level, patchset[0] ? " (" : "", patchset,
			patchset[0] ? ")" : "", s->text[SYS_FEED]);
		break;
	case DECIDE_UNLOAD:
		snprintf(
			buf, size,
			"It runs level %lld, which was withdrawn or lies beyond the pin, and there is nothing to take its place: it is told to unload it.",
			(long long)s->level);
		break;
	case DECIDE_NONE:
		if (!s->text[SYS_BUILD_ID][0])
			snprintf(
				buf, size,
				"It has not said which kernel it runs: it is told after its first check-in.");
		else if (!in->n)
			snprintf(buf, size,
				 "The feed %s has no patch for its kernel %s (build id %s).",
				 s->text[SYS_FEED], s->text[SYS_RELEASE], s->text[SYS_BUILD_ID]);
		else
			snprintf(buf, size,
				 "The feed %s has patches for its kernel, and none may be run now.",
				 s->text[SYS_FEED]);
		break;
	}
}

static json_t *policy_json(const struct fleet_system *s, const struct feed_view *view)
{
	const char *own = "system", *pin_from = "feed";
	int64_t delay = s->delay_hours >= 0 ? s->delay_hours : view->delay_sec / 3600;

	if (s->text[SYS_PIN])
		pin_from = s->text[SYS_OWN_PIN] ? own : "key";
	return json_pack("{s:s, s:s, s:I, s:s, s:s?, s:s, s:b, s:s, s:o}", "feed",
			 s->text[SYS_FEED], "feed_from", s->text[SYS_OWN_FEED] ? own : "key",
			 "delay_hours", (json_int_t)delay, "delay_from",
			 s->own_delay >= 0     ? own
			 : s->delay_hours >= 0 ? "key"
					       : "feed",
			 "pin", s->text[SYS_PIN], "pin_from", pin_from, "hold", s->hold,
			 "hold_reason", s->text[SYS_HOLD_REASON], "hold_until",
			 web_time(s->hold_until));
}

static int decision(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(decisions_putp) const struct feed_view *view = NULL;
	_cleanup_system_ struct fleet_system s = {0};
	json_t *kernel = NULL, *held = NULL, *until;
	struct decide_out out;
	struct decide_in in;
	char text[512];
	int x = no_args(q, r);

	if (!x)
		x = find(q, r, &s, err);
	if (!x)
		x = system_decide(q->portal, q->db, &s, q->now, &view, &in, &out, err);
	if (!x)
		x = decide_json(&in, &out, &kernel, &held, err);
	if (x)
		return x;
	explain(&s, &in, &out, text, sizeof(text));
	until = out.valid_until == INT64_MAX ? json_null() : web_time(out.valid_until);
	return web_json(r, 200,
			json_pack("{s:s, s:s, s:I, s:s, s:s, s:o, s:o, s:o, s:o}", "system",
				  s.text[SYS_UID], "state", s.text[SYS_STATE], "level",
				  (json_int_t)s.level, "patchset", s.text[SYS_PATCHSET],
				  "explanation", text, "kernel", kernel, "held", held, "policy",
				  policy_json(&s, view), "valid_until", until),
			err);
}

const struct web_route api_systems[] = {
	{"GET", "/v1/systems", READERS, 0, list, NULL, NULL, NULL},
	{"GET", "/v1/systems/summary", READERS, 0, summary, NULL, NULL, NULL},
	{"GET", "/v1/systems/{system}", READERS, 0, get, NULL, NULL, NULL},
	{"PATCH", "/v1/systems/{system}", SUT_ROLE_OPERATOR, WEB_WRITE, change, NULL, NULL, NULL},
	{"DELETE", "/v1/systems/{system}", SUT_ROLE_OPERATOR, WEB_WRITE, remove_system, NULL, NULL,
	 NULL},
	{"POST", "/v1/systems/{system}/transfer", SUT_ROLE_ADMIN, WEB_WRITE, transfer, NULL, NULL,
	 NULL},
	{"GET", "/v1/systems/{system}/events", READERS, 0, events, NULL, NULL, NULL},
	{"GET", "/v1/systems/{system}/decision", READERS, 0, decision, NULL, NULL, NULL},
	{0},
};
