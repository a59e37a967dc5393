// SPDX-License-Identifier: Apache-2.0
/*
 * The turn: every 30 seconds, or when somebody asked, what the portal knows is compared with what is kept here. Of
 * its systems all are looked at every five minutes, and in between those that have called or registered since: so a
 * fleet of ten thousand costs a few pages. Only what changed is asked for in full, and written.
 */
#include "fleet/sync.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fleet/host.h"
#include "link/coverage.h"
#include "link/keys.h"
#include "live/live.h"
#include "web/tasks.h"

enum {
	PAGE = 500,
	PAGES_MAX = 4000,   /* two million systems */
	OVERLAP_SEC = 120,  /* what is asked for again: transactions of the portal, clocks */
	WRITE_MAX = 250,    /* systems in one transaction */
	SEEN_STEP_SEC = 20, /* a check-in that is newer by less is not written */
};

/* What is kept of a system, by its System ID. */
struct known {
	char uid[SUT_UID_LEN + 1];
	int64_t id, last_seen;
	uint8_t hash[HOST_HASH];
	bool has_hash, met;
};

struct turn {
	struct console *c;
	struct sut_db *db;
	struct link *l;
	struct link_client *client;
	struct known *v; /* in the order of uid */
	size_t n;
	int64_t now;
	unsigned int retry_after;
	uint64_t changed;
	bool whole;
};

static int by_uid(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->uid, ((const struct known *)b)->uid);
}

static struct web_req request(const struct turn *t)
{
	return (struct web_req){.server = &t->c->s,
				.db = t->db,
				.who = {.tenant = t->l->tenant},
				.now = t->now,
				.peer = "",
				.request_id = ""};
}

static int read_known(struct turn *t, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	size_t cap = 0;
	int r = sut_db_query(t->db,
			     "SELECT system_id, id, COALESCE(last_seen, 0), portal_hash FROM hosts"
			     " WHERE tenant = $1 AND system_id IS NOT NULL",
			     SUT_DB_ARGS(SUT_DB_I(t->l->tenant)), &rows, err);

	while (r >= 0 && (r = sut_db_next(rows, err)) > 0) {
		const void *hash;
		struct known *k;
		size_t len = 0;

		if (t->n == cap) {
			size_t more = cap ? cap * 2 : 1024;
			struct known *v = realloc(t->v, more * sizeof(*v));

			if (!v)
				return sut_err_oom(err);
			t->v = v;
			cap = more;
		}
		k = &t->v[t->n++];
		*k = (struct known){.id = sut_db_int(rows, 1), .last_seen = sut_db_int(rows, 2)};
		(void)snprintf(k->uid, sizeof(k->uid), "%s", sut_db_text(rows, 0));
		hash = sut_db_blob(rows, 3, &len);
		k->has_hash = hash && len == HOST_HASH;
		if (k->has_hash)
			memcpy(k->hash, hash, HOST_HASH);
	}
	if (r == 0 && t->n)
		qsort(t->v, t->n, sizeof(*t->v), by_uid);
	return r;
}

static struct known *find_known(struct turn *t, const char *uid)
{
	struct known key = {0};

	(void)snprintf(key.uid, sizeof(key.uid), "%s", uid);
	return t->n ? bsearch(&key, t->v, t->n, sizeof(*t->v), by_uid) : NULL;
}

static int ask(struct turn *t, const char *path, struct link_answer *ret, struct sut_err *err)
{
	const struct link_call call = {.method = "GET", .path = path};
	int r = link_do(t->client, &call, ret, err);

	if (r < 0)
		t->retry_after = ret->retry_after;
	return r;
}

/* --- writing --- */

/* Systems that are new or changed, in full, on their way into the database. */
struct batch {
	json_t *v[WRITE_MAX];
	uint8_t hash[WRITE_MAX][HOST_HASH];
	size_t n;
};

static void batch_release(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		json_decref(b->v[i]);
	b->n = 0;
}

/* Are the settings still those that the turn began with? What another portal said is none of this one's. */
static int same_settings(const struct turn *t, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(t->db, "SELECT 1 FROM portals WHERE tenant = $1 AND changed = $2",
			   SUT_DB_ARGS(SUT_DB_I(t->l->tenant), SUT_DB_I(t->l->settings)), &rows,
			   err);

	return r ? r
		 : sut_err_reason(err, ESTALE, "settings", "the portal's settings were changed");
}

static int begin(const struct turn *t, struct sut_err *err)
{
	int r = sut_db_begin(t->db, SUT_DB_WRITE, err);

	if (r < 0)
		return r;
	r = same_settings(t, err);
	if (r > 0)
		return 0;
	sut_db_rollback(t->db);
	return r;
}

