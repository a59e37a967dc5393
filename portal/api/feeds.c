// SPDX-License-Identifier: Apache-2.0
/* /v1/feeds: channels that lead patchsets to systems. */
#include "api/feeds.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "feed/pin.h"

enum {
	DELAY_MAX = 8760, /* hours: a year */
	/* Of a tenant. What staff do in a feed of the portal is done in all that follow it, in one
	 * transaction. */
	FEEDS_MAX = 100,
};

#define FEED_COLUMNS                                                                               \
	"SELECT f.id, f.tenant, f.name, f.follows, f.auto, f.title, f.delay_hours, f.pin,"         \
	" f.created, f.version, s.name,"                                                           \
	" (SELECT COUNT(*) FROM feed_entries e WHERE e.feed = f.id AND e.state = 'active'),"       \
	" (SELECT COUNT(*) FROM feed_entries e WHERE e.feed = f.id AND e.state = 'held'),"         \
	" (SELECT COUNT(*) FROM feed_entries e WHERE e.feed = f.id AND e.state = 'withdrawn'),"    \
	" (SELECT COUNT(*) FROM keys k WHERE k.feed = f.id AND k.tenant = $1)"                     \
	" FROM feeds f LEFT JOIN feeds s ON s.id = f.follows"

enum {
	COL_ID,
	COL_TENANT,
	COL_NAME,
	COL_FOLLOWS,
	COL_AUTO,
	COL_TITLE,
	COL_DELAY,
	COL_PIN,
	COL_CREATED,
	COL_VERSION,
	COL_SOURCE,
	COL_ACTIVE,
	COL_HELD,
	COL_WITHDRAWN,
	COL_KEYS,
};

static json_t *text_or_null(const struct sut_db_rows *rows, int col)
{
	return sut_db_is_null(rows, col) ? json_null() : json_string(sut_db_text(rows, col));
}

/* NULL when memory is short. */
static json_t *feed_json(const struct sut_db_rows *rows)
{
	return json_pack("{s:s,s:s,s:b,s:o,s:b,s:I,s:o,s:{s:I,s:I,s:I},s:I,s:o,s:I}", "name",
			 sut_db_text(rows, COL_NAME), "title", sut_db_text(rows, COL_TITLE),
			 "portal", sut_db_int(rows, COL_TENANT) == 0, "follows",
			 text_or_null(rows, COL_SOURCE), "auto", sut_db_int(rows, COL_AUTO) != 0,
			 "delay_hours", (json_int_t)sut_db_int(rows, COL_DELAY), "pin",
			 text_or_null(rows, COL_PIN), "patchsets", "active",
			 (json_int_t)sut_db_int(rows, COL_ACTIVE), "held",
			 (json_int_t)sut_db_int(rows, COL_HELD), "withdrawn",
			 (json_int_t)sut_db_int(rows, COL_WITHDRAWN), "keys",
			 (json_int_t)sut_db_int(rows, COL_KEYS), "created",
			 web_time(sut_db_int(rows, COL_CREATED)), "version",
			 (json_int_t)sut_db_int(rows, COL_VERSION));
}

static void take_row(struct sut_db_rows *rows, struct flow_feed *ret)
{
	ret->id = sut_db_int(rows, COL_ID);
	ret->tenant = sut_db_int(rows, COL_TENANT);
	snprintf(ret->name, sizeof(ret->name), "%s", sut_db_text(rows, COL_NAME));
	ret->follows = sut_db_int(rows, COL_FOLLOWS);
	ret->automatic = sut_db_int(rows, COL_AUTO) != 0;
}

static int find_row(struct web_req *q, struct web_resp *r, const char *name,
		    struct sut_db_rows **ret, struct sut_err *err)
{
	static const char sql[] = FEED_COLUMNS
		" WHERE (f.tenant = $1 OR f.tenant = 0) AND f.name = $2 ORDER BY f.tenant DESC LIMIT 1";
	int x = sut_db_one(q->db, sql, SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(name)), ret,
			   err);

	return x < 0 ? x : x ? 0 : web_not_found(r, "feed", name);
}

