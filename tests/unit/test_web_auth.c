// SPDX-License-Identifier: Apache-2.0
/* Who may do what: every kind of caller at every kind of route. */
#include "unit.h"

#include <string.h>

#include "auth/role.h"
#include "sample_frame.h"
#include "sample_portal.h"

/* Adds a system of the tenant with this credential. */
static void add_system(struct sample_server *s, int64_t tenant, const char *uid,
		       const char *credential, const char *next)
{
	static const char key_sql[] =
		"INSERT INTO keys (uid, tenant, kind, feed, created, created_by)"
		" VALUES ($1, $2, 'random', (SELECT id FROM feeds WHERE tenant = 0 AND name = 'stable'), 1,"
		" 'test') RETURNING id";
	static const char sql[] =
		"INSERT INTO systems (uid, tenant, key_id, machine_id, hostname, credential,"
		" credential_next, registered, updated) VALUES ($1, $2, $3, $1, 'host', $4, $5, 1, 1)";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	uint8_t hash[SUT_TOKEN_HASH], hash_next[SUT_TOKEN_HASH];
	struct sut_err err = {0};

	assert_ok(sut_db_one(s->c, key_sql, SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(tenant)), &rows,
			     &err),
		  err);
	sut_token_hash(credential, hash);
	if (next)
		sut_token_hash(next, hash_next);
	assert_ok(
		sut_db_exec(s->c, sql,
			    SUT_DB_ARGS(SUT_DB_T(uid), SUT_DB_I(tenant),
					SUT_DB_I(sut_db_int(rows, 0)), SUT_DB_B(hash, sizeof(hash)),
					SUT_DB_B(next ? hash_next : NULL, sizeof(hash_next))),
			    NULL, &err),
		err);
}

static void make_token(enum sut_token_kind kind, char ret[static SUT_TOKEN_MAX])
{
	struct sut_err err = {0};

	assert_ok(sut_token_make(kind, ret, &err), err);
}

/* Rows: routes. Columns: nobody, the six roles (viewer, operator, release-manager, key-manager, admin,
 * auditor), staff, a system. 2: 200, 4: 401, 3: 403. */
static void every_role_at_every_kind_of_route(void **state)
{
	static const struct {
		const char *target, *want;
	} cases[] = {
		{"/t/allow/public", "222222222"},      {"/t/allow/any", "422222223"},
		{"/t/allow/must-change", "422222223"}, {"/t/allow/agent", "433333332"},
		{"/t/allow/viewer", "423332323"},      {"/t/allow/operator", "432332323"},
		{"/t/allow/release", "433232323"},     {"/t/allow/keys", "433322323"},
		{"/t/allow/admin", "433332323"},       {"/t/allow/auditor", "433332223"},
		{"/t/allow/staff", "433333323"},       {"/t/allow/agent-or-viewer", "423332322"},
	};
	struct sample_server *s = *state;
	char credential[SUT_TOKEN_MAX];
	const char *tokens[9] = {NULL};

	sample_frame(s);
	make_token(SUT_TOKEN_SYSTEM, credential);
	add_system(s, s->tenant[0].id, "system1", credential, NULL);
	for (size_t i = 0; i < SAMPLE_ROLES; i++)
		tokens[1 + i] = s->tenant[0].token[i];
	tokens[7] = s->staff;
	tokens[8] = credential;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++)
		for (size_t k = 0; k < SUT_ARRAY_SIZE(tokens); k++) {
			int want = cases[i].want[k] == '2'   ? 200
				   : cases[i].want[k] == '3' ? 403
							     : 401;

			if (sample_call(s, "GET", cases[i].target, tokens[k], NULL) != want)
				fail_msg("%s, caller %zu: %d instead of %d", cases[i].target, k,
					 s->status, want);
			if (want == 401)
				assert_non_null(sample_answer_header(s, "WWW-Authenticate"));
		}
}

static void a_token_has_only_roles_that_its_user_still_has(void **state)
{
	struct sample_server *s = *state;
	char token[SUT_TOKEN_MAX];

	sample_frame(s);
	sample_user(s, s->tenant[0].id, "both", "viewer operator", false, token);
	sample_call(s, "GET", "/t/allow/any", token, NULL);
	assert_int_equal(sample_int(s, "roles"), SUT_ROLE_VIEWER | SUT_ROLE_OPERATOR);
	sample_sql(s, "UPDATE users SET roles = 'viewer' WHERE name = 'both'");
	sample_call(s, "GET", "/t/allow/any", token, NULL);
	assert_int_equal(sample_int(s, "roles"), SUT_ROLE_VIEWER);
	sample_sql(s, "UPDATE users SET roles = 'auditor' WHERE name = 'both'");
	sample_call(s, "GET", "/t/allow/any", token, NULL);
	assert_int_equal(sample_int(s, "roles"), 0);
	/* An administrator's token for viewing is no administrator. */
	sample_sql(s, "UPDATE users SET roles = 'admin' WHERE name = 'both'");
	sample_sql(s, "UPDATE tokens SET roles = 'viewer' WHERE user_id = (SELECT id FROM users"
		      " WHERE name = 'both')");
	sample_call(s, "GET", "/t/allow/any", token, NULL);
	assert_int_equal(sample_int(s, "roles"), SUT_ROLE_VIEWER);
}

