// SPDX-License-Identifier: Apache-2.0
/*
 * Logging in and out, who am I, and changing one's own password.
 *
 * The password is verified in `prepare`, outside the writer. What was read there is compared again in
 * the writer: many guesses at once all reach `prepare`, but only as many as the throttle allows get an answer
 * that tells whether they were right.
 */
#include <errno.h>
#include <string.h>

#include "auth/password.h"
#include "account/accounts.h"
#include "account/account.h"
#include "web/server.h"

enum { SESSION_SEC = 12 * 60 * 60 };

struct attempt {
	bool waits;			   /* the throttle said no: nothing was verified */
	bool known;			   /* there is such a user */
	bool right;			   /* the password was that of `hash` */
	int64_t user;			   /* row id */
	char hash[SUT_PASSWORD_HASH_MAX];  /* as it was in the database; "" when there is none */
	char fresh[SUT_PASSWORD_HASH_MAX]; /* to be stored from now on; "": leave it */
};

static void attempt_free(void *data)
{
	if (data)
		explicit_bzero(data, sizeof(struct attempt));
	free(data);
}

/*
 * Half of the readers at most verify passwords at a time, so that a flood of logins, from however many
 * addresses, leaves the other half to systems that check in. False: as many are at it.
 */
static bool hashing_begin(const struct web_req *q)
{
	unsigned int most = q->server->conf->readers / 2;

	if (atomic_fetch_add(&q->server->hashing, 1) < (most ? most : 1))
		return true;
	atomic_fetch_sub(&q->server->hashing, 1);
	return false;
}

static int verify(struct web_req *q, struct web_resp *r, const char *password, bool has_hash,
		  struct attempt *a, struct sut_err *err)
{
	bool weak = false;
	int k;

	if (!hashing_begin(q)) {
		k = web_problem(r, 503, "busy", "Too many log in at once. Try again in 1 s.");
		return sut_strv_add(&r->headers, "Retry-After: 1") < 0 ? sut_err_oom(err) : k;
	}
	k = sut_password_verify(password, has_hash ? a->hash : NULL, &weak, err);
	a->right = k > 0;
	if (a->right && weak)
		k = sut_password_hash(password, a->fresh, err);
	atomic_fetch_sub(&q->server->hashing, 1);
	return k < 0 ? k : 0;
}

/* Reads the user's hash and verifies. By name, or by row id when name is NULL. */
static int attempt_make(struct web_req *q, struct web_resp *r, const char *name,
			const char *password, struct attempt *a, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	struct account_throttle throttle;
	const char *hash = NULL;
	int64_t wait = 0;
	int k;

	k = name ? sut_db_one(q->db, "SELECT id, password, name FROM users WHERE name = $1",
			      SUT_DB_ARGS(SUT_DB_T(name)), &row, err)
		 : sut_db_one(q->db, "SELECT id, password, name FROM users WHERE id = $1",
			      SUT_DB_ARGS(SUT_DB_I(q->who.user)), &row, err);
	if (k < 0)
		return k;
	a->known = row;
	if (row) {
		a->user = sut_db_int(row, 0);
		hash = sut_db_text(row, 1);
		(void)snprintf(a->hash, sizeof(a->hash), "%s", hash ? hash : "");
		name = sut_db_text(row, 2);
	}
	account_throttle_init(&throttle, name ? name : "", a->known, q->peer);
	k = account_throttle_wait(q, &throttle, false, &wait, err);
	if (k < 0)
		return k;
	a->waits = wait > 0;
	return a->waits ? 0 : verify(q, r, password, hash, a, err);
}

/* --- POST /v1/sessions --- */

struct login {
	const char *user, *password;
	bool cookie; /* of a browser; only in programs with cookies */
};

static int login_take(struct web_req *q, struct web_resp *r, struct login *l)
{
	const struct web_field fields[] = {
		{"user", WEB_T_STRING, WEB_REQUIRED, 1, WEB_NAME_MAX, &l->user},
		{"password", WEB_T_STRING, WEB_REQUIRED, 1, SUT_PASSWORD_BYTES_MAX, &l->password},
		{"cookie", WEB_T_BOOL, 0, 0, 0, &l->cookie},
	};
	int k = web_take(q, r, fields, SUT_ARRAY_SIZE(fields) - !q->server->program->cookies);

	/* Nobody is logged in as somebody else by a page of others. */
	if (k == 0 && l->cookie && !web_same_site(q, true))
		return web_problem(r, 403, "csrf", "Only a page of this %s may log a browser in.",
				   q->server->program->noun);
	return k;
}

