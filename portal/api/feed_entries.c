// SPDX-License-Identifier: Apache-2.0
/* /v1/feeds/{feed}/patchsets, promote, hold, release, withdraw: what a feed gives out. */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "api/feeds.h"

/* One call about a patchset in a feed. */
struct action {
	struct flow_feed feed;
	int64_t patchset;
	char name[FEED_PATCHSET_MAX + 1];
	bool withdrawn; /* from the repository */
	struct flow_entry entry;
};

struct request {
	const char *patchset, *reason, *from;
	int64_t until;
};

static json_t *entry_json(struct sut_db_rows *rows, int64_t now, int64_t delay_hours)
{
	const char *state = sut_db_text(rows, 1);
	int64_t entered = sut_db_int(rows, 2), until = sut_db_int(rows, 5);
	bool over = !strcmp(state, "held") && until && until <= now;
	bool active = over || !strcmp(state, "active");

	return json_pack("{s:s,s:s,s:o,s:o,s:b,s:s,s:o,s:o,s:s,s:o,s:b,s:I}", "patchset",
			 sut_db_text(rows, 0), "state", over ? "active" : state, "entered",
			 web_time(entered), "available",
			 active ? web_time(entered + delay_hours * 3600) : json_null(), "inherited",
			 sut_db_int(rows, 3) != 0, "reason", over ? "" : sut_db_text(rows, 4),
			 "until", over ? json_null() : web_time(until), "changed",
			 web_time(sut_db_int(rows, 6)), "changed_by", sut_db_text(rows, 7),
			 "created", web_time(sut_db_int(rows, 8)), "in_repository",
			 (int)sut_db_is_null(rows, 9), "targets", (json_int_t)sut_db_int(rows, 11));
}

#define ENTRY_COLUMNS                                                                              \
	"SELECT p.name, e.state, e.entered, e.inherited, e.reason, e.until, e.changed,"            \
	" e.changed_by, p.created, p.withdrawn, p.id,"                                             \
	" (SELECT COUNT(*) FROM patch_targets t WHERE t.patchset = p.id AND t.gone IS NULL)"       \
	" FROM feed_entries e JOIN patchsets p ON p.id = e.patchset"

static int delay_of(struct sut_db *db, int64_t feed, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = sut_db_one(db, "SELECT delay_hours FROM feeds WHERE id = $1",
			   SUT_DB_ARGS(SUT_DB_I(feed)), &rows, err);

	*ret = x > 0 ? sut_db_int(rows, 0) : 0;
	return x < 0 ? x : 0;
}

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char sql[] = ENTRY_COLUMNS " WHERE e.feed = $1 AND p.id > $2"
						" AND ($3 = '' OR e.state = $3)"
						" ORDER BY p.id LIMIT $4";
	static const char *const args[] = {"limit", "cursor", "state", NULL};
	const char *state = web_arg(q, "state");
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t last = 0, n = 0, delay = 0;
	struct flow_feed feed;
	struct web_page page;
	json_t *items;
	int x = web_only_args(q, r, args);

	if (x == 0 && state && strcmp(state, "active") != 0 && strcmp(state, "held") != 0 &&
	    strcmp(state, "withdrawn") != 0)
		return web_problem(r, 400, "bad-argument", "state is active, held or withdrawn");
	if (x == 0)
		x = web_page_take(q, r, &page);
	if (x == 0)
		x = feed_find(q, r, q->params[0], &feed, err);
	if (x == 0)
		x = delay_of(q->db, feed.id, &delay, err);
	if (x == 0)
		x = sut_db_query(q->db, sql,
				 SUT_DB_ARGS(SUT_DB_I(feed.id), SUT_DB_I(page.after),
					     SUT_DB_T(state ? state : ""),
					     SUT_DB_I(page.limit + 1)),
				 &rows, err);
	if (x != 0)
		return x;
	items = json_array();
	while ((x = sut_db_next(rows, err)) > 0 && n++ < page.limit) {
		last = sut_db_int(rows, 10);
		if (json_array_append_new(items, entry_json(rows, q->now, delay)) < 0) {
			json_decref(items);
			return sut_err_oom(err);
		}
	}
	if (x < 0) {
		json_decref(items);
		return x;
	}
	return web_page_put(q, r, items, last, n > page.limit, err);
}

static int answer(struct web_req *q, struct web_resp *r, const struct action *a,
		  struct sut_err *err)
{
	static const char sql[] = ENTRY_COLUMNS " WHERE e.feed = $1 AND p.id = $2";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t delay = 0;
	int x = delay_of(q->db, a->feed.id, &delay, err);

	if (x == 0)
		x = sut_db_one(q->db, sql, SUT_DB_ARGS(SUT_DB_I(a->feed.id), SUT_DB_I(a->patchset)),
			       &rows, err);
	if (x <= 0)
		return x < 0 ? x : web_not_found(r, "entry", a->name);
	return web_json(r, 200, entry_json(rows, q->now, delay), err);
}

