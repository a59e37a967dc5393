/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/keys: registration keys. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "feed/pin.h"
#include "fleet/key.h"
#include "portal.h"
#include "api/api.h"

enum {
	KEY_SYSTEMS_MAX = 100000000,
	KEY_DELAY_MAX = 8760, /* hours: a year */
	KEY_PIN_TEXT = FEED_PIN_MAX,
};

/* What one may choose of a key. NULL, -1 and 0: not chosen, in this order of types. */
struct choice {
	const char *note, *limit_kind, *feed, *pin;
	int64_t max_systems, expires, delay_hours;
	json_t *networks, *products, *tags;
	bool has_note, has_limit_kind, has_feed, has_pin, has_max, has_expires, has_delay,
		has_networks, has_products, has_tags;
	/* found out */
	int64_t feed_id;
};

#define CHOICE_FIELDS(c)                                                                           \
	{"note", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, &(c)->note, &(c)->has_note},                    \
		{"max_systems",	  WEB_T_INT,	     WEB_NULLABLE, 0,                              \
		 KEY_SYSTEMS_MAX, &(c)->max_systems, &(c)->has_max},                               \
		{"limit_kind", WEB_T_STRING, 0, 0, 16, &(c)->limit_kind, &(c)->has_limit_kind},    \
		{"expires", WEB_T_TIME, WEB_NULLABLE, 0, 0, &(c)->expires, &(c)->has_expires},     \
		{"networks",	 WEB_T_ARRAY,	    0, 0, FLEET_NETWORKS_MAX,                      \
		 &(c)->networks, &(c)->has_networks},                                              \
		{"products", WEB_T_ARRAY, 0, 0, 8, &(c)->products, &(c)->has_products},            \
		{"tags", WEB_T_OBJECT, 0, 0, 0, &(c)->tags, &(c)->has_tags},                       \
		{"feed", WEB_T_NAME, 0, 0, 0, &(c)->feed, &(c)->has_feed},                         \
		{"delay_hours", WEB_T_INT,	   WEB_NULLABLE,   0,                              \
		 KEY_DELAY_MAX, &(c)->delay_hours, &(c)->has_delay},                               \
	{                                                                                          \
		"pin", WEB_T_STRING, WEB_NULLABLE, 0, KEY_PIN_TEXT, &(c)->pin, &(c)->has_pin       \
	}

/* 0 or WEB_NO: what the types alone do not say. < 0. */
static int check_choice(struct web_req *q, struct web_resp *r, struct choice *c,
			struct sut_err *err)
{
	struct sut_err wrong = {0};
	unsigned int products = 0;
	struct check bad = {0};
	struct feed_pin pin;

	if (c->limit_kind && strcmp(c->limit_kind, "hard") && strcmp(c->limit_kind, "advisory"))
		return web_bad_field(r, "/limit_kind", "must be \"hard\" or \"advisory\"");
	if (c->pin && feed_pin_parse(c->pin, &pin, &wrong) < 0)
		return web_bad_field(r, "/pin", "%s", wrong.msg);
	if (check_networks(&bad, "/networks", c->networks) ||
	    check_products(&bad, "", "products", c->products, &products) ||
	    check_tags(&bad, "/tags", c->tags))
		return web_bad_field(r, bad.pointer, "%s", bad.detail);
	if (c->feed) {
		int x = fleet_feed_find(q->db, q->who.tenant, c->feed, &c->feed_id, err);

		if (x < 0)
			return x;
		if (!x)
			return web_bad_field(r, "/feed",
					     "there is no feed \"%s\": see GET /v1/feeds", c->feed);
	}
	return 0;
}

#define KEY_COLUMNS                                                                                \
	"SELECT k.id, k.uid, k.kind, k.hint, k.customer_id, k.note, k.max_systems, k.limit_kind,"  \
	" k.expires, k.networks, k.products, k.tags, f.name, k.delay_hours, k.pin, k.systems,"     \
	" k.created, k.created_by, k.revoked, k.version, k.feed"                                   \
	" FROM keys k JOIN feeds f ON f.id = k.feed"