static int login_prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct login l = {0};
	struct attempt *a;
	int k = login_take(q, r, &l);

	if (k)
		return k;
	a = q->prepared = calloc(1, sizeof(*a));
	return a ? attempt_make(q, r, l.user, l.password, a, err) : sut_err_oom(err);
}

/* In the log of the tenant whose user it is; of the portal when there is none of that name. Who does not
 * get in is nobody. */
static int audit_as(struct web_req *q, int64_t tenant, const char *user, bool in,
		    struct sut_err *err)
{
	struct web_who was = q->who;
	int k;

	q->who = (struct web_who){.tenant = tenant};
	if (in) {
		q->who.kind = WEB_USER;
		(void)snprintf(q->who.name, sizeof(q->who.name), "%s", user);
	}
	/* What was typed as a name that nobody has may be a password: it is not written down. */
	k = web_audit(q, in ? "session.create" : "session.refuse", "user",
		      user ? user : "(unknown)", NULL, err);
	q->who = was;
	return k;
}

/* Of the statements that replace a password: only what is still the password is replaced, not one that
 * somebody has set meanwhile because the old one had got about. */
static int one_row(int k, int64_t n, struct sut_err *err)
{
	return k == 0 && n != 1
		       ? sut_err_set(err, EAGAIN, "the password was changed at the same time")
		       : k;
}

/* The same for everybody who does not get in. The failure is kept: 0, not WEB_NO. */
static int login_failed(struct web_req *q, struct web_resp *r,
			const struct account_throttle *throttle, int64_t tenant, const char *name,
			struct sut_err *err)
{
	int k = account_throttle_failed(q, throttle, err);

	if (k == 0)
		k = audit_as(q, tenant, name, false, err);
	if (k < 0)
		return k;
	(void)web_problem(
		r, 401, "wrong-credentials",
		"There is no such user with this password, or it is disabled. Check both; an "
		"admin can reset the password.");
	return sut_strv_add(&r->headers, "WWW-Authenticate: Bearer") < 0 ? sut_err_oom(err) : 0;
}

static int session_make(struct web_req *q, int64_t user, int64_t tenant, const char *roles,
			char token[static SUT_TOKEN_MAX], struct sut_err *err)
{
	char uid[SUT_UID_LEN + 1], hint[16];
	uint8_t hash[SUT_TOKEN_HASH];
	int k = sut_token_make(SUT_TOKEN_SESSION, token, err);

	if (k == 0)
		k = sut_uid_make(uid, err);
	if (k == 0)
		k = sut_db_exec(q->db,
				"DELETE FROM tokens WHERE user_id = $1 AND tenant = $2 AND "
				"kind = 'session' AND expires <= $3",
				SUT_DB_ARGS(SUT_DB_I(user), SUT_DB_I(tenant), SUT_DB_I(q->now)),
				NULL, err);
	if (k < 0)
		return k;
	sut_token_hash(token, hash);
	sut_token_hint(token, hint);
	return sut_db_exec(
		q->db,
		"INSERT INTO tokens (uid, tenant, user_id, kind, hash, hint, roles, created, expires) "
		"VALUES ($1, $2, $3, 'session', $4, $5, $6, $7, $8)",
		SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(tenant), SUT_DB_I(user),
			    SUT_DB_B(hash, sizeof(hash)), SUT_DB_T(hint), SUT_DB_T(roles),
			    SUT_DB_I(q->now), SUT_DB_I(q->now + SESSION_SEC)),
		NULL, err);
}

