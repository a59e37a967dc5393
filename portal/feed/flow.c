// SPDX-License-Identifier: Apache-2.0
#include "feed/flow.h"

#include <stdio.h>
#include <string.h>

#include "db/db.h"

/* What goes down. */
struct drop {
	struct web_req *q;
	int64_t patchset;
	const char *name;
};

static enum decide_state parse_state(const char *s)
{
	return !s		      ? DECIDE_ABSENT
	       : !strcmp(s, "active") ? DECIDE_ACTIVE
	       : !strcmp(s, "held")   ? DECIDE_HELD
				      : DECIDE_WITHDRAWN;
}

static const char *state_name(enum decide_state s)
{
	return s == DECIDE_ACTIVE ? "active" : s == DECIDE_HELD ? "held" : "withdrawn";
}

static void take_feed(const struct sut_db_rows *rows, struct flow_feed *ret)
{
	ret->id = sut_db_int(rows, 0);
	ret->tenant = sut_db_int(rows, 1);
	snprintf(ret->name, sizeof(ret->name), "%s", sut_db_text(rows, 2));
	ret->follows = sut_db_int(rows, 3);
	ret->automatic = sut_db_int(rows, 4) != 0;
}

int flow_lock(struct sut_db *db, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r;

	if (sut_db_engine(db) != SUT_DB_PGSQL)
		return 0; /* it has one writer */
	r = sut_db_one(db, "SELECT value FROM meta WHERE name = 'generation' FOR UPDATE",
		       SUT_DB_NONE, &rows, err);
	return r < 0 ? r : 0;
}

int flow_feed_get(struct sut_db *db, int64_t id, struct flow_feed *ret, struct sut_err *err)
{
	static const char sql[] = "SELECT id, tenant, name, follows, auto FROM feeds WHERE id = $1";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, sql, SUT_DB_ARGS(SUT_DB_I(id)), &rows, err);

	if (r > 0)
		take_feed(rows, ret);
	return r;
}

int flow_entry_get(struct sut_db *db, int64_t feed, int64_t patchset, struct flow_entry *ret,
		   struct sut_err *err)
{
	static const char sql[] = "SELECT state, entered, until, inherited, reason"
				  " FROM feed_entries WHERE feed = $1 AND patchset = $2";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, sql, SUT_DB_ARGS(SUT_DB_I(feed), SUT_DB_I(patchset)), &rows, err);

	*ret = (struct flow_entry){0};
	if (r <= 0)
		return r;
	ret->state = parse_state(sut_db_text(rows, 0));
	ret->entered = sut_db_int(rows, 1);
	ret->until = sut_db_int(rows, 2);
	ret->inherited = sut_db_int(rows, 3) != 0;
	snprintf(ret->reason, sizeof(ret->reason), "%s", sut_db_text(rows, 4));
	return r;
}

static int write_entry(const struct drop *d, const struct flow_feed *feed,
		       const struct flow_entry *e, struct sut_err *err)
{
	static const char sql[] =
		"INSERT INTO feed_entries (feed, patchset, state, entered, inherited, reason, until,"
		" changed, changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
		" ON CONFLICT (feed, patchset) DO UPDATE SET state = excluded.state,"
		" entered = excluded.entered, inherited = excluded.inherited,"
		" reason = excluded.reason, until = excluded.until, changed = excluded.changed,"
		" changed_by = excluded.changed_by";
	const char *by = *d->q->who.name ? d->q->who.name : "portal";

	return sut_db_exec(d->q->db, sql,
			   SUT_DB_ARGS(SUT_DB_I(feed->id), SUT_DB_I(d->patchset),
				       SUT_DB_T(state_name(e->state)), SUT_DB_I(e->entered),
				       SUT_DB_I(e->inherited), SUT_DB_T(e->reason),
				       SUT_DB_I_IF(e->until, e->until), SUT_DB_I(d->q->now),
				       SUT_DB_T(by)),
			   NULL, err);
}

static int tell(const struct drop *d, const struct flow_feed *feed, enum decide_state before,
		const struct flow_entry *e, struct sut_err *err)
{
	const char *type = e->state == DECIDE_HELD	  ? "feed.held"
			   : e->state == DECIDE_WITHDRAWN ? "feed.withdrawn"
			   : before == DECIDE_HELD	  ? "feed.released"
							  : "feed.promoted";
	json_t *data = json_pack("{s:s,s:s,s:s,s:s,s:o,s:b}", "feed", feed->name, "patchset",
				 d->name, "state", state_name(e->state), "reason", e->reason,
				 "until", web_time(e->until), "inherited", e->inherited);

	return data ? web_event(d->q, feed->tenant, type, data, err) : sut_err_oom(err);
}

