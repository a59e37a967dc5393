// SPDX-License-Identifier: Apache-2.0
/* API tokens: some of a user's roles for a program, for a limited time. */
#include <errno.h>
#include <string.h>

#include "account/accounts.h"
#include "account/account.h"
#include "web/server.h"

enum {
	DAY_SEC = 24 * 60 * 60,
	EXPIRES_DEFAULT_DAYS = 90,
	EXPIRES_MAX_DAYS = 400,
	TOKENS_MAX = 200, /* of a user */
};

#define COLUMNS "k.id, k.uid, k.name, u.name, k.hint, k.roles, k.created, k.expires, k.last_used"

enum { /* of COLUMNS */
       C_ID,
       C_UID,
       C_NAME,
       C_USER,
       C_HINT,
       C_ROLES,
       C_CREATED,
       C_EXPIRES,
       C_LAST_USED,
};

static json_t *token_json(const struct sut_db_rows *row)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "id", sut_db_text(row, C_UID),
			 "name", sut_db_text(row, C_NAME), "user", sut_db_text(row, C_USER), "hint",
			 sut_db_text(row, C_HINT), "roles",
			 account_roles_json(account_roles_of(sut_db_text(row, C_ROLES))), "created",
			 web_time(sut_db_int(row, C_CREATED)), "expires",
			 web_time(sut_db_int(row, C_EXPIRES)), "last_used",
			 web_time(sut_db_int(row, C_LAST_USED)));
}

/* Whose tokens the caller sees: 0 (all of the tenant) or his own. */
static int64_t whose(const struct web_req *q, unsigned int all)
{
	return account_roles_wide(q->who.roles) & all ? 0 : q->who.user;
}

static int find(struct web_req *q, struct web_resp *r, unsigned int all, struct sut_db_rows **ret,
		struct sut_err *err)
{
	int k = sut_db_one(q->db,
			   "SELECT " COLUMNS " FROM tokens k JOIN users u ON u.id = k.user_id "
			   "WHERE k.tenant = $1 AND k.kind = 'api' AND k.uid = $2 AND "
			   "(k.user_id = $3 OR $3 = 0)",
			   SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(q->params[0]),
				       SUT_DB_I(whose(q, all))),
			   ret, err);

	if (k == 0)
		(void)web_not_found(r, "token", q->params[0]);
	return k;
}

static int token_get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = find(q, r, SUT_ROLE_ADMIN | SUT_ROLE_AUDITOR, &row, err);

	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	return web_json(r, 200, token_json(row), err);
}

static int token_list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const struct web_list list = {
		"SELECT " COLUMNS " FROM tokens k JOIN users u ON u.id = k.user_id "
		"WHERE k.tenant = $1 AND k.kind = 'api' AND (k.user_id = $2 OR $2 = 0) AND "
		"k.id > $3 ORDER BY k.id LIMIT $4",
		C_ID, WEB_OLDEST_FIRST, token_json};

	return web_list(q, r, &list,
			SUT_DB_ARGS(SUT_DB_I(q->who.tenant),
				    SUT_DB_I(whose(q, SUT_ROLE_ADMIN | SUT_ROLE_AUDITOR))),
			err);
}

/* --- POST /v1/tokens --- */

struct wanted {
	const char *name, *user;
	json_t *roles;
	bool roles_given, expires_given;
	int64_t expires; /* 0: never */
	/* the owner */
	int64_t user_id, tenant;
	unsigned int user_roles;
};

static int create_take(struct web_req *q, struct web_resp *r, struct wanted *w)
{
	const struct web_field fields[] = {
		{"name", WEB_T_STRING, WEB_REQUIRED, 1, WEB_NAME_MAX, &w->name},
		{"roles", WEB_T_ARRAY, 0, 0, 6, &w->roles, &w->roles_given},
		{"expires", WEB_T_TIME, WEB_NULLABLE, 0, 0, &w->expires, &w->expires_given},
		{"user", WEB_T_STRING, 0, 1, WEB_NAME_MAX, &w->user},
	};

	return WEB_TAKE(q, r, fields);
}