enum {
	COL_ID,
	COL_UID,
	COL_KIND,
	COL_HINT,
	COL_CUSTOMER,
	COL_NOTE,
	COL_MAX,
	COL_LIMIT_KIND,
	COL_EXPIRES,
	COL_NETWORKS,
	COL_PRODUCTS,
	COL_TAGS,
	COL_FEED,
	COL_DELAY,
	COL_PIN,
	COL_SYSTEMS,
	COL_CREATED,
	COL_CREATED_BY,
	COL_REVOKED,
	COL_VERSION,
	COL_FEED_ID,
};

static json_t *int_or_null(struct sut_db_rows *rows, int col)
{
	return sut_db_is_null(rows, col) ? json_null() : json_integer(sut_db_int(rows, col));
}

static json_t *text_or_null(struct sut_db_rows *rows, int col)
{
	return sut_db_is_null(rows, col) ? json_null() : json_string(sut_db_text(rows, col));
}

/* NULL when memory is short. */
static json_t *key_json(struct sut_db_rows *rows)
{
	return json_pack(
		"{s:s, s:s, s:s, s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:I, s:o,"
		" s:s, s:o, s:I}",
		"id", sut_db_text(rows, COL_UID), "kind", sut_db_text(rows, COL_KIND), "hint",
		sut_db_text(rows, COL_HINT), "customer_id", text_or_null(rows, COL_CUSTOMER),
		"note", sut_db_text(rows, COL_NOTE), "max_systems", int_or_null(rows, COL_MAX),
		"limit_kind", sut_db_text(rows, COL_LIMIT_KIND), "expires",
		web_time(sut_db_int(rows, COL_EXPIRES)), "networks",
		json_loads(sut_db_text(rows, COL_NETWORKS), 0, NULL), "products",
		json_loads(sut_db_text(rows, COL_PRODUCTS), 0, NULL), "tags",
		json_loads(sut_db_text(rows, COL_TAGS), 0, NULL), "feed",
		sut_db_text(rows, COL_FEED), "delay_hours", int_or_null(rows, COL_DELAY), "pin",
		text_or_null(rows, COL_PIN), "systems", (json_int_t)sut_db_int(rows, COL_SYSTEMS),
		"created", web_time(sut_db_int(rows, COL_CREATED)), "created_by",
		sut_db_text(rows, COL_CREATED_BY), "revoked",
		web_time(sut_db_int(rows, COL_REVOKED)), "version",
		(json_int_t)sut_db_int(rows, COL_VERSION));
}

/* 0 with the row; what web_not_found() returned; < 0. */
static int find(struct web_req *q, struct web_resp *r, struct sut_db_rows **ret,
		struct sut_err *err)
{
	int x = sut_db_one(q->db, KEY_COLUMNS " WHERE k.tenant = $1 AND k.uid = $2",
			   SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(q->params[0])), ret, err);

	if (x == -EILSEQ)
		return web_not_found(r, "key", q->params[0]);
	if (x < 0)
		return x;
	return x ? 0 : web_not_found(r, "key", q->params[0]);
}

static int answer(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = find(q, r, &rows, err);

	if (x)
		return x;
	web_version(r, sut_db_int(rows, COL_VERSION));
	return web_json(r, 200, key_json(rows), err);
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const none[] = {NULL};
	int x = web_only_args(q, r, none);

	return x ? x : answer(q, r, err);
}