static int end(const struct turn *t, int r, struct sut_err *err)
{
	if (r == 0)
		return sut_db_commit(t->db, err);
	sut_db_rollback(t->db);
	return r;
}

static int write_batch(struct turn *t, struct batch *b, struct sut_err *err)
{
	struct web_req q = request(t);
	int64_t id;
	int r;

	if (!b->n)
		return 0;
	r = begin(t, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < b->n && r == 0; i++)
		r = host_take(&q, b->v[i], b->hash[i], &id, err);
	/* With each: pages that are open show a large fleet as it comes. */
	if (r == 0)
		r = live_tell(t->db, t->l->tenant, t->now, "system", "", err);
	if (r == 0)
		r = web_touch(&q, err);
	r = end(t, r, err);
	if (r == 0)
		t->changed += b->n;
	batch_release(b);
	return r;
}

/* --- comparing --- */

static int64_t checkin_of(const json_t *item)
{
	const char *s = json_string_value(json_object_get(item, "checkin"));
	int64_t at = 0;

	return s && web_time_parse(s, &at) == 0 ? at : 0;
}

static int fetch(struct turn *t, const char *uid, const uint8_t *hash, struct batch *b,
		 struct sut_err *err)
{
	_cleanup_answer_ struct link_answer a = {0};
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/v1/systems/%s", uid);
	r = ask(t, path, &a, err);
	if (r < 0)
		return r;
	/* Deleted just now: the next whole turn sees it. */
	if (a.status != 200)
		return 0;
	memcpy(b->hash[b->n], hash, HOST_HASH);
	b->v[b->n++] = sut_steal(a.json);
	return b->n == WRITE_MAX ? write_batch(t, b, err) : 0;
}

struct seen {
	int64_t id[PAGE], at[PAGE];
	size_t n;
};

static int compare(struct turn *t, const json_t *item, struct batch *b, struct seen *s,
		   struct sut_err *err)
{
	const char *uid = json_string_value(json_object_get(item, "id"));
	uint8_t hash[HOST_HASH];
	struct known *k;
	int64_t at;

	if (!uid || !sut_uid_ok(uid))
		return sut_err_reason(err, EHOSTDOWN, "portal-away",
				      "%s lists systems without a System ID: it is no portal that "
				      "this console knows",
				      t->l->url);
	if (host_hash(item, hash) < 0)
		return sut_err_oom(err);
	k = find_known(t, uid);
	if (k)
		k->met = true;
	if (!k || !k->has_hash || memcmp(k->hash, hash, HOST_HASH) != 0) {
		if (k) {
			memcpy(k->hash, hash, HOST_HASH);
			k->has_hash = true;
		}
		return fetch(t, uid, hash, b, err);
	}
	at = checkin_of(item);
	if (at >= k->last_seen + SEEN_STEP_SEC && s->n < PAGE) {
		s->id[s->n] = k->id;
		s->at[s->n++] = at;
		k->last_seen = at;
	}
	return 0;
}

static int write_seen(struct turn *t, const struct seen *s, struct sut_err *err)
{
	int r;

	if (!s->n)
		return 0;
	r = begin(t, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < s->n && r == 0; i++)
		r = host_seen(t->db, t->l->tenant, s->id[i], s->at[i], err);
	return end(t, r, err);
}

static int take_page(struct turn *t, const json_t *items, struct sut_err *err)
{
	struct batch *b = calloc(1, sizeof(*b));
	struct seen *s = calloc(1, sizeof(*s));
	const json_t *item;
	size_t i;
	int r = b && s ? 0 : sut_err_oom(err);

	json_array_foreach((json_t *)items, i, item) {
		if (r == 0)
			r = compare(t, item, b, s, err);
	}
	if (r == 0)
		r = write_batch(t, b, err);
	if (r == 0)
		r = write_seen(t, s, err);
	if (b)
		batch_release(b);
	free(b);
	free(s);
	return r;
}

/* All pages of a list. more: "&checkin_after=…" */
static int take_list(struct turn *t, const char *more, struct sut_err *err)
{
	_cleanup_(sut_freep) char *cursor = NULL;

	for (int page = 0; page < PAGES_MAX; page++) {
		_cleanup_answer_ struct link_answer a = {0};
		_cleanup_(sut_freep) char *path =
			sut_sprintf("/v1/systems?limit=%d%s%s%s", PAGE, more,
				    cursor ? "&cursor=" : "", cursor ? cursor : "");
		const char *next;
		int r = path ? ask(t, path, &a, err) : sut_err_oom(err);

		if (r == 0 && (a.status != 200 || !json_is_array(json_object_get(a.json, "items"))))
			r = sut_err_reason(err, EHOSTDOWN, "portal-away",
					   "%s answers %d %s to a list of systems", t->l->url,
					   a.status, a.code);
		if (r == 0)
			r = take_page(t, json_object_get(a.json, "items"), err);
		if (r < 0)
			return r;
		next = json_string_value(json_object_get(a.json, "next"));
		if (!next || !sut_is_token(next, 256, "_-=.~%"))
			return 0;
		free(cursor);
		cursor = strdup(next);
		if (!cursor)
			return sut_err_oom(err);
	}
	return 0;
}