static int login_run(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	const struct attempt *a = q->prepared;
	struct account_throttle throttle;
	char token[SUT_TOKEN_MAX];
	struct login l = {0};
	const char *hash, *name = NULL, *roles;
	int64_t wait = 0, tenant = 0, n = 1;
	bool good;
	json_t *answer;
	int k = login_take(q, r, &l);

	if (k)
		return k;
	account_throttle_init(&throttle, l.user, a->known, q->peer);
	k = account_throttle_wait(q, &throttle, true, &wait, err);
	if (k < 0)
		return k;
	if (wait > 0 || a->waits)
		return account_throttle_problem(r, wait > 0 ? wait : 1, err);
	k = sut_db_one(
		q->db,
		"SELECT u.tenant, u.name, u.password, u.roles, u.staff, u.must_change, "
		"u.disabled, t.name, t.disabled FROM users u JOIN tenants t ON t.id = u.tenant "
		"WHERE u.id = $1",
		SUT_DB_ARGS(SUT_DB_I(a->user)), &row, err);
	if (k < 0)
		return k;
	if (row) {
		tenant = sut_db_int(row, 0);
		name = sut_db_text(row, 1);
	}
	hash = row ? sut_db_text(row, 2) : NULL;
	good = hash && a->right && strcmp(hash, a->hash) == 0 && sut_db_is_null(row, 6);
	if (!good)
		return login_failed(q, r, &throttle, tenant, name, err);
	if (!sut_db_is_null(row, 8))
		return web_problem(r, 403, "tenant-disabled",
				   "The tenant \"%s\" is disabled. Ask the operator of this %s.",
				   sut_db_text(row, 7), q->server->program->noun);
	roles = sut_db_text(row, 3);
	k = session_make(q, a->user, tenant, roles, token, err);
	if (k == 0)
		k = account_throttle_cleared(q, &throttle, err);
	if (k == 0)
		k = sut_db_exec(q->db,
				"UPDATE users SET last_login = $2, password = $3 "
				"WHERE id = $1 AND password = $4",
				SUT_DB_ARGS(SUT_DB_I(a->user), SUT_DB_I(q->now),
					    SUT_DB_T(a->fresh[0] ? a->fresh : a->hash),
					    SUT_DB_T(a->hash)),
				&n, err);
	k = one_row(k, n, err);
	if (k == 0)
		k = audit_as(q, tenant, name, true, err);
	if (k < 0)
		return k;
	answer =
		json_pack("{s:s, s:o, s:s, s:s, s:o, s:b, s:b}", "token", token, "expires",
			  web_time(q->now + SESSION_SEC), "user", name, "tenant",
			  sut_db_text(row, 7), "roles", account_roles_json(account_roles_of(roles)),
			  "staff", (int)sut_db_int(row, 4), "must_change", (int)sut_db_int(row, 5));
	/* What a script cannot read it cannot give away. */
	if (l.cookie) {
		(void)json_object_del(answer, "token");
		k = web_cookie_set(q, r, token, err);
	}
	explicit_bzero(token, sizeof(token));
	if (k < 0) {
		json_decref(answer);
		return k;
	}
	return web_created(r, answer, err, "/v1/sessions/current");
}

/* --- DELETE /v1/sessions/current --- */

static int logout(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	int64_t gone = 0;
	int k = sut_db_exec(
		q->db, "DELETE FROM tokens WHERE id = $1 AND user_id = $2 AND kind = 'session'",
		SUT_DB_ARGS(SUT_DB_I(q->who.token), SUT_DB_I(q->who.user)), &gone, err);

	if (k < 0)
		return k;
	if (!gone)
		return web_problem(
			r, 409, "not-a-session",
			"This call was made with an API token, which has no session to end. "
			"DELETE /v1/tokens/{token} revokes it.");
	k = web_audit(q, "session.delete", "user", q->who.name, NULL, err);
	if (k == 0)
		k = web_cookie_set(q, r, NULL, err);
	return k < 0 ? k : web_no_content(r);
}

/* --- GET /v1/whoami --- */

static int whoami(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	return web_json(r, 200,
			json_pack("{s:s, s:s, s:s, s:b, s:o, s:b}", "kind", "user", "name",
				  q->who.name, "tenant", q->who.tenant_name, "staff",
				  (int)q->who.staff, "roles", account_roles_json(q->who.roles),
				  "must_change", (int)q->who.must_change),
			err);
}