/* "true", "false" or absent: 1, 0, -1. */
static int truth(struct web_req *q, struct web_resp *r, const char *name, int *ret)
{
	const char *s = web_arg(q, name);

	if (s && strcmp(s, "true") && strcmp(s, "false"))
		return web_problem(r, 400, "bad-argument", "%s must be true or false", name);
	*ret = s ? !strcmp(s, "true") : -1;
	return 0;
}

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const names[] = {"limit",   "cursor",      "kind", "feed",
					    "revoked", "customer_id", NULL};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct web_page page;
	json_t *items;
	int64_t last = 0;
	bool more = false;
	int revoked = -1, x;

	if (web_only_args(q, r, names) || web_page_take(q, r, &page) ||
	    truth(q, r, "revoked", &revoked))
		return WEB_NO;
	x = sut_db_query(
		q->db,
		KEY_COLUMNS
		" WHERE k.tenant = $1 AND k.id > $2"
		" AND (CAST($4 AS TEXT) IS NULL OR k.kind = $4)"
		" AND (CAST($5 AS TEXT) IS NULL OR f.name = $5)"
		" AND (CAST($6 AS TEXT) IS NULL OR k.customer_id = $6)"
		" AND (CAST($7 AS BIGINT) < 0 OR (k.revoked IS NOT NULL) = (CAST($7 AS BIGINT) = 1))"
		" ORDER BY k.id LIMIT $3",
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(page.after), SUT_DB_I(page.limit + 1),
			    SUT_DB_T(web_arg(q, "kind")), SUT_DB_T(web_arg(q, "feed")),
			    SUT_DB_T(web_arg(q, "customer_id")), SUT_DB_I(revoked)),
		&rows, err);
	if (x < 0)
		return x;
	items = json_array();
	while ((x = items ? sut_db_next(rows, err) : sut_err_oom(err)) > 0) {
		if (json_array_size(items) == (size_t)page.limit) {
			more = true;
			break;
		}
		last = sut_db_int(rows, COL_ID);
		if (json_array_append_new(items, key_json(rows))) {
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

/* What the world calls this portal: as configured, else as the caller did. "" when neither can stand in a
 * command line that somebody will paste into a root shell. */
static void own_url(const struct web_req *q, char *buf, size_t size)
{
	const char *host = web_header(q, "Host");

	buf[0] = 0;
	if (portal_of(q->server)->conf.s.url)
		snprintf(buf, size, "%s", portal_of(q->server)->conf.s.url);
	else if (host && host[0] && strlen(host) < 256 &&
		 host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   ".:-[]")] == 0)
		snprintf(buf, size, "%s://%s", q->tls ? "https" : "http", host);
	if (buf[0] && buf[strlen(buf) - 1] == '/')
		buf[strlen(buf) - 1] = 0;
}

static char *document(json_t *given, const char *otherwise)
{
	return given ? json_dumps(given, JSON_COMPACT) : strdup(otherwise);
}

struct fresh {
	char uid[SUT_UID_LEN + 1];
	char secret[SUT_TOKEN_MAX], hint[16];
	uint8_t hash[SUT_TOKEN_HASH];
};

static void fresh_wipe(struct fresh *f)
{
	explicit_bzero(f, sizeof(*f));
}

static int insert(struct web_req *q, const struct choice *c, const char *customer_id,
		  const struct fresh *f, struct sut_err *err)
{
	_cleanup_(sut_freep) char *networks = document(c->networks, "[]");
	_cleanup_(sut_freep) char *products = document(c->products, "[\"kernel\",\"library\"]");
	_cleanup_(sut_freep) char *tags = document(c->tags, "{}");

	if (!networks || !products || !tags)
		return sut_err_oom(err);
	return sut_db_exec(
		q->db,
		"INSERT INTO keys (uid, tenant, kind, hash, hint, customer_id, note, max_systems,"
		" limit_kind, expires, networks, products, tags, feed, delay_hours, pin, created,"
		" created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
		" $15, $16, $17, $18)",
		SUT_DB_ARGS(SUT_DB_T(f->uid), SUT_DB_I(q->who.tenant),
			    SUT_DB_T(customer_id ? "customer" : "random"),
			    SUT_DB_B(customer_id ? NULL : f->hash, SUT_TOKEN_HASH),
			    SUT_DB_T(f->hint), SUT_DB_T(customer_id),
			    SUT_DB_T(c->note ? c->note : ""),
			    SUT_DB_I_IF(c->max_systems >= 0, c->max_systems),
			    SUT_DB_T(c->limit_kind ? c->limit_kind : "hard"),
			    SUT_DB_I_IF(c->expires > 0, c->expires), SUT_DB_T(networks),
			    SUT_DB_T(products), SUT_DB_T(tags), SUT_DB_I(c->feed_id),
			    SUT_DB_I_IF(c->delay_hours >= 0, c->delay_hours), SUT_DB_T(c->pin),
			    SUT_DB_I(q->now), SUT_DB_T(q->who.name)),
		NULL, err);
}