int feed_find(struct web_req *q, struct web_resp *r, const char *name, struct flow_feed *ret,
	      struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = find_row(q, r, name, &rows, err);

	if (x == 0)
		take_row(rows, ret);
	return x;
}

int feed_may_change(struct web_req *q, struct web_resp *r, const struct flow_feed *f)
{
	if (f->tenant || q->who.staff)
		return 0;
	return web_problem(
		r, 403, "staff-only",
		"The feed %s belongs to the portal, and only its staff change it. Make a "
		"feed of your own that follows it",
		f->name);
}

/* ------------------------------------------------------------------ */

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const struct web_list list = {
		FEED_COLUMNS
		" WHERE (f.tenant = $1 OR f.tenant = 0) AND f.id > $2 ORDER BY f.id LIMIT $3",
		COL_ID, WEB_OLDEST_FIRST, feed_json};

	return web_list(q, r, &list, SUT_DB_ARGS(SUT_DB_I(q->who.tenant)), err);
}

static int answer(struct web_req *q, struct web_resp *r, const char *name, bool created,
		  struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = find_row(q, r, name, &rows, err);

	if (x != 0)
		return x;
	web_version(r, sut_db_int(rows, COL_VERSION));
	return created ? web_created(r, feed_json(rows), err, "/v1/feeds/%s", name)
		       : web_json(r, 200, feed_json(rows), err);
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {NULL};
	int x = web_only_args(q, r, args);

	return x ? x : answer(q, r, q->params[0], false, err);
}

/* ------------------------------------------------------------------ */

struct choice {
	const char *name, *title, *follows, *pin;
	bool automatic, portal;
	int64_t delay_hours;
	bool has_title, has_follows, has_auto, has_delay, has_pin;
	int64_t follows_id; /* 0: none */
};

#define CHOICE_FIELDS(c)                                                                           \
	{"title", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, &(c)->title, &(c)->has_title},                 \
		{"follows", WEB_T_NAME, WEB_NULLABLE, 0, 0, &(c)->follows, &(c)->has_follows},     \
		{"auto", WEB_T_BOOL, 0, 0, 0, &(c)->automatic, &(c)->has_auto},                    \
		{"delay_hours", WEB_T_INT, 0, 0, DELAY_MAX, &(c)->delay_hours, &(c)->has_delay},   \
	{                                                                                          \
		"pin", WEB_T_STRING, WEB_NULLABLE, 0, FEED_PIN_MAX, &(c)->pin, &(c)->has_pin       \
	}

static int check_pin(struct web_req *q, struct web_resp *r, const char *pin, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct sut_err wrong = {0};
	struct feed_pin p;
	int x;

	if (feed_pin_parse(pin, &p, &wrong) < 0)
		return web_bad_field(r, "/pin", "%s", wrong.msg);
	if (p.kind == FEED_PIN_LEVEL)
		return web_bad_field(r, "/pin",
				     "a level means something for one kernel only: pin a feed to a "
				     "patchset or a date");
	if (p.kind != FEED_PIN_PATCHSET)
		return 0;
	x = sut_db_one(q->db, "SELECT id FROM patchsets WHERE name = $1",
		       SUT_DB_ARGS(SUT_DB_T(p.patchset)), &rows, err);
	if (x < 0)
		return x;
	return x ? 0
		 : web_bad_field(r, "/pin", "there is no patchset %s: see GET /v1/patchsets",
				 p.patchset);
}

/* The feed and those below it keep within the depth, and it does not come back to itself. Of a feed of the
 * portal only those of the portal count. */
