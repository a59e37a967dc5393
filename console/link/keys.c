// SPDX-License-Identifier: Apache-2.0
#include "link/keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/token.h"
#include "base/str.h"
#include "seal.h"

enum { PURPOSE_MAX = 80, URL_MAX = 1024, PAGE = 500, PAGES_MAX = 100 };

/* The key's own name is in it: another key's secret does not open here. */
static void purpose_of(int64_t tenant, const char *uid, char ret[static PURPOSE_MAX])
{
	(void)snprintf(ret, PURPOSE_MAX, "key:%lld:%s", (long long)tenant, uid);
}

static const char *text(const json_t *j, const char *name, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s && strlen(s) <= WEB_TEXT_MAX ? s : otherwise;
}

static int64_t time_of(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));
	int64_t t = 0;

	return s && web_time_parse(s, &t) == 0 ? t : 0;
}

static struct sut_db_arg time_arg(const json_t *j, const char *name)
{
	int64_t t = time_of(j, name);

	return SUT_DB_I_IF(t > 0, t);
}

static struct sut_db_arg max_arg(const json_t *j)
{
	const json_t *max = json_object_get(j, "max_systems");

	return SUT_DB_I_IF(json_is_integer(max), json_integer_value(max));
}

/* What servers call the portal is in the line that it gives for them: "… 'https://portal.example/install' …". The console may know it by another
 * name. "" when there is none. */
static void server_url(const json_t *key, char ret[static URL_MAX])
{
	const char *line = text(key, "install_command", "");
	const char *end = strstr(line, "/install"), *at = strstr(line, "https://");

	if (!at)
		at = strstr(line, "http://");
	ret[0] = '\0';
	if (at && end > at && end - at < URL_MAX && !memchr(at, ' ', (size_t)(end - at)))
		(void)snprintf(ret, URL_MAX, "%.*s", (int)(end - at), at);
}

int link_key_keep(struct web_req *q, const json_t *key, const char *secret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf sealed = SUT_BUF_INIT(SEAL_MAX + SEAL_MORE);
	const json_t *list = json_object_get(key, "products");
	_cleanup_(sut_freep) char *products = list ? json_dumps(list, JSON_COMPACT) : strdup("[]");
	const char *uid = text(key, "id", "");
	char purpose[PURPOSE_MAX], url[URL_MAX];
	int r = 0;

	server_url(key, url);
	if (!products)
		return sut_err_oom(err);
	if (!sut_uid_ok(uid))
		return sut_err_set(err, EBADMSG, "the portal made a key without a name");
	purpose_of(q->who.tenant, uid, purpose);
	if (secret)
		r = seal_put(console_of(q->server)->seal, purpose, secret, strlen(secret), &sealed,
			     err);
	if (r < 0)
		return r;
	return sut_db_exec(
		q->db,
		"INSERT INTO keys (uid, tenant, kind, note, customer_id, feed, products, max_systems,"
		" limit_kind, systems, hint, secret, expires, created, created_by, revoked,"
		" server_url)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
		" ON CONFLICT (tenant, uid) DO UPDATE SET note = $4, feed = $6, products = $7,"
		" max_systems = $8, limit_kind = $9, systems = $10, expires = $13, revoked = $16,"
		" secret = COALESCE($12, keys.secret), server_url = $17, version = keys.version + 1",
		SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(q->who.tenant),
			    SUT_DB_T(text(key, "kind", "random")), SUT_DB_T(text(key, "note", "")),
			    SUT_DB_T(text(key, "customer_id", NULL)),
			    SUT_DB_T(text(key, "feed", "")), SUT_DB_T(products), max_arg(key),
			    SUT_DB_T(text(key, "limit_kind", "hard")),
			    SUT_DB_I(json_integer_value(json_object_get(key, "systems"))),
			    SUT_DB_T(text(key, "hint", "")),
			    SUT_DB_B(secret ? sealed.data : NULL, sealed.len),
			    time_arg(key, "expires"), SUT_DB_I(q->now), SUT_DB_T(q->who.name),
			    time_arg(key, "revoked"), SUT_DB_T(url)),
		NULL, err);
}