/* Whose token it will be. 0, or what to return. */
static int owner(struct web_req *q, struct web_resp *r, struct wanted *w, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k;

	if (!w->user || strcmp(w->user, q->who.name) == 0)
		k = sut_db_one(q->db, "SELECT id, tenant, roles, staff FROM users WHERE id = $1",
			       SUT_DB_ARGS(SUT_DB_I(q->who.user)), &row, err);
	else if (!(q->who.roles & SUT_ROLE_ADMIN))
		return web_problem(
			r, 403, "forbidden",
			"Only an admin makes tokens for others. Leave out \"user\" to make "
			"one for yourself.");
	else
		k = sut_db_one(q->db,
			       "SELECT id, tenant, roles, staff FROM users WHERE tenant = $1 AND "
			       "(uid = $2 OR name = $2) "
			       "ORDER BY CASE WHEN uid = $2 THEN 0 ELSE 1 END LIMIT 1",
			       SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(w->user)), &row, err);
	if (k < 0)
		return k;
	if (!row)
		return web_bad_field(r, "/user", "there is no user of this name or id");
	if (sut_db_int(row, 3) && !q->who.staff)
		return web_problem(r, 403, "staff-only",
				   "Only staff of the operator of this %s may make tokens for "
				   "staff.",
				   q->server->program->noun);
	w->user_id = sut_db_int(row, 0);
	w->tenant = sut_db_int(row, 1);
	w->user_roles = account_roles_of(sut_db_text(row, 2));
	return 0;
}

/* A token that could make one which outlives it could live for ever. */
static int expiry(struct web_req *q, struct web_resp *r, struct wanted *w, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	bool never;
	int k;

	k = sut_db_one(q->db, "SELECT expires FROM tokens WHERE id = $1 AND kind = 'api'",
		       SUT_DB_ARGS(SUT_DB_I(q->who.token)), &row, err);
	if (k < 0)
		return k;
	if (!w->expires_given) {
		w->expires = q->now + EXPIRES_DEFAULT_DAYS * (int64_t)DAY_SEC;
		if (row && !sut_db_is_null(row, 0) && w->expires > sut_db_int(row, 0))
			w->expires = sut_db_int(row, 0);
		return 0;
	}
	never = w->expires == 0;
	if (!never && w->expires <= q->now)
		return web_bad_field(r, "/expires", "this is in the past");
	if (!q->who.staff && (never || w->expires > q->now + EXPIRES_MAX_DAYS * (int64_t)DAY_SEC))
		return web_bad_field(r, "/expires", "at most 400 days from now");
	if (row && !sut_db_is_null(row, 0) && (never || w->expires > sut_db_int(row, 0)))
		return web_bad_field(r, "/expires",
				     "a token cannot make one that outlives it; log in instead");
	return 0;
}

static int too_many(struct web_req *q, struct web_resp *r, const struct wanted *w,
		    struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = sut_db_one(q->db,
			   "SELECT COUNT(*) FROM tokens WHERE tenant = $1 AND user_id = $2 AND "
			   "kind = 'api'",
			   SUT_DB_ARGS(SUT_DB_I(w->tenant), SUT_DB_I(w->user_id)), &row, err);

	if (k < 0)
		return k;
	if (row && sut_db_int(row, 0) >= TOKENS_MAX)
		return web_problem(
			r, 409, "too-many",
			"This user has %d tokens, which is as many as there may be. Revoke "
			"those that are not used.",
			TOKENS_MAX);
	return 0;
}