static int height_of(struct sut_db *db, int64_t feed, bool portal, unsigned int depth,
		     unsigned int *ret, struct sut_err *err)
{
	static const char sql[] = "SELECT id FROM feeds WHERE follows = $1 AND id > $2"
				  " AND (tenant = 0 OR $3 = 0) ORDER BY id LIMIT 1";
	int64_t after = 0;

	if (depth > *ret)
		*ret = depth;
	if (depth > FLOW_DEPTH_MAX)
		return 0;
	for (;;) {
		struct sut_db_rows *rows = NULL;
		int x = sut_db_one(db, sql,
				   SUT_DB_ARGS(SUT_DB_I(feed), SUT_DB_I(after), SUT_DB_I(portal)),
				   &rows, err);

		if (x > 0)
			after = sut_db_int(rows, 0);
		sut_db_rows_free(rows);
		if (x > 0)
			x = height_of(db, after, portal, depth + 1, ret, err);
		else
			return x;
		if (x < 0)
			return x;
	}
}

/* self: row id, 0 for a new feed; new_source: the feed that it is to follow. */
static int check_chain(struct web_req *q, struct web_resp *r, int64_t self, bool portal,
		       int64_t new_source, struct sut_err *err)
{
	unsigned int above = 0, below = 0;
	int64_t at = new_source;
	bool counts = true;
	int x = self ? height_of(q->db, self, portal, 0, &below, err) : 0;

	for (unsigned int i = 0; x >= 0 && at && i <= FLOW_STEPS_MAX; i++) {
		struct flow_feed f = {0};

		if (at == self)
			return web_problem(
				r, 409, "feed-cycle",
				"A feed cannot follow itself, directly or through others");
		x = flow_feed_get(q->db, at, &f, err);
		at = f.follows;
		above += counts;
		counts = portal || f.tenant;
	}
	if (x < 0)
		return x;
	if (above + below > FLOW_DEPTH_MAX)
		return web_problem(r, 409, "feed-depth",
				   "Feeds follow one another over at most %d steps. Follow one "
				   "further up",
				   FLOW_DEPTH_MAX);
	return 0;
}

/* What the types alone do not say. for_portal: the feed is, or will be, one of the portal. */
static int check_choice(struct web_req *q, struct web_resp *r, struct choice *c, int64_t self,
			bool for_portal, struct sut_err *err)
{
	struct flow_feed source;
	int x = c->has_pin ? check_pin(q, r, c->pin, err) : 0;

	if (x != 0 || !c->follows)
		return x;
	x = feed_find(q, r, c->follows, &source, err);
	if (x == WEB_NO)
		return web_bad_field(r, "/follows", "there is no feed \"%s\": see GET /v1/feeds",
				     c->follows);
	if (x < 0)
		return x;
	if (for_portal && source.tenant)
		return web_bad_field(r, "/follows",
				     "a feed of the portal cannot follow a tenant's");
	c->follows_id = source.id;
	return check_chain(q, r, self, for_portal, source.id, err);
}

static int name_taken(struct web_resp *r, const char *name)
{
	return web_problem(r, 409, "exists", "There is a feed %s already. Choose another name",
			   name);
}

/* Names of the portal's feeds are seen by all, so nobody else may have them. */
static int check_name(struct web_req *q, struct web_resp *r, const struct choice *c,
		      struct sut_err *err)
{
	static const char taken[] =
		"SELECT tenant FROM feeds WHERE name = $1 AND (tenant = $2 OR tenant = 0 OR $3 = 1)"
		" LIMIT 1";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = sut_db_one(
		q->db, taken,
		SUT_DB_ARGS(SUT_DB_T(c->name), SUT_DB_I(q->who.tenant), SUT_DB_I(c->portal)), &rows,
		err);

	return x <= 0 ? x : name_taken(r, c->name);
}

static int too_many(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = sut_db_one(q->db, "SELECT COUNT(*) FROM feeds WHERE tenant = $1",
			   SUT_DB_ARGS(SUT_DB_I(q->who.tenant)), &rows, err);

	if (x < 0)
		return x;
	if (x && sut_db_int(rows, 0) >= FEEDS_MAX)
		return web_problem(r, 409, "too-many",
				   "This tenant has %d feeds, which is as many as there may be. "
				   "Delete those that are not used",
				   FEEDS_MAX);
	return 0;
}

