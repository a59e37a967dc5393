// SPDX-License-Identifier: Apache-2.0
/* Users of a tenant. */
#include "account/users.h"

#include <errno.h>
#include <string.h>

#include "account/accounts.h"
#include "account/account.h"
#include "web/server.h"

#define COLUMNS                                                                                    \
	"id, uid, name, title, roles, staff, must_change, created, disabled, last_login, "         \
	"version, CASE WHEN password IS NULL THEN 1 ELSE 0 END"

enum { /* of COLUMNS */
       C_ID,
       C_UID,
       C_NAME,
       C_TITLE,
       C_ROLES,
       C_STAFF,
       C_MUST_CHANGE,
       C_CREATED,
       C_DISABLED,
       C_LAST_LOGIN,
       C_VERSION,
       C_SERVICE,
};

static json_t *user_json(const struct sut_db_rows *row)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:b, s:b, s:b, s:o, s:o, s:o, s:I}", "id",
			 sut_db_text(row, C_UID), "name", sut_db_text(row, C_NAME), "title",
			 sut_db_text(row, C_TITLE), "roles",
			 account_roles_json(account_roles_of(sut_db_text(row, C_ROLES))), "staff",
			 (int)sut_db_int(row, C_STAFF), "service", (int)sut_db_int(row, C_SERVICE),
			 "must_change", (int)sut_db_int(row, C_MUST_CHANGE), "created",
			 web_time(sut_db_int(row, C_CREATED)), "disabled",
			 web_time(sut_db_int(row, C_DISABLED)), "last_login",
			 web_time(sut_db_int(row, C_LAST_LOGIN)), "version",
			 (json_int_t)sut_db_int(row, C_VERSION));
}

/* {user} is an id or a name. 1: *ret is at the row; 0: answered with 404. */
static int find(struct web_req *q, struct web_resp *r, struct sut_db_rows **ret,
		struct sut_err *err)
{
	int k = sut_db_one(q->db,
			   "SELECT " COLUMNS " FROM users WHERE tenant = $1 AND "
			   "(uid = $2 OR name = $2) ORDER BY CASE WHEN uid = $2 THEN 0 ELSE 1 END "
			   "LIMIT 1",
			   SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_T(q->params[0])), ret, err);

	if (k == 0)
		(void)web_not_found(r, "user", q->params[0]);
	return k;
}

static int user_get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = find(q, r, &row, err);

	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	web_version(r, sut_db_int(row, C_VERSION));
	return web_json(r, 200, user_json(row), err);
}

static int user_list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const struct web_list list = {
		"SELECT " COLUMNS " FROM users WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT $3",
		C_ID, WEB_OLDEST_FIRST, user_json};

	return web_list(q, r, &list, SUT_DB_ARGS(SUT_DB_I(q->who.tenant)), err);
}

int account_once_make(struct account_once **ret, struct sut_err *err)
{
	struct account_once *once = calloc(1, sizeof(*once));
	int k;

	if (!once)
		return sut_err_oom(err);
	k = sut_password_make(once->password, err);
	if (k == 0)
		k = sut_password_hash(once->password, once->hash, err);
	if (k < 0) {
		account_once_free(once);
		return k;
	}
	*ret = once;
	return 0;
}

void account_once_free(void *once)
{
	if (once)
		explicit_bzero(once, sizeof(struct account_once));
	free(once);
}