/* The one answer that has the secret. */
static int show_once(struct web_req *q, struct web_resp *r, const struct fresh *f,
		     struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	char url[512], command[768];
	json_t *j;
	int x = sut_db_one(q->db, KEY_COLUMNS " WHERE k.tenant = $1 AND k.uid = $2",
			   SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(f->uid)), &rows, err);

	if (x <= 0)
		return x < 0 ? x : sut_err_set(err, EIO, "the new key is not there");
	j = key_json(rows);
	if (!j)
		return sut_err_oom(err);
	if (f->secret[0]) {
		own_url(q, url, sizeof(url));
		/* printf is the shell's own: the key stands in no command line that others see. */
		snprintf(command, sizeof(command),
			 "printf %%s %s | curl -fsS --data-binary @- %s/install | sudo sh",
			 f->secret, url);
		x = json_object_set_new(j, "key", json_string(f->secret)) ||
		    json_object_set_new(j, "install_command",
					url[0] ? json_string(command) : json_null());
		explicit_bzero(command, sizeof(command));
		if (x) {
			json_decref(j);
			return sut_err_oom(err);
		}
	}
	web_version(r, sut_db_int(rows, COL_VERSION));
	return web_created(r, j, err, "/v1/keys/%s", f->uid);
}

/* By a customer ID alone, from its networks, the portal can tell one tenant only. Nobody takes that from who
 * has it, by a key of the same name. 0: it is free. */
static int customer_elsewhere(struct web_req *q, struct web_resp *r, const char *customer_id,
			      const json_t *networks, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x;

	if (!customer_id || !json_array_size(networks))
		return 0;
	x = sut_db_one(q->db,
		       "SELECT 1 FROM keys WHERE customer_id = $1 AND tenant <> $2"
		       " AND networks <> '[]' LIMIT 1",
		       SUT_DB_ARGS(SUT_DB_T(customer_id), SUT_DB_I(q->who.tenant)), &rows, err);
	if (x <= 0)
		return x;
	return web_problem(
		r, 409, "customer-id-taken",
		"another tenant of this portal enrols by this customer_id from its networks: choose another, or leave the networks out and enrol with an API token");
}

static int create(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct choice c = {.max_systems = -1, .delay_hours = -1, .feed = "stable"};
	const char *kind = NULL, *customer_id = NULL;
	const struct web_field fields[] = {
		{"kind", WEB_T_STRING, 0, 0, 16, &kind, NULL},
		{"customer_id", WEB_T_STRING, 0, 0, FLEET_CUSTOMER_ID_MAX, &customer_id, NULL},
		CHOICE_FIELDS(&c),
	};
	_cleanup_(fresh_wipe) struct fresh f = {0};
	int x = WEB_TAKE(q, r, fields);

	if (x || (x = check_choice(q, r, &c, err)))
		return x;
	if (kind && strcmp(kind, "random") && strcmp(kind, "customer"))
		return web_bad_field(r, "/kind", "must be \"random\" or \"customer\"");
	if (kind && !strcmp(kind, "customer") && !customer_id)
		return web_bad_field(r, "/customer_id",
				     "is missing: a customer key is named by it");
	if (kind && !strcmp(kind, "random") && customer_id)
		return web_bad_field(
			r, "/customer_id",
			"a random key has none: leave it out, or make it a \"customer\" key");
	if (customer_id && !check_printable(customer_id, strlen(customer_id)))
		return web_bad_field(r, "/customer_id", "may hold printable characters only");
	if (c.has_expires && c.expires > 0 && c.expires <= q->now)
		return web_bad_field(r, "/expires", "is in the past");

	x = customer_elsewhere(q, r, customer_id, c.networks, err);
	if (x)
		return x;
	x = sut_uid_make(f.uid, err);
	if (x >= 0 && !customer_id) {
		x = sut_token_make(SUT_TOKEN_KEY, f.secret, err);
		if (x >= 0) {
			sut_token_hash(f.secret, f.hash);
			sut_token_hint(f.secret, f.hint);
		}
	}
	if (x >= 0)
		x = insert(q, &c, customer_id, &f, err);
	if (x == -EEXIST)
		return web_problem(
			r, 409, "customer-id-taken",
			"there is a key with this customer_id: change that one, or choose another customer_id");
	if (x >= 0)
		x = web_audit(q, "key.create", "key", f.uid,
			      json_pack("{s:s, s:s*, s:s}", "kind",
					customer_id ? "customer" : "random", "customer_id",
					customer_id, "feed", c.feed),
			      err);
	return x < 0 ? x : show_once(q, r, &f, err);
}