/* The feeds that follow one; the caller frees. */
static int followers(struct sut_db *db, int64_t feed, struct flow_feed **ret, size_t *ret_n,
		     struct sut_err *err)
{
	static const char sql[] =
		"SELECT id, tenant, name, follows, auto FROM feeds WHERE follows = $1 ORDER BY id";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	_cleanup_(sut_freep) struct flow_feed *v = NULL;
	size_t n = 0, cap = 0;
	int r = sut_db_query(db, sql, SUT_DB_ARGS(SUT_DB_I(feed)), &rows, err);

	while (r == 0 && (r = sut_db_next(rows, err)) > 0) {
		if (n == cap) {
			struct flow_feed *bigger;

			cap = cap ? cap * 2 : 8;
			bigger = reallocarray(v, cap, sizeof(*v));
			if (!bigger)
				return sut_err_oom(err);
			v = bigger;
		}
		take_feed(rows, &v[n++]);
		r = 0;
	}
	if (r < 0)
		return r;
	*ret = sut_steal(v);
	*ret_n = n;
	return 0;
}

/* The follower's entry after its source's. false: it stays as it is. */
static bool follow(const struct web_req *q, const struct flow_feed *feed,
		   const struct flow_entry *source, const struct flow_entry *own,
		   struct flow_entry *ret)
{
	*ret = *source;
	if (source->state == DECIDE_WITHDRAWN) {
		/* Whose decision the entry was is kept: a patchset that comes back must not pass it. */
		ret->inherited = own->inherited;
		ret->entered = own->entered;
		return own->state != DECIDE_ABSENT && own->state != DECIDE_WITHDRAWN;
	}
	if (!feed->automatic || (own->state != DECIDE_ABSENT && !own->inherited))
		return false;
	ret->inherited = true;
	if (own->state == DECIDE_ACTIVE || own->state == DECIDE_HELD)
		ret->entered = own->entered;
	else
		ret->entered = q->now;
	return own->state != ret->state || own->until != ret->until ||
	       strcmp(own->reason, ret->reason) != 0;
}

static int set(const struct drop *d, const struct flow_feed *feed, enum decide_state before,
	       const struct flow_entry *e, unsigned int depth, struct sut_err *err);

static int pass_on(const struct drop *d, const struct flow_feed *feed, const struct flow_entry *e,
		   unsigned int depth, struct sut_err *err)
{
	_cleanup_(sut_freep) struct flow_feed *v = NULL;
	size_t n = 0;
	int r;

	if (depth > FLOW_STEPS_MAX)
		return 0;
	r = followers(d->q->db, feed->id, &v, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct flow_entry own, next;

		r = flow_entry_get(d->q->db, v[i].id, d->patchset, &own, err);
		if (r < 0)
			return r;
		if (follow(d->q, &v[i], e, &own, &next))
			r = set(d, &v[i], own.state, &next, depth, err);
		else if (e->state == DECIDE_WITHDRAWN)
			/* Further down somebody may have taken it by himself. */
			r = pass_on(d, &v[i], e, depth + 1, err);
		else
			r = 0;
	}
	return r;
}

static int set(const struct drop *d, const struct flow_feed *feed, enum decide_state before,
	       const struct flow_entry *e, unsigned int depth, struct sut_err *err)
{
	int r = write_entry(d, feed, e, err);

	if (r == 0)
		r = tell(d, feed, before, e, err);
	return r < 0 ? r : pass_on(d, feed, e, depth + 1, err);
}

int flow_set(struct web_req *q, const struct flow_feed *feed, int64_t patchset, const char *name,
	     const struct flow_entry *entry, struct sut_err *err)
{
	struct drop d = {q, patchset, name};
	struct flow_entry before;
	int r = flow_entry_get(q->db, feed->id, patchset, &before, err);

	return r < 0 ? r : set(&d, feed, before.state, entry, 0, err);
}

/* ------------------------------------------------------------------ */

struct source_entry {
	int64_t patchset;
	char name[FEED_PATCHSET_MAX + 1];
};