int link_key_read(struct console *c, struct sut_db *db, int64_t tenant, const char *uid,
		  struct link_key *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	char purpose[PURPOSE_MAX];
	const void *sealed;
	size_t len = 0;
	int r;

	if (!sut_uid_ok(uid))
		return 0;
	r = sut_db_one(db,
		       "SELECT secret, customer_id FROM keys WHERE tenant = $1 AND uid = $2"
		       " AND revoked IS NULL",
		       SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(uid)), &rows, err);
	if (r <= 0)
		return r;
	ret->customer = sut_db_text(rows, 1) != NULL;
	if (ret->customer)
		return sut_buf_addstr(&ret->secret, sut_db_text(rows, 1)) < 0 ? sut_err_oom(err)
									      : 1;
	purpose_of(tenant, uid, purpose);
	sealed = sut_db_blob(rows, 0, &len);
	r = seal_get(c->seal, purpose, sealed, len, &ret->secret, err);
	return r < 0 ? r : 1;
}

/* --- as the portal has them now --- */

static int refresh_one(struct sut_db *db, const struct link *l, const json_t *key,
		       struct sut_err *err)
{
	return sut_db_exec(
		db,
		"UPDATE keys SET systems = $3, revoked = $4, expires = $5, max_systems = $6,"
		" feed = $7, note = $8 WHERE tenant = $1 AND uid = $2",
		SUT_DB_ARGS(SUT_DB_I(l->tenant), SUT_DB_T(text(key, "id", "")),
			    SUT_DB_I(json_integer_value(json_object_get(key, "systems"))),
			    time_arg(key, "revoked"), time_arg(key, "expires"), max_arg(key),
			    SUT_DB_T(text(key, "feed", "")), SUT_DB_T(text(key, "note", ""))),
		NULL, err);
}

static int refresh_page(struct sut_db *db, const struct link *l, const json_t *items,
			struct sut_err *err)
{
	const json_t *key;
	size_t i;
	int r = sut_db_begin(db, SUT_DB_WRITE, err);

	if (r < 0)
		return r;
	json_array_foreach((json_t *)items, i, key) {
		if (r == 0)
			r = refresh_one(db, l, key, err);
	}
	if (r == 0)
		return sut_db_commit(db, err);
	sut_db_rollback(db);
	return r;
}

/* Is there any to refresh? */
static int any(struct sut_db *db, int64_t tenant, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;

	return sut_db_one(db, "SELECT 1 FROM keys WHERE tenant = $1 LIMIT 1",
			  SUT_DB_ARGS(SUT_DB_I(tenant)), &rows, err);
}

int link_keys_refresh(struct sut_db *db, const struct link *l, struct link_client *client,
		      struct sut_err *err)
{
	char path[320] = "/v1/keys?limit=500";
	int r = any(db, l->tenant, err);

	for (int page = 0; r > 0 && page < PAGES_MAX; page++) {
		const struct link_call call = {.method = "GET", .path = path};
		_cleanup_answer_ struct link_answer a = {0};
		const char *next;
		int x = link_do(client, &call, &a, err);

		if (x == -EACCES) {
			if (err)
				*err = (struct sut_err){0};
			return 0;
		}
		if (x == 0)
			x = refresh_page(db, l, json_object_get(a.json, "items"), err);
		if (x < 0)
			return x;
		next = json_string_value(json_object_get(a.json, "next"));
		if (!next || !sut_is_token(next, 256, "_-=.~%"))
			return 0;
		(void)snprintf(path, sizeof(path), "/v1/keys?limit=%d&cursor=%s", PAGE, next);
	}
	return r < 0 ? r : 0;
}

/* --- as the API shows them --- */

static json_t *int_or_null(const struct sut_db_rows *rows, int col)
{
	return sut_db_is_null(rows, col) ? json_null() : json_integer(sut_db_int(rows, col));
}

json_t *link_key_json(const struct sut_db_rows *row)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s?, s:s, s:o, s:o, s:s, s:I, s:s, s:o, s:o, s:s, s:o, s:I}",
		"id", sut_db_text(row, 1), "kind", sut_db_text(row, 2), "note", sut_db_text(row, 3),
		"customer_id", sut_db_text(row, 4), "feed", sut_db_text(row, 5), "products",
		json_loads(sut_db_text(row, 6), 0, NULL), "max_systems", int_or_null(row, 7),
		"limit_kind", sut_db_text(row, 8), "systems", (json_int_t)sut_db_int(row, 9),
		"hint", sut_db_text(row, 10), "expires", web_time(sut_db_int(row, 11)), "created",
		web_time(sut_db_int(row, 12)), "created_by", sut_db_text(row, 13), "revoked",
		web_time(sut_db_int(row, 14)), "version", (json_int_t)sut_db_int(row, 15));
}
