// SPDX-License-Identifier: Apache-2.0
/* Tenants: made, disabled and deleted by the operator's staff. */
#include <errno.h>
#include <string.h>

#include "account/accounts.h"
#include "account/account.h"
#include "account/users.h"
#include "web/server.h"

#define COLUMNS "id, name, title, created, disabled, version"

enum { C_ID, C_NAME, C_TITLE, C_CREATED, C_DISABLED, C_VERSION }; /* of COLUMNS */

static json_t *tenant_json(const struct sut_db_rows *row)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:I}", "name", sut_db_text(row, C_NAME), "title",
			 sut_db_text(row, C_TITLE), "created", web_time(sut_db_int(row, C_CREATED)),
			 "disabled", web_time(sut_db_int(row, C_DISABLED)), "version",
			 (json_int_t)sut_db_int(row, C_VERSION));
}

static int find(struct web_req *q, struct web_resp *r, struct sut_db_rows **ret,
		struct sut_err *err)
{
	int k = sut_db_one(q->db, "SELECT " COLUMNS " FROM tenants WHERE name = $1",
			   SUT_DB_ARGS(SUT_DB_T(q->params[0])), ret, err);

	if (k == 0)
		(void)web_not_found(r, "tenant", q->params[0]);
	return k;
}

static int tenant_get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = find(q, r, &row, err);

	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	web_version(r, sut_db_int(row, C_VERSION));
	return web_json(r, 200, tenant_json(row), err);
}

static int tenant_list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const struct web_list list = {"SELECT " COLUMNS
					     " FROM tenants WHERE id > $1 ORDER BY id LIMIT $2",
					     C_ID, WEB_OLDEST_FIRST, tenant_json};

	return web_list(q, r, &list, SUT_DB_NONE, err);
}

/* --- POST /v1/tenants --- */

static int create_take(struct web_req *q, struct web_resp *r, const char **name, const char **title,
		       const char **admin)
{
	const struct web_field fields[] = {
		{"name", WEB_T_NAME, WEB_REQUIRED, 0, 0, name},
		{"title", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, title},
		{"admin", WEB_T_NAME, 0, 0, 0, admin},
	};

	return WEB_TAKE(q, r, fields);
}

static int create_prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const char *name = NULL, *title = NULL, *admin = NULL;
	struct account_once *once = NULL;
	int k = create_take(q, r, &name, &title, &admin);

	if (k == 0 && admin)
		k = account_once_make(&once, err);
	q->prepared = once;
	return k;
}

static int create_run(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	const char *name = NULL, *title = "", *admin = NULL;
	json_t *answer, *user = NULL;
	int k = create_take(q, r, &name, &title, &admin);

	if (k)
		return k;
	k = sut_db_one(q->db,
		       "INSERT INTO tenants (name, title, created) VALUES ($1, $2, $3) "
		       "RETURNING " COLUMNS,
		       SUT_DB_ARGS(SUT_DB_T(name), SUT_DB_T(title), SUT_DB_I(q->now)), &row, err);
	if (k == -EEXIST)
		return web_problem(r, 409, "exists",
				   "There is a tenant \"%s\" already; choose another name.", name);
	if (k == 1)
		k = web_audit(q, "tenant.create", "tenant", name, NULL, err);
	if (k == 0 && admin) {
		const struct account_user_new u = {
			.tenant = sut_db_int(row, C_ID),
			.name = admin,
			.title = "",
			.roles = SUT_ROLE_ADMIN,
			.once = q->prepared,
		};

		k = account_user_make(q, r, &u, &user, err);
	}
	if (k)
		return k;
	web_version(r, sut_db_int(row, C_VERSION));
	answer = tenant_json(row);
	if (answer && user && json_object_set(answer, "admin", user)) {
		json_decref(answer);
		answer = NULL;
	}
	json_decref(user);
	return web_created(r, answer, err, "/v1/tenants/%s", name);
}

/* --- PATCH, DELETE --- */

/* Staff would lock themselves out. 0, or 409. */
static int no_staff(struct web_req *q, struct web_resp *r, const struct sut_db_rows *row,
		    struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *n = NULL;
	int k = sut_db_one(q->db, "SELECT COUNT(*) FROM users WHERE tenant = $1 AND staff = 1",
			   SUT_DB_ARGS(SUT_DB_I(sut_db_int(row, C_ID))), &n, err);

	if (k < 0)
		return k;
	if (n && sut_db_int(n, 0) == 0)
		return 0;
	return web_problem(
		r, 409, "has-staff",
		"Staff of the operator of this %s belong to \"%s\", so it can be neither "
		"disabled nor deleted.",
		q->server->program->noun, sut_db_text(row, C_NAME));
}