/* The names of what a change changes, for the audit log. */
static json_t *changed(const json_t *body)
{
	json_t *names = json_array();
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)body, name, v)
		if (json_array_append_new(names, json_string(name)))
			break;
	return json_pack("{s:o}", "fields", names);
}

static int update(struct web_req *q, const struct choice *c, struct sut_db_rows *old,
		  struct sut_err *err)
{
	_cleanup_(sut_freep) char *networks = document(c->networks, sut_db_text(old, COL_NETWORKS));
	_cleanup_(sut_freep) char *products = document(c->products, sut_db_text(old, COL_PRODUCTS));
	_cleanup_(sut_freep) char *tags = document(c->tags, sut_db_text(old, COL_TAGS));
	bool has_max = c->has_max ? c->max_systems >= 0 : !sut_db_is_null(old, COL_MAX);
	bool has_delay = c->has_delay ? c->delay_hours >= 0 : !sut_db_is_null(old, COL_DELAY);
	int64_t expires = c->has_expires ? c->expires : sut_db_int(old, COL_EXPIRES);
	int64_t n = 0;
	int x;

	if (!networks || !products || !tags)
		return sut_err_oom(err);
	x = sut_db_exec(
		q->db,
		"UPDATE keys SET note = $4, max_systems = $5, limit_kind = $6, expires = $7,"
		" networks = $8, products = $9, tags = $10, feed = $11, delay_hours = $12, pin = $13,"
		" version = version + 1 WHERE tenant = $1 AND id = $2 AND version = $3",
		SUT_DB_ARGS(
			SUT_DB_I(q->who.tenant), SUT_DB_I(sut_db_int(old, COL_ID)),
			SUT_DB_I(sut_db_int(old, COL_VERSION)),
			SUT_DB_T(c->has_note ? c->note : sut_db_text(old, COL_NOTE)),
			SUT_DB_I_IF(has_max,
				    c->has_max ? c->max_systems : sut_db_int(old, COL_MAX)),
			SUT_DB_T(c->limit_kind ? c->limit_kind : sut_db_text(old, COL_LIMIT_KIND)),
			SUT_DB_I_IF(expires > 0, expires), SUT_DB_T(networks), SUT_DB_T(products),
			SUT_DB_T(tags),
			SUT_DB_I(c->feed_id ? c->feed_id : sut_db_int(old, COL_FEED_ID)),
			SUT_DB_I_IF(has_delay,
				    c->has_delay ? c->delay_hours : sut_db_int(old, COL_DELAY)),
			SUT_DB_T(c->has_pin ? c->pin : sut_db_text(old, COL_PIN))),
		&n, err);
	if (x >= 0 && n != 1)
		return sut_err_set(err, EAGAIN,
				   "the key was changed at the same time: do it again");
	return x;
}

static int change(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct choice c = {.max_systems = -1, .delay_hours = -1};
	const struct web_field fields[] = {CHOICE_FIELDS(&c)};
	int x = WEB_TAKE(q, r, fields);

	if (x || (x = check_choice(q, r, &c, err)))
		return x;
	{
		_cleanup_rows_ struct sut_db_rows *rows = NULL;

		x = find(q, r, &rows, err);
		if (!x)
			x = web_if_match(q, r, sut_db_int(rows, COL_VERSION));
		if (!x)
			x = customer_elsewhere(q, r, sut_db_text(rows, COL_CUSTOMER), c.networks,
					       err);
		if (!x)
			x = update(q, &c, rows, err);
	}
	if (!x)
		x = web_audit(q, "key.change", "key", q->params[0], changed(q->body), err);
	return x ? x : answer(q, r, err);
}

static int revoke_key(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const struct web_field fields[] = {{0}};
	bool already;
	int x = web_take(q, r, fields, 0);

	if (x)
		return x;
	{
		_cleanup_rows_ struct sut_db_rows *rows = NULL;

		x = find(q, r, &rows, err);
		if (x)
			return x;
		already = !sut_db_is_null(rows, COL_REVOKED);
	}
	if (!already) {
		x = sut_db_exec(q->db,
				"UPDATE keys SET revoked = $3, version = version + 1"
				" WHERE tenant = $1 AND uid = $2 AND revoked IS NULL",
				SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(q->params[0]),
					    SUT_DB_I(q->now)),
				NULL, err);
		if (x >= 0)
			x = web_audit(q, "key.revoke", "key", q->params[0], NULL, err);
		if (x >= 0)
			x = web_event(q, q->who.tenant, "key.revoked",
				      json_pack("{s:s}", "key", q->params[0]), err);
		if (x < 0)
			return x;
	}
	return answer(q, r, err);
}