static json_t *choice_json(const struct choice *c)
{
	json_t *j = json_object();
	bool ok = j;

	if (ok && c->has_title)
		ok = json_object_set_new(j, "title", json_string(c->title)) == 0;
	if (ok && c->has_follows)
		ok = json_object_set_new(j, "follows", json_pack("s?", c->follows)) == 0;
	if (ok && c->has_auto)
		ok = json_object_set_new(j, "auto", json_boolean(c->automatic)) == 0;
	if (ok && c->has_delay)
		ok = json_object_set_new(j, "delay_hours", json_integer(c->delay_hours)) == 0;
	if (ok && c->has_pin)
		ok = json_object_set_new(j, "pin", json_pack("s?", c->pin)) == 0;
	if (ok)
		return j;
	json_decref(j);
	return NULL;
}

static int insert(struct web_req *q, const struct choice *c, struct flow_feed *ret,
		  struct sut_err *err)
{
	static const char sql[] =
		"INSERT INTO feeds (tenant, name, title, follows, auto, delay_hours, pin, created)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id";
	int64_t tenant = c->portal ? 0 : q->who.tenant;
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = sut_db_one(
		q->db, sql,
		SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(c->name), SUT_DB_T(c->title ? c->title : ""),
			    SUT_DB_I_IF(c->follows_id, c->follows_id), SUT_DB_I(c->automatic),
			    SUT_DB_I(c->delay_hours), SUT_DB_T(c->pin), SUT_DB_I(q->now)),
		&rows, err);

	if (x <= 0)
		return x < 0 ? x : sut_err_set(err, EIO, "the feed was not written");
	*ret = (struct flow_feed){.id = sut_db_int(rows, 0),
				  .tenant = tenant,
				  .follows = c->follows_id,
				  .automatic = c->automatic};
	snprintf(ret->name, sizeof(ret->name), "%s", c->name);
	return 0;
}

static int create(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct choice c = {0};
	const struct web_field fields[] = {
		{"name", WEB_T_NAME, WEB_REQUIRED, 0, 0, &c.name, NULL},
		{"portal", WEB_T_BOOL, 0, 0, 0, &c.portal, NULL},
		CHOICE_FIELDS(&c),
	};
	struct flow_feed feed;
	int x = WEB_TAKE(q, r, fields);

	if (x != 0)
		return x;
	if (c.portal && !q->who.staff)
		return web_problem(r, 403, "staff-only",
				   "Only staff make feeds of the portal. Leave \"portal\" out");
	x = flow_lock(q->db, err);
	if (x == 0)
		x = check_name(q, r, &c, err);
	if (x == 0 && !c.portal)
		x = too_many(q, r, err);
	if (x == 0)
		x = check_choice(q, r, &c, 0, c.portal, err);
	if (x == 0)
		x = insert(q, &c, &feed, err);
	if (x == -EEXIST)
		return name_taken(r, c.name);
	if (x == 0)
		x = flow_catch_up(q, &feed, err);
	if (x == 0)
		x = web_audit(q, "feed.create", "feed", c.name, choice_json(&c), err);
	if (x == 0)
		x = web_touch(q, err);
	return x ? x : answer(q, r, c.name, true, err);
}

/* ------------------------------------------------------------------ */

static int update(struct web_req *q, const struct choice *c, const struct flow_feed *f,
		  struct sut_err *err)
{
	static const char sql[] =
		"UPDATE feeds SET title = CASE WHEN $2 = 1 THEN $3 ELSE title END,"
		" follows = CASE WHEN $4 = 1 THEN CAST($5 AS BIGINT) ELSE follows END,"
		" auto = CASE WHEN $6 = 1 THEN CAST($7 AS INTEGER) ELSE auto END,"
		" delay_hours = CASE WHEN $8 = 1 THEN CAST($9 AS INTEGER) ELSE delay_hours END,"
		" pin = CASE WHEN $10 = 1 THEN $11 ELSE pin END, version = version + 1"
		" WHERE id = $1 AND tenant = $12";