/* Those that the whole list did not name. */
static int take_gone(struct turn *t, struct sut_err *err)
{
	struct web_req q = request(t);
	uint64_t n = 0;
	int r = 0;

	for (size_t i = 0; i < t->n; i++)
		n += !t->v[i].met;
	if (!n)
		return 0;
	r = begin(t, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < t->n && r == 0; i++)
		if (!t->v[i].met)
			r = host_gone(&q, t->v[i].id, err);
	if (r == 0)
		r = live_tell(t->db, t->l->tenant, t->now, "system", "", err);
	if (r == 0)
		r = web_touch(&q, err);
	r = end(t, r, err);
	if (r == 0)
		t->changed += n;
	return r;
}

static int take_systems(struct turn *t, struct sut_err *err)
{
	char when[32], more[96];
	json_t *at;
	int r = read_known(t, err);

	if (r < 0)
		return r;
	if (t->whole) {
		r = take_list(t, "", err);
		return r < 0 ? r : take_gone(t, err);
	}
	at = web_time(t->l->systems_at - OVERLAP_SEC);
	if (!at)
		return sut_err_oom(err);
	(void)snprintf(when, sizeof(when), "%s", json_string_value(at));
	json_decref(at);
	(void)snprintf(more, sizeof(more), "&registered_after=%s", when);
	r = take_list(t, more, err);
	if (r < 0)
		return r;
	(void)snprintf(more, sizeof(more), "&checkin_after=%s", when);
	return take_list(t, more, err);
}

/* --- after it --- */

/* Who was announced is there now. */
static int follow_enrolments(struct turn *t, struct sut_err *err)
{
	int r = sut_db_exec(
		t->db,
		"UPDATE enrolments SET system_id = (SELECT h.system_id FROM hosts h"
		" WHERE h.tenant = enrolments.tenant AND h.external_id = enrolments.external_id"
		" AND h.system_id IS NOT NULL LIMIT 1), state = 'registered'"
		" WHERE tenant = $1 AND state = 'waiting' AND EXISTS (SELECT 1 FROM hosts h"
		" WHERE h.tenant = enrolments.tenant AND h.external_id = enrolments.external_id"
		" AND h.system_id IS NOT NULL)",
		SUT_DB_ARGS(SUT_DB_I(t->l->tenant)), NULL, err);

	if (r < 0)
		return r;
	return sut_db_exec(
		t->db,
		"UPDATE enrolments SET state = 'active', seen = $2"
		" WHERE tenant = $1 AND state = 'registered' AND EXISTS (SELECT 1 FROM hosts h"
		" WHERE h.tenant = enrolments.tenant AND h.system_id = enrolments.system_id"
		" AND h.last_seen IS NOT NULL)",
		SUT_DB_ARGS(SUT_DB_I(t->l->tenant), SUT_DB_I(t->now)), NULL, err);
}

/* began: by the portal's clock, as checkin_after is. */
static int note_systems(struct turn *t, int64_t began, struct sut_err *err)
{
	int r = begin(t, err);

	if (r < 0)
		return r;
	r = sut_db_exec(t->db,
			"UPDATE portals SET systems_at = $3,"
			" whole_at = CASE WHEN CAST($4 AS BIGINT) = 1 THEN $5 ELSE whole_at END"
			" WHERE tenant = $1 AND changed = $2",
			SUT_DB_ARGS(SUT_DB_I(t->l->tenant), SUT_DB_I(t->l->settings),
				    SUT_DB_I(began), SUT_DB_I(t->whole), SUT_DB_I(t->now)),
			NULL, err);
	if (r == 0)
		r = follow_enrolments(t, err);
	return end(t, r, err);
}

static int run_turn(struct turn *t, struct sut_err *err)
{
	_cleanup_answer_ struct link_answer a = {0};
	int64_t began;
	/* Also tells what time it is there. */
	int r = ask(t, "/v1/whoami", &a, err);

	if (r < 0)
		return r;
	began = link_date(t->client);
	if (!began)
		began = t->now;
	r = take_systems(t, err);
	if (r == 0)
		r = note_systems(t, began, err);
	if (r == 0)
		r = link_coverage_take(t->db, &t->c->s, t->l, t->client, t->now, &t->retry_after,
				       err);
	/* A token that may not see keys is no reason to be without systems. */
	if (r == 0 && t->whole)
		r = link_keys_refresh(t->db, t->l, t->client, err);
	return r;
}

