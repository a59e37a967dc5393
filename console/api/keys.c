// SPDX-License-Identifier: Apache-2.0
/* /v1/keys: registration keys, made at the portal and kept here too. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "base/secret.h"
#include "base/str.h"
#include "link/keys.h"
#include "link/relay.h"

static void answer_free(void *data)
{
	link_answer_release(data);
	free(data);
}

/* Asks the portal; its answer is q->prepared. */
static int ask(struct web_req *q, struct web_resp *r, const struct link_call *call,
	       struct sut_err *err)
{
	_cleanup_link_ struct link l = {0};
	int x = relay_link(q, r, &l, err);

	if (x)
		return x;
	q->prepared = calloc(1, sizeof(struct link_answer));
	if (!q->prepared)
		return sut_err_oom(err);
	return relay(q, r, &l, call, q->prepared, err);
}

/* --- POST /v1/keys --- */

/* Types only: the portal says what the values may be. */
static int take(struct web_req *q, struct web_resp *r)
{
	const char *s;
	int64_t i;
	json_t *j;
	const struct web_field fields[] = {
		{"kind", WEB_T_STRING, 0, 0, 16, &s, NULL},
		{"note", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, &s, NULL},
		{"customer_id", WEB_T_STRING, 0, 0, 128, &s, NULL},
		{"max_systems", WEB_T_INT, WEB_NULLABLE, 0, INT32_MAX, &i, NULL},
		{"limit_kind", WEB_T_STRING, 0, 0, 16, &s, NULL},
		{"feed", WEB_T_NAME, 0, 0, 0, &s, NULL},
		{"products", WEB_T_ARRAY, 0, 0, 8, &j, NULL},
		{"expires", WEB_T_TIME, WEB_NULLABLE, 0, 0, &i, NULL},
	};

	return WEB_TAKE(q, r, fields);
}

static int create_prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	char key[RELAY_KEY_MAX];
	const struct link_call call = {
		.method = "POST", .path = "/v1/keys", .body = q->body, .idempotency = key};
	int x = take(q, r);

	if (x)
		return x;
	relay_key(q, "", key);
	return ask(q, r, &call, err);
}

static int row_of(struct web_req *q, const char *uid, struct sut_db_rows **ret, struct sut_err *err)
{
	return sut_db_one(q->db, LINK_KEY_SELECT " WHERE tenant = $1 AND uid = $2",
			  SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(uid)), ret, err);
}

static int create(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const struct link_answer *a = q->prepared;
	const char *uid = json_string_value(json_object_get(a->json, "id"));
	const char *secret = json_string_value(json_object_get(a->json, "key"));
	const char *command = json_string_value(json_object_get(a->json, "install_command"));
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	json_t *j;
	int x = uid ? link_key_keep(q, a->json, secret, err)
		    : sut_err_set(err, EBADMSG, "the portal made a key without a name");

	if (!x)
		x = row_of(q, uid, &rows, err);
	if (x <= 0)
		return x < 0 ? x : sut_err_set(err, EIO, "the new key is not there");
	j = link_key_json(rows);
	if (!j || (secret && json_object_set_new(j, "key", json_string(secret))) ||
	    json_object_set_new(j, "install_command",
				command ? json_string(command) : json_null())) {
		json_decref(j);
		return sut_err_oom(err);
	}
	x = web_audit(
		q, "key.create", "key", uid,
		json_pack("{s:s, s:s}", "kind", sut_db_text(rows, 2), "feed", sut_db_text(rows, 5)),
		err);
	if (x < 0) {
		json_decref(j);
		return x;
	}
	web_version(r, sut_db_int(rows, 15));
	return web_created(r, j, err, "/v1/keys/%s", uid);
}

/* --- reading --- */

static int list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const struct web_list list = {
		LINK_KEY_SELECT " WHERE tenant = $1 AND id < $2 ORDER BY id DESC LIMIT $3", 0,
		WEB_NEWEST_FIRST, link_key_json};

	return web_list(q, r, &list, SUT_DB_ARGS(SUT_DB_I(q->who.tenant)), err);
}

static int show(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = row_of(q, q->params[0], &rows, err);

	if (x <= 0)
		return x < 0 ? x : web_not_found(r, "key", q->params[0]);
	web_version(r, sut_db_int(rows, 15));
	return web_json(r, 200, link_key_json(rows), err);
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const none[] = {NULL};
	int x = web_only_args(q, r, none);

	return x ? x : show(q, r, err);
}

/* --- POST /v1/keys/{key}/revoke --- */

static int revoke_prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("/v1/keys/%s/revoke", q->params[0]);
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	const struct link_call call = {.method = "POST", .path = path};
	int x = sut_uid_ok(q->params[0]) ? row_of(q, q->params[0], &rows, err) : 0;

	if (x <= 0)
		return x < 0 ? x : web_not_found(r, "key", q->params[0]);
	return path ? ask(q, r, &call, err) : sut_err_oom(err);
}

static int revoke_key(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const struct web_field none[] = {{0}};
	int64_t n = 0;
	int x = web_take(q, r, none, 0);

	if (x)
		return x;
	x = sut_db_exec(
		q->db,
		"UPDATE keys SET revoked = $3, version = version + 1"
		" WHERE tenant = $1 AND uid = $2 AND revoked IS NULL",
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(q->params[0]), SUT_DB_I(q->now)), &n,
		err);
	if (x == 0 && n)
		x = web_audit(q, "key.revoke", "key", q->params[0], NULL, err);
	return x < 0 ? x : show(q, r, err);
}

enum { KEY_READERS = SUT_ROLE_KEYS | SUT_ROLE_AUDITOR };

const struct web_route api_keys[] = {
	{"GET", "/v1/keys", KEY_READERS, 0, list, NULL, NULL, NULL},
	{"POST", "/v1/keys", SUT_ROLE_KEYS, WEB_WRITE | WEB_SECRET, create, create_prepare,
	 answer_free, NULL},
	{"GET", "/v1/keys/{key}", KEY_READERS, 0, get, NULL, NULL, NULL},
	{"POST", "/v1/keys/{key}/revoke", SUT_ROLE_KEYS, WEB_WRITE, revoke_key, revoke_prepare,
	 answer_free, NULL},
	{0},
};