int account_user_make(struct web_req *q, struct web_resp *r, const struct account_user_new *u,
		      json_t **ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	char uid[SUT_UID_LEN + 1], roles[96];
	json_t *user;
	int k = sut_uid_make(uid, err);

	if (k < 0)
		return k;
	sut_roles_format(u->roles, roles);
	k = sut_db_one(q->db,
		       "INSERT INTO users (uid, tenant, name, title, password, roles, staff, "
		       "must_change, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
		       "RETURNING " COLUMNS,
		       SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(u->tenant), SUT_DB_T(u->name),
				   SUT_DB_T(u->title), SUT_DB_T(u->once ? u->once->hash : NULL),
				   SUT_DB_T(roles), SUT_DB_I(u->staff), SUT_DB_I(u->once ? 1 : 0),
				   SUT_DB_I(q->now)),
		       &row, err);
	if (k == -EEXIST)
		return web_problem(r, 409, "exists",
				   "There is a user \"%s\" on this %s already; names are what one "
				   "logs in with, so choose another.",
				   u->name, q->server->program->noun);
	if (k < 0)
		return k;
	k = web_audit(q, "user.create", "user", u->name,
		      json_pack("{s:s, s:s, s:b, s:b}", "id", uid, "roles", roles, "staff",
				(int)u->staff, "service", u->once ? 0 : 1),
		      err);
	if (k < 0)
		return k;
	web_version(r, sut_db_int(row, C_VERSION));
	user = user_json(row);
	if (!user ||
	    (u->once && json_object_set_new(user, "password", json_string(u->once->password)))) {
		json_decref(user);
		return sut_err_oom(err);
	}
	*ret = user;
	return 0;
}

static int staff_only(const struct web_req *q, struct web_resp *r)
{
	return web_problem(r, 403, "staff-only",
			   "Only staff of the operator of this %s may make or change staff.",
			   q->server->program->noun);
}

/* --- POST /v1/users --- */

static int create_take(struct web_req *q, struct web_resp *r, struct account_user_new *u,
		       bool *service)
{
	json_t *roles = NULL;
	const struct web_field fields[] = {
		{"name", WEB_T_NAME, WEB_REQUIRED, 0, 0, &u->name},
		{"title", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, &u->title},
		{"roles", WEB_T_ARRAY, WEB_REQUIRED, 1, 6, &roles},
		{"staff", WEB_T_BOOL, 0, 0, 0, &u->staff},
		{"service", WEB_T_BOOL, 0, 0, 0, service},
	};
	int k = WEB_TAKE(q, r, fields);

	if (k == 0 && json_array_size(roles) == 0)
		return web_bad_field(r, "/roles", "give at least one role");
	return k ? k : account_roles_take(r, roles, "/roles", &u->roles);
}

static int create_prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct account_user_new u = {0};
	struct account_once *once = NULL;
	bool service = false;
	int k = create_take(q, r, &u, &service);

	if (k == 0 && !service)
		k = account_once_make(&once, err);
	q->prepared = once;
	return k;
}

static int create_run(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct account_user_new u = {.tenant = q->who.tenant, .title = "", .once = q->prepared};
	bool service = false;
	json_t *user = NULL;
	int k = create_take(q, r, &u, &service);

	if (k)
		return k;
	if (u.staff && !q->who.staff)
		return staff_only(q, r);
	k = account_roles_may_give(q, r, u.roles);
	if (k == 0)
		k = account_user_make(q, r, &u, &user, err);
	if (k)
		return k;
	return web_created(r, user, err, "/v1/users/%s",
			   json_string_value(json_object_get(user, "id")));
}

/* --- PATCH, DELETE, reset --- */

/* Finds the user and whether the caller may change him. 0: go on; else what to return. */
static int find_to_change(struct web_req *q, struct web_resp *r, struct sut_db_rows **ret,
			  struct sut_err *err)
{
	int k = find(q, r, ret, err);

	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	if (sut_db_int(*ret, C_STAFF) && !q->who.staff)
		return staff_only(q, r);
	return web_if_match(q, r, sut_db_int(*ret, C_VERSION));
}

static bool is_admin(const struct sut_db_rows *row)
{
	return (account_roles_of(sut_db_text(row, C_ROLES)) & SUT_ROLE_ADMIN) &&
	       sut_db_is_null(row, C_DISABLED);
}

/* Is there another to administer? For one who can log in, another who can: tokens of service accounts
 * expire. */
