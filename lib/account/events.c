// SPDX-License-Identifier: Apache-2.0
/* Events become deliveries: one for each webhook that wants their type. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "auth/token.h"
#include "db/db.h"
#include "web/web.h"
#include "account/webhook.h"

enum { EVENTS_BATCH = 500 /* made into deliveries in one transaction */ };

struct hook {
	int64_t id, tenant, seen;
	char *tenant_name;
	json_t *events;
};

static void hooks_free(struct hook *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].tenant_name);
		json_decref(v[i].events);
	}
	free(v);
}

static int hooks_read(struct sut_db *db, struct hook **ret, size_t *ret_n, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct hook *v = NULL;
	size_t n = 0;
	int k = sut_db_query(
		db,
		"SELECT w.id, w.tenant, w.seen_event, t.name, w.events FROM webhooks w "
		"JOIN tenants t ON t.id = w.tenant "
		"WHERE w.active = 1 AND t.disabled IS NULL ORDER BY w.id",
		SUT_DB_NONE, &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0) {
		struct hook *more = reallocarray(v, n + 1, sizeof(*v));

		if (!more) {
			k = sut_err_oom(err);
			break;
		}
		v = more;
		v[n] = (struct hook){
			.id = sut_db_int(rows, 0),
			.tenant = sut_db_int(rows, 1),
			.seen = sut_db_int(rows, 2),
			.tenant_name = strdup(sut_db_text(rows, 3)),
			.events = json_loads(sut_db_text(rows, 4), 0, NULL),
		};
		n++;
		if (!v[n - 1].tenant_name) {
			k = sut_err_oom(err);
			break;
		}
	}
	if (k < 0) {
		hooks_free(v, n);
		return k;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

static bool wants(const struct hook *h, const char *type)
{
	size_t i;
	json_t *item;

	json_array_foreach(h->events, i, item) {
		const char *s = json_string_value(item);

		if (s && (strcmp(s, "*") == 0 || strcmp(s, type) == 0))
			return true;
	}
	return false;
}

/*
 * The last event below which no more can appear. On PostgreSQL numbers are given before the commit, so an
 * event with a smaller number may still be on its way: the lock waits for those, and lets no new
 * ones in for the moment that takes. 0: could not tell now.
 */
static int last_event(struct sut_db *db, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k;

	if (sut_db_engine(db) == SUT_DB_PGSQL) {
		k = sut_db_exec(db, "SET LOCAL lock_timeout = '2s'", SUT_DB_NONE, NULL, err);
		if (k == 0)
			k = sut_db_exec(db, "LOCK TABLE events IN SHARE MODE", SUT_DB_NONE, NULL,
					err);
		if (k < 0)
			return k;
	}
	k = sut_db_one(db, "SELECT COALESCE(MAX(id), 0) FROM events", SUT_DB_NONE, &row, err);
	if (k < 0)
		return k;
	*ret = row ? sut_db_int(row, 0) : 0;
	return 0;
}

static char *event_body(const struct hook *h, const struct sut_db_rows *event)
{
	json_t *data = json_loads(sut_db_text(event, 3), 0, NULL);
	json_t *body;
	char *text;

	body = json_pack("{s:s, s:o, s:s, s:o}", "type", sut_db_text(event, 2), "timestamp",
			 web_time(sut_db_int(event, 1)), "tenant", h->tenant_name, "data",
			 data ? data : json_object());
	text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	json_decref(body);
	return text;
}

static int insert(struct sut_db *db, const struct hook *h, const struct sut_db_rows *event,
		  int64_t now, struct sut_err *err)
{
	_cleanup_(sut_freep) char *body = event_body(h, event);
	char uid[SUT_UID_LEN + 1];
	int k;

	if (!body)
		return sut_err_oom(err);
	k = sut_uid_make(uid, err);
	if (k < 0)
		return k;
	return sut_db_exec(
		db,
		"INSERT INTO deliveries (uid, webhook, event, type, body, created, next_try) "
		"VALUES ($1, $2, $3, $4, $5, $6, $6)",
		SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(h->id), SUT_DB_I(sut_db_int(event, 0)),
			    SUT_DB_T(sut_db_text(event, 2)), SUT_DB_T(body), SUT_DB_I(now)),
		NULL, err);
}

/* One batch for one webhook, in the caller's transaction. 1: there may be more; 0: done. */
static int fan_out_batch(struct sut_db *db, struct hook *h, int64_t last, int64_t now,
			 struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t at = h->seen, changed = 0;
	size_t n = 0;
	int k = sut_db_query(db,
			     "SELECT id, at, type, data FROM events WHERE id > $1 AND id <= $2 AND "
			     "(tenant = $3 OR tenant = 0) ORDER BY id LIMIT $4",
			     SUT_DB_ARGS(SUT_DB_I(h->seen), SUT_DB_I(last), SUT_DB_I(h->tenant),
					 SUT_DB_I(EVENTS_BATCH)),
			     &rows, err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0) {
		n++;
		at = sut_db_int(rows, 0);
		if (wants(h, sut_db_text(rows, 2)))
			k = insert(db, h, rows, now, err);
	}
	if (k < 0)
		return k;
	if (n < EVENTS_BATCH)
		at = last;
	/* Were another portal at it too, one of the two finds that nothing changed, and takes all back. */
	k = sut_db_exec(db, "UPDATE webhooks SET seen_event = $2 WHERE id = $1 AND seen_event = $3",
			SUT_DB_ARGS(SUT_DB_I(h->id), SUT_DB_I(at), SUT_DB_I(h->seen)), &changed,
			err);
	if (k < 0)
		return k;
	if (changed != 1)
		return sut_err_set(err, EAGAIN, "another process has made these deliveries");
	h->seen = at;
	return n < EVENTS_BATCH ? 0 : 1;
}

static int fan_out_hook(struct sut_db *db, struct hook *h, int64_t last, int64_t now,
			struct sut_err *err)
{
	int more = 1;

	while (more > 0) {
		int k = sut_db_begin(db, SUT_DB_WRITE, err);

		if (k < 0)
			return k;
		more = fan_out_batch(db, h, last, now, err);
		k = more < 0 ? more : sut_db_commit(db, err);
		if (k < 0) {
			sut_db_rollback(db);
			return k == -EAGAIN ? 0 : k;
		}
	}
	return 0;
}

int webhook_fan_out(struct sut_db *db, int64_t now, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	struct hook *v = NULL;
	int64_t last = 0;
	size_t n = 0;
	int k;

	/* Without locks: is there anything to do at all? */
	k = sut_db_one(db,
		       "SELECT 1 FROM webhooks w JOIN tenants t ON t.id = w.tenant "
		       "WHERE w.active = 1 AND t.disabled IS NULL AND "
		       "w.seen_event < (SELECT COALESCE(MAX(id), 0) FROM events) LIMIT 1",
		       SUT_DB_NONE, &row, err);
	if (k <= 0)
		return k;
	sut_db_rows_free(sut_steal(row));
	k = sut_db_begin(db, SUT_DB_WRITE, err);
	if (k < 0)
		return k;
	k = last_event(db, &last, err);
	if (k == 0)
		k = sut_db_commit(db, err);
	if (k < 0) {
		sut_db_rollback(db);
		return k;
	}
	k = hooks_read(db, &v, &n, err);
	for (size_t i = 0; k == 0 && i < n; i++)
		if (v[i].seen < last)
			k = fan_out_hook(db, &v[i], last, now, err);
	hooks_free(v, n);
	return k;
}