static int token_create(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	char token[SUT_TOKEN_MAX], uid[SUT_UID_LEN + 1], hint[16], text[96];
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	uint8_t hash[SUT_TOKEN_HASH];
	struct wanted w = {0};
	unsigned int roles = 0;
	json_t *answer;
	int k = create_take(q, r, &w);

	if (k == 0)
		k = owner(q, r, &w, err);
	if (k == 0)
		k = expiry(q, r, &w, err);
	if (k == 0)
		k = too_many(q, r, &w, err);
	if (k == 0 && w.roles_given)
		k = account_roles_take(r, w.roles, "/roles", &roles);
	if (k)
		return k;
	/* Left out: what user and caller both have, in their own words: "admin" stays "admin". */
	if (!w.roles_given)
		roles = (w.user_roles & SUT_ROLE_ADMIN)
				? q->who.roles
				: w.user_roles & account_roles_wide(q->who.roles);
	if (!roles)
		return web_bad_field(r, "/roles", "give at least one role");
	if (roles & ~account_roles_wide(w.user_roles))
		return web_bad_field(r, "/roles", "a token has only roles that its user has");
	k = account_roles_may_give(q, r, roles);
	if (k)
		return k;
	k = sut_token_make(SUT_TOKEN_API, token, err);
	if (k == 0)
		k = sut_uid_make(uid, err);
	if (k < 0)
		return k;
	sut_token_hash(token, hash);
	sut_token_hint(token, hint);
	sut_roles_format(roles, text);
	k = sut_db_exec(
		q->db,
		"INSERT INTO tokens (uid, tenant, user_id, kind, name, hash, hint, roles, created, "
		"expires) VALUES ($1, $2, $3, 'api', $4, $5, $6, $7, $8, $9)",
		SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(w.tenant), SUT_DB_I(w.user_id),
			    SUT_DB_T(w.name), SUT_DB_B(hash, sizeof(hash)), SUT_DB_T(hint),
			    SUT_DB_T(text), SUT_DB_I(q->now), SUT_DB_I_IF(w.expires, w.expires)),
		NULL, err);
	if (k == 0)
		k = sut_db_one(q->db,
			       "SELECT " COLUMNS " FROM tokens k JOIN users u ON u.id = k.user_id "
			       "WHERE k.tenant = $1 AND k.uid = $2",
			       SUT_DB_ARGS(SUT_DB_I(w.tenant), SUT_DB_T(uid)), &row, err);
	if (k == 1)
		k = web_audit(q, "token.create", "token", uid,
			      json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", w.name, "user",
					sut_db_text(row, C_USER), "hint", hint, "roles", text,
					"expires", web_time(w.expires)),
			      err);
	if (k < 0)
		return k;
	answer = token_json(row);
	if (answer && json_object_set_new(answer, "token", json_string(token))) {
		json_decref(answer);
		answer = NULL;
	}
	explicit_bzero(token, sizeof(token));
	return web_created(r, answer, err, "/v1/tokens/%s", uid);
}

static int token_delete(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = find(q, r, SUT_ROLE_ADMIN, &row, err);

	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	k = sut_db_exec(q->db, "DELETE FROM tokens WHERE tenant = $1 AND id = $2",
			SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(sut_db_int(row, C_ID))), NULL,
			err);
	if (k == 0)
		k = web_audit(q, "token.delete", "token", sut_db_text(row, C_UID),
			      json_pack("{s:s, s:s}", "name", sut_db_text(row, C_NAME), "user",
					sut_db_text(row, C_USER)),
			      err);
	return k < 0 ? k : web_no_content(r);
}

const struct web_route account_tokens[] = {
	{"GET", "/v1/tokens", WEB_ANY_USER, 0, token_list},
	{"POST", "/v1/tokens", WEB_ANY_USER, WEB_WRITE | WEB_SECRET, token_create},
	{"GET", "/v1/tokens/{token}", WEB_ANY_USER, 0, token_get},
	{"DELETE", "/v1/tokens/{token}", WEB_ANY_USER, WEB_WRITE, token_delete},
	{0},
};