static int others(struct web_req *q, struct web_resp *r, const struct sut_db_rows *row, bool staff,
		  struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *n = NULL;
	int64_t id = sut_db_int(row, C_ID), service = sut_db_int(row, C_SERVICE);
	int k = staff ? sut_db_one(q->db,
				   "SELECT COUNT(*) FROM users WHERE staff = 1 AND id <> $1 AND "
				   "disabled IS NULL AND (password IS NOT NULL OR $2 = 1) AND "
				   "roles LIKE '%admin%'",
				   SUT_DB_ARGS(SUT_DB_I(id), SUT_DB_I(service)), &n, err)
		      : sut_db_one(q->db,
				   "SELECT COUNT(*) FROM users WHERE tenant = $3 AND id <> $1 AND "
				   "disabled IS NULL AND (password IS NOT NULL OR $2 = 1) AND "
				   "roles LIKE '%admin%'",
				   SUT_DB_ARGS(SUT_DB_I(id), SUT_DB_I(service),
					       SUT_DB_I(q->who.tenant)),
				   &n, err);

	if (k < 0)
		return k;
	if (n && sut_db_int(n, 0) > 0)
		return 0;
	return web_problem(r, 409, "last-admin",
			   "\"%s\" is the last admin of this %s%s%s. Make another one first.",
			   sut_db_text(row, C_NAME), staff ? q->server->program->noun : "tenant",
			   staff ? "'s staff" : "", service ? "" : " who can log in");
}

/* 0 when the tenant and the staff keep an admin without this one. */
static int keeps_admin(struct web_req *q, struct web_resp *r, const struct sut_db_rows *row,
		       struct sut_err *err)
{
	int k;

	if (!is_admin(row))
		return 0;
	/* Two admins who remove each other through two processes: the second waits here for the first. */
	k = sut_db_exec(q->db, "UPDATE tenants SET version = version WHERE id = $1 OR $2 = 1",
			SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(sut_db_int(row, C_STAFF))),
			NULL, err);
	if (k == 0)
		k = others(q, r, row, false, err);
	if (k == 0 && sut_db_int(row, C_STAFF))
		k = others(q, r, row, true, err);
	return k;
}

static int end_sessions(struct web_req *q, int64_t user, struct sut_err *err)
{
	return sut_db_exec(
		q->db, "DELETE FROM tokens WHERE user_id = $1 AND tenant = $2 AND kind = 'session'",
		SUT_DB_ARGS(SUT_DB_I(user), SUT_DB_I(q->who.tenant)), NULL, err);
}

static int user_change(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL, *fresh = NULL;
	bool title_given = false, roles_given = false, off_given = false, off = false;
	const char *title = NULL;
	json_t *list = NULL, *detail;
	unsigned int roles = 0;
	char text[96];
	int64_t id, disabled;
	const struct web_field fields[] = {
		{"title", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, &title, &title_given},
		{"roles", WEB_T_ARRAY, 0, 0, 6, &list, &roles_given},
		{"disabled", WEB_T_BOOL, 0, 0, 0, &off, &off_given},
	};
	int k = WEB_TAKE(q, r, fields);

	if (k == 0 && roles_given)
		k = account_roles_take(r, list, "/roles", &roles);
	if (k == 0)
		k = find_to_change(q, r, &row, err);
	if (k)
		return k;
	id = sut_db_int(row, C_ID);
	disabled = sut_db_int(row, C_DISABLED);
	if (off_given)
		disabled = !off ? 0 : disabled ? disabled : q->now;
	if (roles_given) {
		/* Those he has already are not given now. */
		k = account_roles_may_give(q, r,
					   roles & ~account_roles_of(sut_db_text(row, C_ROLES)));
		if (k)
			return k;
	} else {
		roles = account_roles_of(sut_db_text(row, C_ROLES));
	}
	if (disabled || !(roles & SUT_ROLE_ADMIN))
		k = keeps_admin(q, r, row, err);
	if (k)
		return k;
	sut_roles_format(roles, text);
	k = sut_db_one(q->db,
		       "UPDATE users SET title = $3, roles = $4, disabled = $5, "
		       "version = version + 1 WHERE tenant = $1 AND id = $2 AND version = $6 "
		       "RETURNING " COLUMNS,
		       SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(id),
				   SUT_DB_T(title_given ? title : sut_db_text(row, C_TITLE)),
				   SUT_DB_T(text), SUT_DB_I_IF(disabled, disabled),
				   SUT_DB_I(sut_db_int(row, C_VERSION))),
		       &fresh, err);
	if (k == 0) /* nobody is enabled again by a new title */
		return sut_err_set(err, EAGAIN, "the user was changed at the same time");
	if (k < 0)
		return k;
	if (disabled)
		k = end_sessions(q, id, err);
	else
		/* A login has what its user has now; API tokens keep the part they were given. */
		k = sut_db_exec(
			q->db,
			"UPDATE tokens SET roles = $3 WHERE tenant = $1 AND user_id = $2 AND "
			"kind = 'session'",
			SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(id), SUT_DB_T(text)), NULL,
			err);
	if (k < 0)
		return k;
	detail = json_object();
	if (roles_given)
		(void)json_object_set_new(detail, "roles", json_string(text));
	if (off_given)
		(void)json_object_set_new(detail, "disabled", json_boolean(off));
	if (title_given)
		(void)json_object_set_new(detail, "title", json_string(title));
	k = web_audit(q, "user.change", "user", sut_db_text(row, C_NAME), detail, err);
	if (k < 0)
		return k;
	web_version(r, sut_db_int(fresh, C_VERSION));
	return web_json(r, 200, user_json(fresh), err);
}