static int note_outcome(struct turn *t, int rc, const struct sut_err *why, struct sut_err *err)
{
	struct web_req q = request(t);
	int r = sut_db_begin(t->db, SUT_DB_WRITE, err);

	if (r < 0)
		return r;
	r = link_note(&q, t->l, rc, why, t->retry_after, err);
	return end(t, r, err);
}

int sync_turn(struct console *c, struct sut_db *db, int64_t tenant, int64_t now,
	      struct sut_err *err)
{
	_cleanup_link_ struct link l = {0};
	_cleanup_(link_client_freep) struct link_client *client = NULL;
	struct turn t = {.c = c, .db = db, .l = &l, .now = now};
	struct sut_err why = {0};
	int r = link_load(c, db, tenant, &l, err);

	if (r <= 0)
		return r;
	t.whole = !l.whole_at || l.wanted > 0 || now - l.whole_at >= LINK_WHOLE_SEC ||
		  now < l.whole_at;
	r = link_open(&l, LINK_SYNC_SEC, tasks_stop_fd(c->s.tasks), &client, &why);
	t.client = client;
	if (r == 0)
		r = run_turn(&t, &why);
	free(t.v);
	/* The settings were changed meanwhile: their own turn comes at once. Or the server ends. */
	if (r == -ESTALE || r == -ECANCELED)
		return 0;
	/* What is not the portal's fault is told by the task. */
	if (r < 0 && r != -EHOSTDOWN && r != -EACCES && r != -EINVAL) {
		*err = why;
		return r;
	}
	return note_outcome(&t, r, &why, err);
}

/* --- the tasks: each takes the tenants that no other has at the moment, here or in another process --- */

enum { TENANTS_MAX = 4096 };

#define TENANT_LOCK INT64_C(0x7375750000000000) /* and the tenant */

/* only: 0 for all. */
static int due(struct sut_db *db, int64_t now, int64_t only, int64_t *ret, size_t max,
	       size_t *ret_n, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	size_t n = 0;
	int r = sut_db_query(
		db,
		"SELECT p.tenant FROM portals p JOIN tenants t ON t.id = p.tenant"
		" WHERE t.disabled IS NULL AND (p.wanted > 0 OR (p.retry_at <= $1"
		" AND (p.tried <= $2 OR p.failures > 0 OR p.tried > $1)))"
		" AND (CAST($4 AS BIGINT) = 0 OR p.tenant = $4) ORDER BY p.tried LIMIT $3",
		SUT_DB_ARGS(SUT_DB_I(now), SUT_DB_I(now - LINK_EVERY_SEC), SUT_DB_I((int64_t)max),
			    SUT_DB_I(only)),
		&rows, err);

	while (r >= 0 && (r = sut_db_next(rows, err)) > 0)
		ret[n++] = sut_db_int(rows, 0);
	*ret_n = n;
	return r;
}

/* Unless another one makes it, or made it since the list was read. */
static int turn_of(struct server *s, struct sut_db *db, int64_t tenant, struct sut_err *err)
{
	int64_t now = s->clock(s->clock_ctx), same;
	size_t n = 0;
	int r = sut_db_try_lock(db, TENANT_LOCK + tenant, err);

	if (r <= 0)
		return r;
	r = due(db, now, tenant, &same, 1, &n, err);
	if (r == 0 && n)
		r = sync_turn(console_of(s), db, tenant, now, err);
	sut_db_unlock(db, TENANT_LOCK + tenant);
	return r;
}

static int run(struct server *s, struct sut_db *db, int64_t now, struct sut_err *err)
{
	_cleanup_(sut_freep) int64_t *tenants = calloc(TENANTS_MAX, sizeof(*tenants));
	size_t n = 0;
	int r = tenants ? due(db, now, 0, tenants, TENANTS_MAX, &n, err) : sut_err_oom(err), rc = r;

	/* One tenant's trouble is not another's. */
	for (size_t i = 0; r == 0 && i < n && !atomic_load(&s->stopping); i++) {
		struct sut_err one = {0};
		int k = turn_of(s, db, tenants[i], &one);

		if (k < 0 && err) {
			*err = one;
			rc = k;
		}
	}
	return rc;
}

/* clang-format off */
const struct task task_portal[SYNC_TASKS] = {
	{.name = "portal", .every_sec = 1, .run = run},
	{.name = "portal-2", .every_sec = 1, .run = run},
	{.name = "portal-3", .every_sec = 1, .run = run},
	{.name = "portal-4", .every_sec = 1, .run = run},
};
/* clang-format on */