	return sut_db_exec(q->db, sql,
			   SUT_DB_ARGS(SUT_DB_I(f->id), SUT_DB_I(c->has_title), SUT_DB_T(c->title),
				       SUT_DB_I(c->has_follows),
				       SUT_DB_I_IF(c->follows_id, c->follows_id),
				       SUT_DB_I(c->has_auto), SUT_DB_I(c->automatic),
				       SUT_DB_I(c->has_delay), SUT_DB_I(c->delay_hours),
				       SUT_DB_I(c->has_pin), SUT_DB_T(c->pin), SUT_DB_I(f->tenant)),
			   NULL, err);
}

/* The row, when the caller may change it and knows its version. */
static int find_to_change(struct web_req *q, struct web_resp *r, struct flow_feed *ret,
			  struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = flow_lock(q->db, err);

	if (x == 0)
		x = find_row(q, r, q->params[0], &rows, err);
	if (x != 0)
		return x;
	take_row(rows, ret);
	x = feed_may_change(q, r, ret);
	return x ? x : web_if_match(q, r, sut_db_int(rows, COL_VERSION));
}

static int change(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct choice c = {0};
	const struct web_field fields[] = {CHOICE_FIELDS(&c)};
	struct flow_feed feed;
	int x = WEB_TAKE(q, r, fields);

	if (x == 0)
		x = find_to_change(q, r, &feed, err);
	if (x == 0)
		x = check_choice(q, r, &c, feed.id, feed.tenant == 0, err);
	if (x == 0)
		x = update(q, &c, &feed, err);
	if (x == 0 && (c.has_follows || c.has_auto)) {
		feed.follows = c.has_follows ? c.follows_id : feed.follows;
		feed.automatic = c.has_auto ? c.automatic : feed.automatic;
		x = flow_catch_up(q, &feed, err);
	}
	if (x == 0)
		x = web_audit(q, "feed.change", "feed", feed.name, choice_json(&c), err);
	if (x == 0)
		x = web_touch(q, err);
	return x ? x : answer(q, r, feed.name, false, err);
}

/* ------------------------------------------------------------------ */

/* Counted over all tenants: a feed of the portal may be used by any. */
static int count_uses(struct web_req *q, int64_t feed, int64_t ret[static 3], struct sut_err *err)
{
	static const char sql[] = "SELECT (SELECT COUNT(*) FROM keys WHERE feed = $1),"
				  " (SELECT COUNT(*) FROM systems WHERE feed = $1),"
				  " (SELECT COUNT(*) FROM feeds WHERE follows = $1)";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = sut_db_one(q->db, sql, SUT_DB_ARGS(SUT_DB_I(feed)), &rows, err);

	for (int i = 0; x > 0 && i < 3; i++)
		ret[i] = sut_db_int(rows, i);
	return x < 0 ? x : 0;
}

static int move_followers(struct web_req *q, struct web_resp *r, const struct flow_feed *from,
			  const struct flow_feed *to, struct sut_err *err)
{
	static const char next[] = "SELECT id, tenant, name, follows, auto FROM feeds"
				   " WHERE follows = $1 ORDER BY id LIMIT 1";
	static const char move[] =
		"UPDATE feeds SET follows = $2, version = version + 1 WHERE id = $1";

	for (;;) {
		struct flow_feed f = {0};
		struct sut_db_rows *rows = NULL;
		int x = sut_db_one(q->db, next, SUT_DB_ARGS(SUT_DB_I(from->id)), &rows, err);

		if (x > 0) {
			f.id = sut_db_int(rows, 0);
			f.tenant = sut_db_int(rows, 1);
			snprintf(f.name, sizeof(f.name), "%s", sut_db_text(rows, 2));
			f.automatic = sut_db_int(rows, 4) != 0;
		}
		sut_db_rows_free(rows);
		if (x <= 0)
			return x;
		f.follows = to->id;
		x = check_chain(q, r, f.id, f.tenant == 0, to->id, err);
		if (x == 0)
			x = sut_db_exec(q->db, move, SUT_DB_ARGS(SUT_DB_I(f.id), SUT_DB_I(to->id)),
					NULL, err);
		if (x == 0)
			x = flow_catch_up(q, &f, err);
		if (x != 0)
			return x;
	}
}