/* ------------------------------------------------------------------ */

static int find_patchset(struct web_req *q, struct web_resp *r, const char *name, struct action *a,
			 struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = sut_db_one(q->db, "SELECT id, withdrawn FROM patchsets WHERE name = $1",
			   SUT_DB_ARGS(SUT_DB_T(name)), &rows, err);

	if (x <= 0)
		return x < 0 ? x : web_not_found(r, "patchset", name);
	a->patchset = sut_db_int(rows, 0);
	a->withdrawn = !sut_db_is_null(rows, 1);
	snprintf(a->name, sizeof(a->name), "%s", name);
	return 0;
}

static int begin(struct web_req *q, struct web_resp *r, const struct request *m, struct action *a,
		 struct sut_err *err)
{
	int x = flow_lock(q->db, err);

	if (x == 0)
		x = feed_find(q, r, q->params[0], &a->feed, err);
	if (x == 0)
		x = feed_may_change(q, r, &a->feed);
	if (x == 0)
		x = find_patchset(q, r, m->patchset, a, err);
	if (x != 0)
		return x;
	x = flow_entry_get(q->db, a->feed.id, a->patchset, &a->entry, err);
	return x < 0 ? x : 0;
}

static int not_in_feed(struct web_resp *r, const struct action *a)
{
	return web_problem(r, 409, "not-in-feed",
			   "The feed %s does not have the patchset %s: promote it first",
			   a->feed.name, a->name);
}

static int is_withdrawn_here(struct web_resp *r, const struct action *a)
{
	return web_problem(
		r, 409, "withdrawn",
		"The patchset %s was withdrawn from the feed %s. Promote it to give it out "
		"again",
		a->name, a->feed.name);
}

/* Writes the entry, tells, and answers with it. */
static int finish(struct web_req *q, struct web_resp *r, struct action *a, const char *verb,
		  struct sut_err *err)
{
	json_t *detail = json_pack("{s:s,s:s,s:o}", "patchset", a->name, "reason", a->entry.reason,
				   "until", web_time(a->entry.until));
	int x = detail ? web_audit(q, verb, "feed", a->feed.name, detail, err) : sut_err_oom(err);

	if (x == 0)
		x = flow_set(q, &a->feed, a->patchset, a->name, &a->entry, err);
	if (x == 0)
		x = web_touch(q, err);
	return x ? x : answer(q, r, a, err);
}

static void set_reason(struct action *a, const char *reason)
{
	snprintf(a->entry.reason, sizeof(a->entry.reason), "%s", reason ? reason : "");
}

/* Who follows a feed that withdrew it cannot have it by another way. */
static int withdrawn_above(struct web_req *q, struct web_resp *r, const struct action *a,
			   struct sut_err *err)
{
	struct flow_feed f = a->feed;

	for (unsigned int i = 0; f.follows && i <= FLOW_STEPS_MAX; i++) {
		struct flow_entry e;
		int x = flow_feed_get(q->db, f.follows, &f, err);

		if (x > 0)
			x = flow_entry_get(q->db, f.id, a->patchset, &e, err);
		if (x < 0)
			return x;
		if (x > 0 && e.state == DECIDE_WITHDRAWN)
			return web_problem(
				r, 409, "withdrawn",
				"The patchset %s was withdrawn from the feed %s, which %s "
				"follows",
				a->name, f.name, a->feed.name);
	}
	return 0;
}

/* from: it has to be given out there. */
static int check_from(struct web_req *q, struct web_resp *r, const struct action *a,
		      const char *from, struct sut_err *err)
{
	struct flow_feed source;
	struct flow_entry e;
	int x = from ? feed_find(q, r, from, &source, err) : 0;

	if (x != 0 || !from)
		return x;
	x = flow_entry_get(q->db, source.id, a->patchset, &e, err);
	if (x < 0)
		return x;
	if (e.state == DECIDE_ACTIVE || (e.state == DECIDE_HELD && e.until && e.until <= q->now))
		return 0;
	return web_problem(r, 409, "not-in-feed",
			   "The patchset %s is not active in the feed %s, from where it should be "
			   "promoted",
			   a->name, source.name);
}

static int promote(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct request m = {0};
	const struct web_field fields[] = {
		{"patchset", WEB_T_STRING, WEB_REQUIRED, 0, FEED_PATCHSET_MAX, &m.patchset, NULL},
		{"from", WEB_T_NAME, 0, 0, 0, &m.from, NULL},
		{"reason", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, &m.reason, NULL},
	};
	struct action a;
	int x = WEB_TAKE(q, r, fields);

	if (x == 0)
		x = begin(q, r, &m, &a, err);
	if (x == 0 && a.withdrawn)
		return web_problem(r, 409, "patchset-withdrawn",
				   "The patchset %s was withdrawn from the repository", a.name);
	if (x == 0)
		x = withdrawn_above(q, r, &a, err);
	if (x == 0)
		x = check_from(q, r, &a, m.from, err);
	if (x != 0)
		return x;
	if (a.entry.state == DECIDE_HELD && !(a.entry.until && a.entry.until <= q->now))
		return web_problem(r, 409, "held",
				   "The patchset %s is held in the feed %s: release it", a.name,
				   a.feed.name);
	if (a.entry.state == DECIDE_ACTIVE && !a.entry.inherited)
		return answer(q, r, &a, err);
	if (a.entry.state == DECIDE_ABSENT || a.entry.state == DECIDE_WITHDRAWN)
		a.entry.entered = q->now;
	a.entry.state = DECIDE_ACTIVE;
	a.entry.inherited = false;
	a.entry.until = 0;
	set_reason(&a, m.reason);
	return finish(q, r, &a, "feed.promote", err);
}