static void tokens_that_are_over_say_why(void **state)
{
	struct sample_server *s = *state;
	char unknown[SUT_TOKEN_MAX];
	const char *token = s->tenant[0].token[SAMPLE_VIEWER];

	sample_frame(s);
	sample_call(s, "GET", "/t/allow/any", NULL, NULL);
	assert_problem(s, 401, "token-missing");
	make_token(SUT_TOKEN_API, unknown);
	sample_call(s, "GET", "/t/allow/any", unknown, NULL);
	assert_problem(s, 401, "token-unknown");
	sample_call(s, "GET", "/t/allow/any", "some-password", NULL);
	assert_problem(s, 401, "token-unknown");
	make_token(SUT_TOKEN_KEY, unknown);
	sample_call(s, "GET", "/t/allow/any", unknown, NULL);
	assert_problem(s, 401, "token-unknown");
	sample_sql(s, "UPDATE tokens SET expires = 1795000001");
	sample_call(s, "GET", "/t/allow/any", token, NULL);
	assert_status(s, 200);
	s->now++;
	sample_call(s, "GET", "/t/allow/any", token, NULL);
	assert_problem(s, 401, "token-expired");
	sample_sql(s, "UPDATE tokens SET expires = NULL");
	sample_sql(s, "UPDATE users SET disabled = 1 WHERE name = 'alpha-viewer'");
	sample_call(s, "GET", "/t/allow/any", token, NULL);
	assert_problem(s, 403, "user-disabled");
	sample_sql(s, "UPDATE users SET disabled = NULL");
	sample_sql(s, "UPDATE tenants SET disabled = 1 WHERE name = 'alpha'");
	sample_call(s, "GET", "/t/allow/any", token, NULL);
	assert_problem(s, 403, "tenant-disabled");
	sample_call(s, "GET", "/t/allow/any", s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
}

static void only_staff_act_in_another_tenant(void **state)
{
	struct sample_server *s = *state;

	sample_frame(s);
	sample_header(s, "Suture-Tenant: beta");
	sample_call(s, "GET", "/t/allow/any", s->staff, NULL);
	assert_string_equal(sample_text(s, "tenant"), "beta");
	sample_call(s, "GET", "/t/allow/any", s->staff, NULL);
	assert_string_equal(sample_text(s, "tenant"), "default");
	sample_header(s, "Suture-Tenant: nothing");
	sample_call(s, "GET", "/t/allow/any", s->staff, NULL);
	assert_problem(s, 404, "not-found");
	for (size_t i = 0; i < SAMPLE_ROLES; i++) {
		sample_header(s, "Suture-Tenant: beta");
		sample_call(s, "GET", "/t/allow/any", s->tenant[0].token[i], NULL);
		assert_problem(s, 403, "staff-only");
	}
	/* His own is fine, though he need not say so. */
	sample_header(s, "Suture-Tenant: alpha");
	sample_call(s, "GET", "/t/allow/any", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_string_equal(sample_text(s, "tenant"), "alpha");
	sample_header(s, "Suture-Tenant: \xff\xfe");
	sample_call(s, "GET", "/t/allow/any", s->staff, NULL);
	assert_problem(s, 404, "not-found");
}

/* Not only in words: roles of staff from a token with fewer are what counts in the other tenant as well. */
static void a_tenant_header_gives_no_roles(void **state)
{
	struct sample_server *s = *state;
	char token[SUT_TOKEN_MAX];

	sample_frame(s);
	sample_user(s, s->staff_tenant, "helper", "viewer", true, token);
	sample_header(s, "Suture-Tenant: beta");
	sample_call(s, "GET", "/t/allow/admin", token, NULL);
	assert_problem(s, 403, "forbidden");
	sample_call(s, "GET", "/t/allow/staff", token, NULL);
	assert_problem(s, 403, "forbidden");
}

static void who_must_change_his_password_can_do_nothing_else(void **state)
{
	struct sample_server *s = *state;
	const char *token = s->tenant[0].token[SAMPLE_ADMIN];

	sample_frame(s);
	sample_sql(s, "UPDATE users SET must_change = 1 WHERE name = 'alpha-admin'");
	/* Programs go on. */
	sample_call(s, "GET", "/t/allow/admin", token, NULL);
	assert_status(s, 200);
	sample_sql(s, "UPDATE tokens SET kind = 'session'");
	sample_call(s, "GET", "/t/allow/admin", token, NULL);
	assert_problem(s, 403, "password-change-required");
	sample_call(s, "GET", "/t/allow/any", token, NULL);
	assert_problem(s, 403, "password-change-required");
	sample_call(s, "GET", "/t/allow/must-change", token, NULL);
	assert_status(s, 200);
}

static void a_system_is_known_by_its_credential(void **state)
{
	struct sample_server *s = *state;
	char one[SUT_TOKEN_MAX], next[SUT_TOKEN_MAX];

	sample_frame(s);
	make_token(SUT_TOKEN_SYSTEM, one);
	make_token(SUT_TOKEN_SYSTEM, next);
	add_system(s, s->tenant[0].id, "system1", one, next);
	sample_call(s, "GET", "/t/allow/agent", one, NULL);
	assert_string_equal(sample_text(s, "name"), "system1");
	assert_string_equal(sample_text(s, "tenant"), "alpha");
	assert_false(json_is_true(json_object_get(s->json, "next")));
	sample_call(s, "GET", "/t/allow/agent", next, NULL);
	assert_string_equal(sample_text(s, "name"), "system1");
	assert_true(json_is_true(json_object_get(s->json, "next")));
	/* It cannot choose its tenant. */
	sample_header(s, "Suture-Tenant: beta");
	sample_call(s, "GET", "/t/allow/agent", one, NULL);
	assert_string_equal(sample_text(s, "tenant"), "alpha");
	sample_sql(s, "UPDATE tenants SET disabled = 1 WHERE name = 'alpha'");
	sample_call(s, "GET", "/t/allow/agent", one, NULL);
	assert_problem(s, 403, "tenant-disabled");
}

static void a_credential_that_was_good_once_is_told_what_happened(void **state)
{
	static const struct {
		const char *reason;
		int status;
		const char *code;
	} cases[] = {
		{"unregistered", 410, "system-unregistered"},
		{"deleted", 410, "system-deleted"},
		{"replaced", 401, "credential-replaced"},
		{"cloned", 401, "credential-cloned"},
	};
	struct sample_server *s = *state;
	char credential[SUT_TOKEN_MAX];
	uint8_t hash[SUT_TOKEN_HASH];
	struct sut_err err = {0};

	sample_frame(s);
	make_token(SUT_TOKEN_SYSTEM, credential);
	sample_call(s, "GET", "/t/allow/agent", credential, NULL);
	assert_problem(s, 401, "credential-unknown");
	sut_token_hash(credential, hash);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		sample_sql(s, "DELETE FROM retired_credentials");
		assert_ok(sut_db_exec(s->c,
				      "INSERT INTO retired_credentials (hash, at, reason) VALUES"
				      " ($1, 1, $2)",
				      SUT_DB_ARGS(SUT_DB_B(hash, sizeof(hash)),
						  SUT_DB_T(cases[i].reason)),
				      NULL, &err),
			  err);
		sample_call(s, "GET", "/t/allow/agent", credential, NULL);
		assert_problem(s, cases[i].status, cases[i].code);
	}
}

static void last_use_of_a_token_is_kept_by_the_hour(void **state)
{
	static const char sql[] = "SELECT COALESCE(last_used, 0) FROM tokens WHERE user_id ="
				  " (SELECT id FROM users WHERE name = 'alpha-operator')";
	struct sample_server *s = *state;
	const char *token = s->tenant[0].token[SAMPLE_OPERATOR];

	sample_frame(s);
	sample_call(s, "POST", "/t/note", token, "{\"text\": \"x\"}");
	assert_status(s, 201);
	assert_int_equal(sample_number(s, sql), SAMPLE_NOW);
	s->now += 3599;
	sample_call(s, "POST", "/t/note", token, "{\"text\": \"x\"}");
	assert_int_equal(sample_number(s, sql), SAMPLE_NOW);
	s->now += 1;
	sample_call(s, "POST", "/t/note", token, "{\"text\": \"x\"}");
	assert_int_equal(sample_number(s, sql), SAMPLE_NOW + 3600);
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}
	static const struct sample_server_case cases[] = {
		CASE(every_role_at_every_kind_of_route),
		CASE(a_token_has_only_roles_that_its_user_still_has),
		CASE(tokens_that_are_over_say_why),
		CASE(only_staff_act_in_another_tenant),
		CASE(a_tenant_header_gives_no_roles),
		CASE(who_must_change_his_password_can_do_nothing_else),
		CASE(a_system_is_known_by_its_credential),
		CASE(a_credential_that_was_good_once_is_told_what_happened),
		CASE(last_use_of_a_token_is_kept_by_the_hour),
	};

	return SAMPLE_PORTAL_RUN(cases);
}