static int move_all(struct web_req *q, struct web_resp *r, const struct flow_feed *from,
		    const char *name, struct sut_err *err)
{
	static const char keys[] =
		"UPDATE keys SET feed = $2, version = version + 1 WHERE feed = $1";
	static const char systems[] =
		"UPDATE systems SET feed = $2, version = version + 1 WHERE feed = $1";
	struct flow_feed to;
	int x = feed_find(q, r, name, &to, err);

	if (x != 0)
		return x;
	if (to.id == from->id || (from->tenant == 0 && to.tenant))
		return web_problem(r, 409, "feed-in-use",
				   "What uses %s cannot be moved to %s: name another feed%s",
				   from->name, to.name, from->tenant == 0 ? " of the portal" : "");
	x = sut_db_exec(q->db, keys, SUT_DB_ARGS(SUT_DB_I(from->id), SUT_DB_I(to.id)), NULL, err);
	if (x == 0)
		x = sut_db_exec(q->db, systems, SUT_DB_ARGS(SUT_DB_I(from->id), SUT_DB_I(to.id)),
				NULL, err);
	return x ? x : move_followers(q, r, from, &to, err);
}

/* Other parts of the portal go by these names. */
static bool is_built_in(const struct flow_feed *f)
{
	return f->tenant == 0 && (!strcmp(f->name, "test") || !strcmp(f->name, "candidate") ||
				  !strcmp(f->name, "stable"));
}

static int delete_feed(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"move_to", NULL};
	const char *move_to = web_arg(q, "move_to");
	struct flow_feed feed;
	int64_t uses[3] = {0};
	int x = web_only_args(q, r, args);

	if (x == 0)
		x = find_to_change(q, r, &feed, err);
	if (x == 0 && is_built_in(&feed))
		return web_problem(r, 409, "feed-built-in",
				   "The feed %s is part of every portal and cannot be deleted",
				   feed.name);
	if (x == 0 && move_to)
		x = move_all(q, r, &feed, move_to, err);
	if (x == 0)
		x = count_uses(q, feed.id, uses, err);
	if (x != 0)
		return x;
	if (uses[0] || uses[1] || uses[2])
		return web_problem(
			r, 409, "feed-in-use",
			"%lld keys, %lld systems and %lld feeds use the feed %s. Move them "
			"with ?move_to=FEED",
			(long long)uses[0], (long long)uses[1], (long long)uses[2], feed.name);
	x = sut_db_exec(q->db, "DELETE FROM feeds WHERE id = $1 AND tenant = $2",
			SUT_DB_ARGS(SUT_DB_I(feed.id), SUT_DB_I(feed.tenant)), NULL, err);
	if (x == 0)
		x = web_audit(q, "feed.delete", "feed", feed.name,
			      json_pack("{s:s?}", "moved_to", move_to), err);
	if (x == 0)
		x = web_touch(q, err);
	return x ? x : web_no_content(r);
}

const struct web_route api_feeds[] = {
	{.method = "GET", .path = "/v1/feeds", .allow = SUT_ROLE_ALL, .run = list},
	{.method = "POST",
	 .path = "/v1/feeds",
	 .allow = SUT_ROLE_RELEASE,
	 .flags = WEB_WRITE,
	 .run = create},
	{.method = "GET", .path = "/v1/feeds/{feed}", .allow = SUT_ROLE_ALL, .run = get},
	{.method = "PATCH",
	 .path = "/v1/feeds/{feed}",
	 .allow = SUT_ROLE_RELEASE,
	 .flags = WEB_WRITE,
	 .run = change},
	{.method = "DELETE",
	 .path = "/v1/feeds/{feed}",
	 .allow = SUT_ROLE_RELEASE,
	 .flags = WEB_WRITE,
	 .run = delete_feed},
	{0},
};