static int tenant_change(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL, *fresh = NULL;
	bool title_given = false, off_given = false, off = false;
	const char *title = NULL;
	json_t *detail;
	int64_t disabled;
	const struct web_field fields[] = {
		{"title", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, &title, &title_given},
		{"disabled", WEB_T_BOOL, 0, 0, 0, &off, &off_given},
	};
	int k = WEB_TAKE(q, r, fields);

	if (k)
		return k;
	k = find(q, r, &row, err);
	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	k = web_if_match(q, r, sut_db_int(row, C_VERSION));
	if (k == 0 && off)
		k = no_staff(q, r, row, err);
	if (k)
		return k;
	disabled = sut_db_int(row, C_DISABLED);
	if (off_given)
		disabled = !off ? 0 : disabled ? disabled : q->now;
	k = sut_db_one(q->db,
		       "UPDATE tenants SET title = $2, disabled = $3, version = version + 1 "
		       "WHERE id = $1 AND version = $4 RETURNING " COLUMNS,
		       SUT_DB_ARGS(SUT_DB_I(sut_db_int(row, C_ID)),
				   SUT_DB_T(title_given ? title : sut_db_text(row, C_TITLE)),
				   SUT_DB_I_IF(disabled, disabled),
				   SUT_DB_I(sut_db_int(row, C_VERSION))),
		       &fresh, err);
	if (k == 0)
		return sut_err_set(err, EAGAIN, "the tenant was changed at the same time");
	if (k < 0)
		return k;
	detail = json_object();
	if (title_given)
		(void)json_object_set_new(detail, "title", json_string(title));
	if (off_given)
		(void)json_object_set_new(detail, "disabled", json_boolean(off));
	k = web_audit(q, "tenant.change", "tenant", sut_db_text(row, C_NAME), detail, err);
	if (k < 0)
		return k;
	web_version(r, sut_db_int(fresh, C_VERSION));
	return web_json(r, 200, tenant_json(fresh), err);
}

/* Users, their tokens and webhooks go with the tenant; whether the rest may, the program knows. */
static int tenant_delete(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const purge[] = {
		"DELETE FROM tokens WHERE tenant = $1",
		"DELETE FROM users WHERE tenant = $1",
		"DELETE FROM webhooks WHERE tenant = $1",
		"DELETE FROM tenants WHERE id = $1",
	};
	const struct server_program *program = q->server->program;
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = find(q, r, &row, err);

	if (k <= 0)
		return k < 0 ? k : WEB_NO;
	k = web_if_match(q, r, sut_db_int(row, C_VERSION));
	if (k == 0)
		k = no_staff(q, r, row, err);
	if (k == 0 && program->tenant_delete)
		k = program->tenant_delete(q, r, sut_db_int(row, C_ID), sut_db_text(row, C_NAME),
					   err);
	for (size_t i = 0; k == 0 && i < SUT_ARRAY_SIZE(purge); i++)
		k = sut_db_exec(q->db, purge[i], SUT_DB_ARGS(SUT_DB_I(sut_db_int(row, C_ID))), NULL,
				err);
	if (k == -EDOM) /* something came into it meanwhile, through another portal */
		return web_problem(r, 409, "not-empty",
				   "The tenant \"%s\" is in use. Try again, or disable it.",
				   sut_db_text(row, C_NAME));
	if (k == 0)
		k = web_audit(q, "tenant.delete", "tenant", sut_db_text(row, C_NAME), NULL, err);
	return k ? k : web_no_content(r);
}

const struct web_route account_tenants[] = {
	{"GET", "/v1/tenants", SUT_ROLE_ALL, WEB_STAFF, tenant_list},
	{"POST", "/v1/tenants", SUT_ROLE_ADMIN, WEB_STAFF | WEB_WRITE | WEB_SECRET, create_run,
	 create_prepare, account_once_free},
	{"GET", "/v1/tenants/{tenant}", SUT_ROLE_ALL, WEB_STAFF, tenant_get},
	{"PATCH", "/v1/tenants/{tenant}", SUT_ROLE_ADMIN, WEB_STAFF | WEB_WRITE, tenant_change},
	{"DELETE", "/v1/tenants/{tenant}", SUT_ROLE_ADMIN, WEB_STAFF | WEB_WRITE, tenant_delete},
	{0},
};