static int delete_systems(struct web_req *q, int64_t key, int64_t *ret, struct sut_err *err)
{
	int x = sut_db_exec(q->db,
			    "INSERT INTO retired_credentials (hash, at, reason)"
			    " SELECT credential, CAST($3 AS BIGINT), 'deleted' FROM systems"
			    " WHERE tenant = $1 AND key_id = $2 UNION"
			    " SELECT credential_next, CAST($3 AS BIGINT), 'deleted' FROM systems"
			    " WHERE tenant = $1 AND key_id = $2 AND credential_next IS NOT NULL"
			    " ON CONFLICT (hash) DO NOTHING",
			    SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(key), SUT_DB_I(q->now)),
			    NULL, err);

	if (x < 0)
		return x;
	return sut_db_exec(q->db, "DELETE FROM systems WHERE tenant = $1 AND key_id = $2",
			   SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(key)), ret, err);
}

static int remove_key(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const names[] = {"systems", NULL};
	const char *with = web_arg(q, "systems");
	int64_t id, systems, gone = 0;
	int x = web_only_args(q, r, names);

	if (x)
		return x;
	if (with && strcmp(with, "delete"))
		return web_problem(
			r, 400, "bad-argument",
			"systems can only be \"delete\": it removes the key's systems, too");
	{
		_cleanup_rows_ struct sut_db_rows *rows = NULL;

		x = find(q, r, &rows, err);
		if (!x)
			x = web_if_match(q, r, sut_db_int(rows, COL_VERSION));
		if (x)
			return x;
		id = sut_db_int(rows, COL_ID);
	}
	{
		/* Locks the key, so that nobody enrols with it meanwhile. */
		_cleanup_rows_ struct sut_db_rows *rows = NULL;

		x = sut_db_one(q->db,
			       "UPDATE keys SET version = version + 1 WHERE tenant = $1 AND id = $2"
			       " RETURNING systems",
			       SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(id)), &rows, err);
		if (x <= 0)
			return x < 0 ? x : web_not_found(r, "key", q->params[0]);
		systems = sut_db_int(rows, 0);
	}
	if (systems && !with)
		return web_problem(
			r, 409, "key-has-systems",
			"%lld systems came by this key: transfer or delete them, revoke the key instead, or delete it with ?systems=delete",
			(long long)systems);
	if (with) {
		x = delete_systems(q, id, &gone, err);
		if (x < 0)
			return x;
	}
	x = sut_db_exec(q->db, "DELETE FROM keys WHERE tenant = $1 AND id = $2",
			SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(id)), NULL, err);
	if (x >= 0)
		x = web_audit(q, "key.delete", "key", q->params[0],
			      json_pack("{s:I}", "systems_deleted", (json_int_t)gone), err);
	if (x >= 0)
		x = web_event(q, q->who.tenant, "key.deleted",
			      json_pack("{s:s, s:I}", "key", q->params[0], "systems_deleted",
					(json_int_t)gone),
			      err);
	return x < 0 ? x : web_no_content(r);
}

const struct web_route api_keys[] = {
	{"GET", "/v1/keys", SUT_ROLE_KEYS | SUT_ROLE_AUDITOR, 0, list, NULL, NULL, NULL},
	{"POST", "/v1/keys", SUT_ROLE_KEYS, WEB_WRITE | WEB_SECRET, create, NULL, NULL, NULL},
	{"GET", "/v1/keys/{key}", SUT_ROLE_KEYS | SUT_ROLE_AUDITOR, 0, get, NULL, NULL, NULL},
	{"PATCH", "/v1/keys/{key}", SUT_ROLE_KEYS, WEB_WRITE, change, NULL, NULL, NULL},
	{"DELETE", "/v1/keys/{key}", SUT_ROLE_KEYS, WEB_WRITE, remove_key, NULL, NULL, NULL},
	{"POST", "/v1/keys/{key}/revoke", SUT_ROLE_KEYS, WEB_WRITE, revoke_key, NULL, NULL, NULL},
	{0},
};