static int user_delete(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = find_to_change(q, r, &row, err);

	if (k == 0)
		k = keeps_admin(q, r, row, err);
	if (k == 0) /* tokens go with the user */
		k = sut_db_exec(
			q->db, "DELETE FROM users WHERE tenant = $1 AND id = $2",
			SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(sut_db_int(row, C_ID))), NULL,
			err);
	if (k == 0)
		k = web_audit(q, "user.delete", "user", sut_db_text(row, C_NAME),
			      json_pack("{s:s}", "id", sut_db_text(row, C_UID)), err);
	return k ? k : web_no_content(r);
}

static int reset_prepare(struct web_req *q, struct web_resp *r _unused_, struct sut_err *err)
{
	struct account_once *once = NULL;
	int k = account_once_make(&once, err);

	q->prepared = once;
	return k;
}

static int reset_run(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	const struct account_once *once = q->prepared;
	struct account_throttle throttle;
	const char *name;
	int k = find_to_change(q, r, &row, err);

	if (k)
		return k;
	name = sut_db_text(row, C_NAME);
	if (sut_db_int(row, C_SERVICE))
		return web_problem(r, 409, "service-account",
				   "\"%s\" is a service account, which has no password; give it an "
				   "API token instead.",
				   name);
	k = sut_db_exec(q->db,
			"UPDATE users SET password = $3, must_change = 1, version = version + 1 "
			"WHERE tenant = $1 AND id = $2",
			SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(sut_db_int(row, C_ID)),
				    SUT_DB_T(once->hash)),
			NULL, err);
	if (k == 0)
		k = end_sessions(q, sut_db_int(row, C_ID), err);
	account_throttle_init(&throttle, name, true, q->peer);
	if (k == 0)
		k = account_throttle_cleared(q, &throttle, err);
	if (k == 0)
		k = web_audit(q, "password.reset", "user", name, NULL, err);
	if (k < 0)
		return k;
	return web_json(r, 200, json_pack("{s:s}", "password", once->password), err);
}

const struct web_route account_users[] = {
	{"GET", "/v1/users", SUT_ROLE_ADMIN | SUT_ROLE_AUDITOR, 0, user_list},
	{"POST", "/v1/users", SUT_ROLE_ADMIN, WEB_WRITE | WEB_SECRET, create_run, create_prepare,
	 account_once_free},
	{"GET", "/v1/users/{user}", SUT_ROLE_ADMIN | SUT_ROLE_AUDITOR, 0, user_get},
	{"PATCH", "/v1/users/{user}", SUT_ROLE_ADMIN, WEB_WRITE, user_change},
	{"DELETE", "/v1/users/{user}", SUT_ROLE_ADMIN, WEB_WRITE, user_delete},
	{"POST", "/v1/users/{user}/reset-password", SUT_ROLE_ADMIN, WEB_WRITE | WEB_SECRET,
	 reset_run, reset_prepare, account_once_free},
	{0},
};