/* --- POST /v1/password --- */

struct change {
	const char *old, *new;
};

static int change_take(struct web_req *q, struct web_resp *r, struct change *c)
{
	const struct web_field fields[] = {
		{"old", WEB_T_STRING, WEB_REQUIRED, 1, SUT_PASSWORD_BYTES_MAX, &c->old},
		{"new", WEB_T_STRING, WEB_REQUIRED, 1, SUT_PASSWORD_BYTES_MAX, &c->new},
	};

	return WEB_TAKE(q, r, fields);
}

static int change_prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct sut_err why = {0};
	struct change c = {0};
	struct attempt *a;
	int k = change_take(q, r, &c);

	if (k)
		return k;
	if (sut_password_check(c.new, q->who.name, &why) < 0)
		return web_problem(r, 422, "weak-password", "%s", why.msg);
	if (strcmp(c.new, c.old) == 0)
		return web_problem(r, 422, "weak-password",
				   "The new password is the old one; choose another.");
	a = q->prepared = calloc(1, sizeof(*a));
	if (!a)
		return sut_err_oom(err);
	k = attempt_make(q, r, NULL, c.old, a, err);
	return k == 0 && a->right ? sut_password_hash(c.new, a->fresh, err) : k;
}

static int change_run(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	const struct attempt *a = q->prepared;
	struct account_throttle throttle;
	const char *hash;
	int64_t wait = 0, n = 0;
	int k;

	account_throttle_init(&throttle, q->who.name, true, q->peer);
	k = account_throttle_wait(q, &throttle, true, &wait, err);
	if (k < 0)
		return k;
	if (wait > 0 || a->waits)
		return account_throttle_problem(r, wait > 0 ? wait : 1, err);
	k = sut_db_one(q->db, "SELECT password FROM users WHERE id = $1",
		       SUT_DB_ARGS(SUT_DB_I(q->who.user)), &row, err);
	if (k < 0)
		return k;
	hash = row ? sut_db_text(row, 0) : NULL;
	if (!hash)
		return web_problem(r, 409, "service-account",
				   "A service account has no password; it uses API tokens only.");
	if (!a->right || strcmp(hash, a->hash) != 0) {
		k = account_throttle_failed(q, &throttle, err);
		if (k == 0)
			k = web_audit(q, "password.refuse", "user", q->who.name, NULL, err);
		if (k < 0)
			return k;
		/* The failure is kept: 0, not WEB_NO. */
		(void)web_problem(r, 403, "wrong-password",
				  "The old password is not right. An admin can reset it.");
		return 0;
	}
	k = sut_db_exec(q->db,
			"UPDATE users SET password = $2, must_change = 0, version = version + 1 "
			"WHERE id = $1 AND password = $3",
			SUT_DB_ARGS(SUT_DB_I(q->who.user), SUT_DB_T(a->fresh), SUT_DB_T(a->hash)),
			&n, err);
	k = one_row(k, n, err);
	if (k == 0)
		k = sut_db_exec(q->db,
				"DELETE FROM tokens WHERE user_id = $1 AND kind = 'session' AND "
				"id <> $2",
				SUT_DB_ARGS(SUT_DB_I(q->who.user), SUT_DB_I(q->who.token)), NULL,
				err);
	if (k == 0)
		k = account_throttle_cleared(q, &throttle, err);
	if (k == 0)
		k = web_audit(q, "password.change", "user", q->who.name, NULL, err);
	return k < 0 ? k : web_no_content(r);
}

const struct web_route account_sessions[] = {
	{"POST", "/v1/sessions", WEB_PUBLIC, WEB_WRITE | WEB_SECRET, login_run, login_prepare,
	 attempt_free},
	{"DELETE", "/v1/sessions/current", WEB_ANY_USER, WEB_WRITE | WEB_MUST_CHANGE, logout},
	{"GET", "/v1/whoami", WEB_ANY_USER, WEB_MUST_CHANGE, whoami},
	{"POST", "/v1/password", WEB_ANY_USER, WEB_WRITE | WEB_SECRET | WEB_MUST_CHANGE, change_run,
	 change_prepare, attempt_free},
	{0},
};