static int hold(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct request m = {0};
	const struct web_field fields[] = {
		{"patchset", WEB_T_STRING, WEB_REQUIRED, 0, FEED_PATCHSET_MAX, &m.patchset, NULL},
		{"reason", WEB_T_STRING, WEB_REQUIRED, 0, 0, &m.reason, NULL},
		{"until", WEB_T_TIME, WEB_NULLABLE, 0, 0, &m.until, NULL},
	};
	struct action a;
	int x = WEB_TAKE(q, r, fields);

	if (x == 0 && m.until && m.until <= q->now)
		return web_bad_field(r, "/until", "is in the past: name a time to come, or none");
	if (x == 0)
		x = begin(q, r, &m, &a, err);
	if (x != 0)
		return x;
	if (a.entry.state == DECIDE_ABSENT)
		return not_in_feed(r, &a);
	if (a.entry.state == DECIDE_WITHDRAWN)
		return is_withdrawn_here(r, &a);
	a.entry.state = DECIDE_HELD;
	a.entry.inherited = false;
	a.entry.until = m.until;
	set_reason(&a, m.reason);
	return finish(q, r, &a, "feed.hold", err);
}

/* The feed's own hold ends, and it is again as in the feed it follows; a hold from there ends here alone. */
static int release(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct request m = {0};
	const struct web_field fields[] = {
		{"patchset", WEB_T_STRING, WEB_REQUIRED, 0, FEED_PATCHSET_MAX, &m.patchset, NULL},
		{"reason", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, &m.reason, NULL},
	};
	struct flow_entry source = {0};
	struct action a;
	bool own;
	int x = WEB_TAKE(q, r, fields);

	if (x == 0)
		x = begin(q, r, &m, &a, err);
	if (x != 0)
		return x;
	if (a.entry.state == DECIDE_ABSENT)
		return not_in_feed(r, &a);
	if (a.entry.state == DECIDE_WITHDRAWN)
		return is_withdrawn_here(r, &a);
	if (a.entry.state == DECIDE_ACTIVE)
		return answer(q, r, &a, err);
	own = !a.entry.inherited;
	a.entry.state = DECIDE_ACTIVE;
	a.entry.inherited = false;
	a.entry.until = 0;
	set_reason(&a, m.reason);
	if (own && a.feed.automatic && a.feed.follows) {
		x = flow_entry_get(q->db, a.feed.follows, a.patchset, &source, err);
		if (x < 0)
			return x;
	}
	if (source.state == DECIDE_ACTIVE || source.state == DECIDE_HELD) {
		a.entry.state = source.state;
		a.entry.until = source.until;
		a.entry.inherited = true;
		if (source.state == DECIDE_HELD)
			set_reason(&a, source.reason);
	}
	return finish(q, r, &a, "feed.release", err);
}

static int withdraw(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct request m = {0};
	const struct web_field fields[] = {
		{"patchset", WEB_T_STRING, WEB_REQUIRED, 0, FEED_PATCHSET_MAX, &m.patchset, NULL},
		{"reason", WEB_T_STRING, WEB_REQUIRED, 0, 0, &m.reason, NULL},
	};
	struct action a;
	int x = WEB_TAKE(q, r, fields);

	if (x == 0)
		x = begin(q, r, &m, &a, err);
	if (x != 0)
		return x;
	if (a.entry.state == DECIDE_ABSENT)
		return not_in_feed(r, &a);
	a.entry.state = DECIDE_WITHDRAWN;
	a.entry.inherited = false;
	a.entry.until = 0;
	set_reason(&a, m.reason);
	return finish(q, r, &a, "feed.withdraw", err);
}

#define ACTION(verb, fn)                                                                           \
	{                                                                                          \
		.method = "POST", .path = "/v1/feeds/{feed}/" verb, .allow = SUT_ROLE_RELEASE,     \
		.flags = WEB_WRITE, .run = (fn)                                                    \
	}

const struct web_route api_feed_entries[] = {
	{.method = "GET", .path = "/v1/feeds/{feed}/patchsets", .allow = SUT_ROLE_ALL, .run = list},
	ACTION("promote", promote),
	ACTION("hold", hold),
	ACTION("release", release),
	ACTION("withdraw", withdraw),
	{0},
};
