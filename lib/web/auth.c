// SPDX-License-Identifier: Apache-2.0
/* Who asks, and whether he may. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "web/server.h"
#include "web/token_use.h"
#include "web/job.h"

int web_challenge(struct web_resp *r)
{
	/* Without memory for it the 401 goes without. */
	(void)!web_add_header(r, "WWW-Authenticate: Bearer realm=\"suture\"");
	return WEB_NO;
}

void web_who_name(char at[static WEB_NAME_MAX + 1], const char *name)
{
	snprintf(at, WEB_NAME_MAX + 1, "%s", name ? name : "");
}

/* --- people and their programs --- */

struct account {
	struct web_who who;
	bool user_disabled, tenant_disabled;
	int64_t expires, last_used;
};

static int load_account(struct web_job *j, const uint8_t *hash, struct account *a,
			struct sut_err *err)
{
	static const char sql[] =
		"SELECT t.id, t.user_id, t.kind, t.roles, t.expires, t.last_used, u.name, u.roles,"
		" u.staff, u.disabled, u.must_change, u.tenant, n.name, n.disabled"
		" FROM tokens t JOIN users u ON u.id = t.user_id JOIN tenants n ON n.id = u.tenant"
		" WHERE t.hash = $1";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	unsigned int of_token, of_user;
	int rc = sut_db_one(j->q.db, sql, SUT_DB_ARGS(SUT_DB_B(hash, SUT_TOKEN_HASH)), &rows, err);

	if (rc <= 0)
		return rc;
	*a = (struct account){
		.who = {.kind = WEB_USER,
			.token = sut_db_int(rows, 0),
			.user = sut_db_int(rows, 1),
			.staff = sut_db_int(rows, 8) != 0,
			.must_change = sut_db_int(rows, 10) != 0 &&
				       sut_streq(sut_db_text(rows, 2), "session"),
			.tenant = sut_db_int(rows, 11)},
		.user_disabled = !sut_db_is_null(rows, 9),
		.tenant_disabled = !sut_db_is_null(rows, 13),
		.expires = sut_db_is_null(rows, 4) ? INT64_MAX : sut_db_int(rows, 4),
		.last_used = sut_db_int(rows, 5),
	};
	web_who_name(a->who.name, sut_db_text(rows, 6));
	web_who_name(a->who.tenant_name, sut_db_text(rows, 12));
	rc = sut_roles_parse(sut_db_text(rows, 3), &of_token, err);
	if (rc == 0)
		rc = sut_roles_parse(sut_db_text(rows, 7), &of_user, err);
	if (rc < 0)
		return sut_err_prefix(err, "the roles of the user '%s'", a->who.name), -EIO;
	a->who.roles = of_token & of_user;
	/* An administrator has all roles; a token with less of them has just these. */
	if (of_user & SUT_ROLE_ADMIN)
		a->who.roles = of_token;
	return 1;
}

/* Staff act in the tenant they name. */
static int choose_tenant(struct web_job *j, struct account *a, struct sut_err *err)
{
	static const char sql[] = "SELECT id, name FROM tenants WHERE name = $1";
	const char *name = web_header(&j->q, "Suture-Tenant");
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int rc;

	if (!name || !strcmp(name, a->who.tenant_name))
		return 0;
	if (!a->who.staff)
		return web_problem(&j->r, 403, "staff-only",
				   "Only the staff of this %s may act in another tenant. Leave "
				   "the header Suture-Tenant out",
				   j->q.server->program->noun);
	rc = sut_db_one(j->q.db, sql, SUT_DB_ARGS(SUT_DB_T(name)), &rows, err);
	if (rc == 0)
		return web_not_found(&j->r, "tenant", name);
	if (rc < 0)
		return rc == -EILSEQ ? web_not_found(&j->r, "tenant", name) : rc;
	a->who.tenant = sut_db_int(rows, 0);
	web_who_name(a->who.tenant_name, sut_db_text(rows, 1));
	return 0;
}