/* Patchsets of a feed, or (0) of the repository. The caller frees. */
static int list_source(struct sut_db *db, int64_t feed, struct source_entry **ret, size_t *ret_n,
		       struct sut_err *err)
{
	static const char of_feed[] =
		"SELECT p.id, p.name FROM feed_entries e JOIN patchsets p ON p.id = e.patchset"
		" WHERE e.feed = $1 ORDER BY p.id";
	static const char of_repository[] =
		"SELECT id, name FROM patchsets WHERE withdrawn IS NULL AND id > $1 ORDER BY id";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	_cleanup_(sut_freep) struct source_entry *v = NULL;
	size_t n = 0, cap = 0;
	int r = sut_db_query(db, feed ? of_feed : of_repository, SUT_DB_ARGS(SUT_DB_I(feed)), &rows,
			     err);

	while (r == 0 && (r = sut_db_next(rows, err)) > 0) {
		if (n == cap) {
			struct source_entry *bigger;

			cap = cap ? cap * 2 : 64;
			bigger = reallocarray(v, cap, sizeof(*v));
			if (!bigger)
				return sut_err_oom(err);
			v = bigger;
		}
		v[n].patchset = sut_db_int(rows, 0);
		snprintf(v[n].name, sizeof(v[n].name), "%s", sut_db_text(rows, 1));
		n++;
		r = 0;
	}
	if (r < 0)
		return r;
	*ret = sut_steal(v);
	*ret_n = n;
	return 0;
}

static int seen_at(struct sut_db *db, int64_t patchset, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, "SELECT seen FROM patchsets WHERE id = $1",
			   SUT_DB_ARGS(SUT_DB_I(patchset)), &rows, err);

	if (r > 0)
		*ret = sut_db_int(rows, 0);
	return r < 0 ? r : 0;
}

static int catch_up_with(struct web_req *q, const struct flow_feed *feed,
			 const struct source_entry *s, struct sut_err *err)
{
	struct drop d = {q, s->patchset, s->name};
	struct flow_entry source = {.state = DECIDE_ACTIVE}, own, next;
	int r;

	r = feed->follows ? flow_entry_get(q->db, feed->follows, s->patchset, &source, err)
			  : seen_at(q->db, s->patchset, &source.entered, err);
	if (r >= 0)
		r = flow_entry_get(q->db, feed->id, s->patchset, &own, err);
	if (r < 0)
		return r;
	/* Of the repository's there is one chance: it does not change its mind about them. */
	if ((!feed->follows && own.state != DECIDE_ABSENT) ||
	    !follow(q, feed, &source, &own, &next))
		return 0;
	if (own.state == DECIDE_ABSENT)
		next.entered = source.entered;
	next.inherited = feed->follows != 0;
	return set(&d, feed, own.state, &next, 0, err);
}

int flow_catch_up(struct web_req *q, const struct flow_feed *feed, struct sut_err *err)
{
	_cleanup_(sut_freep) struct source_entry *v = NULL;
	size_t n = 0;
	int r;

	if (!feed->follows && !feed->automatic)
		return 0;
	r = list_source(q->db, feed->follows, &v, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = catch_up_with(q, feed, &v[i], err);
	return r;
}

int flow_released(struct web_req *q, int64_t patchset, const char *name, struct sut_err *err)
{
	static const char sql[] = "SELECT id, tenant, name, follows, auto FROM feeds"
				  " WHERE follows IS NULL AND auto = 1 AND id > $1"
				  " ORDER BY id LIMIT 1";
	struct flow_entry entry = {.state = DECIDE_ACTIVE, .entered = q->now};
	struct drop d = {q, patchset, name};
	struct flow_feed feed = {0};
	int r;

	/* One by one: rows are not kept open over the writing. */
	for (;;) {
		_cleanup_rows_ struct sut_db_rows *rows = NULL;
		struct flow_entry own;

		r = sut_db_one(q->db, sql, SUT_DB_ARGS(SUT_DB_I(feed.id)), &rows, err);
		if (r <= 0)
			return r;
		take_feed(rows, &feed);
		r = flow_entry_get(q->db, feed.id, patchset, &own, err);
		if (r == 0 && own.state == DECIDE_ABSENT)
			r = set(&d, &feed, DECIDE_ABSENT, &entry, 0, err);
		if (r < 0)
			return r;
	}
}