static int authenticate_account(struct web_job *j, const uint8_t *hash, struct sut_err *err)
{
	struct account a;
	int rc = load_account(j, hash, &a, err);

	if (rc < 0)
		return rc;
	if (rc == 0) {
		web_problem(&j->r, 401, "token-unknown",
			    "This token is not known, or was revoked. Log in, or make a new one");
		return web_challenge(&j->r);
	}
	if (a.expires <= j->q.now) {
		web_problem(&j->r, 401, "token-expired",
			    "This token has expired. Log in, or make a new one");
		return web_challenge(&j->r);
	}
	if (a.user_disabled)
		return web_problem(&j->r, 403, "user-disabled",
				   "The user '%s' is disabled. An administrator can enable him",
				   a.who.name);
	if (a.tenant_disabled)
		return web_problem(&j->r, 403, "tenant-disabled",
				   "The tenant '%s' is disabled. Ask the operator of this %s",
				   a.who.tenant_name, j->q.server->program->noun);
	if (a.who.must_change && !(j->q.route->flags & WEB_MUST_CHANGE))
		return web_problem(&j->r, 403, "password-change-required",
				   "The password was given by somebody else. Change it first: POST "
				   "/v1/password");
	rc = choose_tenant(j, &a, err);
	if (rc != 0)
		return rc;
	if (j->q.now - a.last_used >= TOKEN_USE_EXACT_SEC) {
		/* With what it writes anyway, or by a task some time later. */
		if (j->q.route->flags & WEB_WRITE)
			j->token_used = a.who.token;
		else
			token_use_note(j->q.server->token_use, a.who.token, j->q.now);
	}
	j->q.who = a.who;
	return 0;
}

/* --- */

int web_authenticate(struct web_job *j, struct sut_err *err)
{
	enum sut_token_kind kind = j->authorization ? sut_token_kind(j->authorization) : 0;
	const struct server_program *program = j->q.server->program;
	bool public = j->q.route->allow & WEB_PUBLIC;
	uint8_t hash[SUT_TOKEN_HASH];

	j->q.who = (struct web_who){0};
	if (kind == SUT_TOKEN_SYSTEM && !public && program->authenticate_system) {
		sut_token_hash(j->authorization, hash);
		return program->authenticate_system(j, hash, err);
	}
	if (kind == SUT_TOKEN_API || kind == SUT_TOKEN_SESSION) {
		sut_token_hash(j->authorization, hash);
		return authenticate_account(j, hash, err);
	}
	/* Who calls a public route with something else calls it as nobody. */
	if (public)
		return 0;
	if (j->authorization)
		web_problem(&j->r, 401, "token-unknown",
			    "What the header Authorization holds is no token of this %s",
			    program->noun);
	else
		web_problem(&j->r, 401, "token-missing",
			    "This needs a token. Send it as: Authorization: Bearer TOKEN");
	return web_challenge(&j->r);
}

int web_authorize(struct web_job *j)
{
	const struct web_who *w = &j->q.who;
	const struct web_route *route = j->q.route;
	unsigned int roles = route->allow & SUT_ROLE_ALL;
	char names[96];

	if (w->kind == WEB_SYSTEM) {
		if (route->allow & WEB_AGENT)
			return 0;
		return web_problem(&j->r, 403, "users-only",
				   "A system may not do this. Use the token of a user");
	}
	if (w->kind == WEB_NOBODY && (route->allow & WEB_PUBLIC))
		return 0;
	if ((route->flags & WEB_STAFF) && !w->staff)
		return web_problem(&j->r, 403, "staff-only",
				   "Only the staff of this %s may do this",
				   j->q.server->program->noun);
	if (route->allow & (WEB_PUBLIC | WEB_ANY_USER))
		return 0;
	if (!roles)
		return web_problem(&j->r, 403, "systems-only",
				   "Only a registered system may do this, with its own credential");
	if (w->roles & (roles | SUT_ROLE_ADMIN))
		return 0;
	sut_roles_format(roles, names);
	return web_problem(
		&j->r, 403, "forbidden",
		"This needs one of the roles: %s. The token, or its user, has none of them", names);
}
