// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "sample_portal.h"

#include "accounts.h"

#define VIEWER "[\"viewer\"]"

static const char *admin(const struct sample_server *s)
{
	return s->tenant[0].token[SAMPLE_ADMIN];
}

static void a_new_user_is_shown_with_a_password_once(void **state)
{
	struct sample_server *s = *state;
	char id[32], once[64], target[64];

	sample_call(
		s, "POST", "/v1/users", admin(s),
		"{\"name\":\"carol\",\"title\":\"Carol C.\",\"roles\":[\"viewer\",\"key-manager\"]}");
	assert_status(s, 201);
	account_keep(s, "id", id, sizeof(id));
	account_keep(s, "password", once, sizeof(once));
	assert_true(sut_uid_ok(id));
	(void)snprintf(target, sizeof(target), "/v1/users/%s", id);
	assert_string_equal(sample_answer_header(s, "Location"), target);
	assert_string_equal(s->r.etag, "\"v1\"");
	sample_call(s, "GET", target, admin(s), NULL);
	assert_status(s, 200);
	assert_null(json_object_get(s->json, "password"));
	assert_string_equal(sample_text(s, "title"), "Carol C.");
	assert_true(json_is_true(json_object_get(s->json, "must_change")));
	assert_true(json_is_false(json_object_get(s->json, "service")));
	assert_true(json_is_null(json_object_get(s->json, "last_login")));
	/* by name as well */
	sample_call(s, "GET", "/v1/users/carol", admin(s), NULL);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "id"), id);
	account_not_stored(s, once);
	account_login(s, "carol", once);
	sample_call(s, "GET", "/v1/users/carol", admin(s), NULL);
	assert_string_equal(sample_text(s, "last_login"), "2026-11-18T11:06:40Z");
}

static void names_are_unique_in_the_whole_portal(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "POST", "/v1/users", admin(s),
		    "{\"name\":\"beta-viewer\",\"roles\":[\"viewer\"]}");
	assert_problem(s, 409, "exists");
	/* Nothing of it stays. */
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM audit"), 0);
}

static void malformed_users_are_refused(void **state)
{
	static const char *const bad[] = {
		"{\"name\":\"carol\"}",
		"{\"name\":\"carol\",\"roles\":[]}",
		"{\"name\":\"carol\",\"roles\":[\"root\"]}",
		"{\"name\":\"carol\",\"roles\":[7]}",
		"{\"name\":\"carol\",\"roles\":\"viewer\"}",
		"{\"name\":\"Carol C\",\"roles\":[\"viewer\"]}",
		"{\"name\":\"carol\",\"roles\":[\"viewer\"],\"password\":\"mine\"}",
		"{\"name\":\"carol\",\"roles\":[\"viewer\"],\"tenant\":\"beta\"}",
	};
	struct sample_server *s = *state;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		sample_call(s, "POST", "/v1/users", admin(s), bad[i]);
		assert_status(s, 422);
	}
	sample_call(s, "POST", "/v1/users", admin(s), "{\"name\":\"carol\",\"roles\":[\"root\"]}");
	assert_string_equal(
		json_string_value(json_object_get(
			json_array_get(json_object_get(s->json, "errors"), 0), "pointer")),
		"/roles/0");
}

static void sending_it_twice_makes_one_user_and_the_same_password(void **state)
{
	struct sample_server *s = *state;
	char first[64];

	sample_header(s, "Idempotency-Key: one");
	account_make(s, admin(s), "carol", VIEWER, first);
	sample_header(s, "Idempotency-Key: one");
	sample_call(s, "POST", "/v1/users", admin(s), "{\"name\":\"carol\",\"roles\":" VIEWER "}");
	assert_status(s, 201);
	assert_string_equal(sample_text(s, "password"), first);
	sample_header(s, "Idempotency-Key: one");
	sample_call(s, "POST", "/v1/users", admin(s), "{\"name\":\"dave\",\"roles\":" VIEWER "}");
	assert_problem(s, 422, "idempotency-key-reused");
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM users WHERE name IN ('carol','dave')"), 1);
	/* What is remembered is encrypted. */
	account_not_stored(s, first);
}

static void service_accounts_have_no_password(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "POST", "/v1/users", admin(s),
		    "{\"name\":\"robot\",\"roles\":[\"viewer\"],\"service\":true}");
	assert_status(s, 201);
	assert_null(json_object_get(s->json, "password"));
	assert_true(json_is_true(json_object_get(s->json, "service")));
	assert_true(json_is_false(json_object_get(s->json, "must_change")));
	sample_call(s, "POST", "/v1/users/robot/reset-password", admin(s), NULL);
	assert_problem(s, 409, "service-account");
}

static void only_staff_makes_and_changes_staff(void **state)
{
	struct sample_server *s = *state;
	char token[SUT_TOKEN_MAX];

	sample_call(s, "POST", "/v1/users", admin(s),
		    "{\"name\":\"boss\",\"roles\":[\"viewer\"],\"staff\":true}");
	assert_problem(s, 403, "staff-only");
	sample_header(s, "Suture-Tenant: alpha");
	sample_call(s, "POST", "/v1/users", s->staff,
		    "{\"name\":\"boss\",\"roles\":[\"viewer\"],\"staff\":true}");
	assert_status(s, 201);
	/* An admin of the same tenant sees but cannot become him. */
	sample_call(s, "GET", "/v1/users/boss", admin(s), NULL);
	assert_status(s, 200);
	sample_call(s, "POST", "/v1/users/boss/reset-password", admin(s), NULL);
	assert_problem(s, 403, "staff-only");
	sample_call(s, "PATCH", "/v1/users/boss", admin(s), "{\"roles\":[\"admin\"]}");
	assert_problem(s, 403, "staff-only");
	sample_call(s, "DELETE", "/v1/users/boss", admin(s), NULL);
	assert_problem(s, 403, "staff-only");
	sample_call(s, "POST", "/v1/tokens", admin(s), "{\"name\":\"x\",\"user\":\"boss\"}");
	assert_problem(s, 403, "staff-only");
	sample_user(s, s->tenant[0].id, "second-boss", "admin", true, token);
	sample_call(s, "DELETE", "/v1/users/boss", token, NULL);
	assert_status(s, 204);
}

static void disabling_ends_sessions_and_tokens_until_enabled(void **state)
{
	struct sample_server *s = *state;
	char session[SUT_TOKEN_MAX], token[SUT_TOKEN_MAX];

	account_user(s, admin(s), "carol", VIEWER, session);
	sample_call(s, "POST", "/v1/tokens", session, "{\"name\":\"ci\"}");
	account_keep(s, "token", token, sizeof(token));
	sample_call(s, "PATCH", "/v1/users/carol", admin(s), "{\"disabled\":true}");
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "disabled"), "2026-11-18T11:06:40Z");
	sample_call(s, "GET", "/v1/whoami", session, NULL);
	assert_problem(s, 401, "token-unknown");
	sample_call(s, "GET", "/v1/whoami", token, NULL);
	assert_problem(s, 403, "user-disabled");
	sample_call(s, "PATCH", "/v1/users/carol", admin(s), "{\"disabled\":false}");
	assert_status(s, 200);
	assert_true(json_is_null(json_object_get(s->json, "disabled")));
	sample_call(s, "GET", "/v1/whoami", token, NULL);
	assert_status(s, 200);
	account_login(s, "carol", ACCOUNT_PASSWORD);
	assert_status(s, 201);
}

static void changed_roles_hold_at_once(void **state)
{
	struct sample_server *s = *state;
	char session[SUT_TOKEN_MAX], token[SUT_TOKEN_MAX];

	account_user(s, admin(s), "carol", "[\"viewer\",\"auditor\"]", session);
	sample_call(s, "POST", "/v1/tokens", session, "{\"name\":\"ci\"}");
	account_keep(s, "token", token, sizeof(token));
	sample_call(s, "GET", "/v1/audit", token, NULL);
	assert_status(s, 200);
	sample_call(s, "PATCH", "/v1/users/carol", admin(s), "{\"roles\":[\"viewer\"]}");
	assert_status(s, 200);
	sample_call(s, "GET", "/v1/audit", token, NULL);
	assert_problem(s, 403, "forbidden");
	sample_call(s, "GET", "/v1/audit", session, NULL);
	assert_problem(s, 403, "forbidden");
	sample_call(s, "PATCH", "/v1/users/carol", admin(s),
		    "{\"roles\":[\"viewer\",\"auditor\",\"operator\"]}");
	assert_status(s, 200);
	sample_call(s, "GET", "/v1/audit", session, NULL);
	assert_status(s, 200);
}

static void a_tenant_keeps_an_admin_who_can_log_in(void **state)
{
	static const struct {
		const char *method, *body;
	} away[] = {
		{"DELETE", NULL},
		{"PATCH", "{\"disabled\":true}"},
		{"PATCH", "{\"roles\":[\"viewer\",\"auditor\"]}"},
		{"PATCH", "{\"roles\":[]}"},
	};
	struct sample_server *s = *state;
	char a[SUT_TOKEN_MAX], b[SUT_TOKEN_MAX];

	/* "alpha-admin" of the sample has no password, so it does not count. */
	account_user(s, admin(s), "carol", "[\"admin\"]", a);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(away); i++) {
		sample_call(s, away[i].method, "/v1/users/carol", admin(s), away[i].body);
		assert_problem(s, 409, "last-admin");
	}
	/* A title may change. */
	sample_call(s, "PATCH", "/v1/users/carol", admin(s), "{\"title\":\"C.\"}");
	assert_status(s, 200);
	account_user(s, a, "dave", "[\"admin\",\"viewer\"]", b);
	sample_call(s, "PATCH", "/v1/users/dave", admin(s), "{\"disabled\":true}");
	assert_status(s, 200);
	sample_call(s, "DELETE", "/v1/users/carol", admin(s), NULL);
	assert_problem(s, 409, "last-admin");
	sample_call(s, "PATCH", "/v1/users/dave", admin(s), "{\"disabled\":false}");
	sample_call(s, "DELETE", "/v1/users/carol", admin(s), NULL);
	assert_status(s, 204);
	sample_call(s, "DELETE", "/v1/users/dave", admin(s), NULL);
	assert_problem(s, 409, "last-admin");
	/* The account of the sample may go while there is dave. */
	sample_call(s, "DELETE", "/v1/users/alpha-admin", admin(s), NULL);
	assert_status(s, 204);
}

static void the_staff_keeps_an_admin(void **state)
{
	struct sample_server *s = *state;
	char a[SUT_TOKEN_MAX];

	/* Another admin of the tenant, who is no staff, does not help. */
	account_user(s, s->staff, "plain", "[\"admin\"]", a);
	sample_call(s, "PATCH", "/v1/users/root", s->staff, "{\"roles\":[\"viewer\"]}");
	assert_problem(s, 409, "last-admin");
	sample_call(s, "DELETE", "/v1/users/root", s->staff, NULL);
	assert_problem(s, 409, "last-admin");
	sample_call(s, "POST", "/v1/users", s->staff,
		    "{\"name\":\"deputy\",\"roles\":[\"admin\"],\"staff\":true}");
	assert_status(s, 201);
	sample_call(s, "PATCH", "/v1/users/root", s->staff, "{\"roles\":[\"viewer\"]}");
	assert_status(s, 200);
}

static void a_reset_gives_a_password_once_and_ends_sessions(void **state)
{
	struct sample_server *s = *state;
	char session[SUT_TOKEN_MAX], once[64];

	account_user(s, admin(s), "carol", VIEWER, session);
	for (int i = 0; i < 5; i++)
		account_login(s, "carol", "wrong");
	sample_call(s, "POST", "/v1/users/carol/reset-password", admin(s), NULL);
	assert_status(s, 200);
	account_keep(s, "password", once, sizeof(once));
	sample_call(s, "GET", "/v1/whoami", session, NULL);
	assert_problem(s, 401, "token-unknown");
	/* The wait is over, too; the old password is gone. */
	account_login(s, "carol", ACCOUNT_PASSWORD);
	assert_problem(s, 401, "wrong-credentials");
	account_login(s, "carol", once);
	assert_status(s, 201);
	assert_true(json_is_true(json_object_get(s->json, "must_change")));
	account_not_stored(s, once);
}

static void a_change_with_an_old_version_is_refused(void **state)
{
	struct sample_server *s = *state;
	char once[64];

	account_make(s, admin(s), "carol", VIEWER, once);
	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "PATCH", "/v1/users/carol", admin(s), "{\"title\":\"one\"}");
	assert_status(s, 200);
	assert_string_equal(s->r.etag, "\"v2\"");
	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "PATCH", "/v1/users/carol", admin(s), "{\"title\":\"two\"}");
	assert_problem(s, 412, "changed");
	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "DELETE", "/v1/users/carol", admin(s), NULL);
	assert_problem(s, 412, "changed");
	sample_header(s, "If-Match: \"v2\"");
	sample_call(s, "DELETE", "/v1/users/carol", admin(s), NULL);
	assert_status(s, 204);
	sample_call(s, "GET", "/v1/users/carol", admin(s), NULL);
	assert_problem(s, 404, "not-found");
}

/* --- another portal changes the same user and has not committed --- */

static void meanwhile(struct sample_server *s, const char *sql, void *(*f)(void *))
{
	pthread_t t;

	assert_int_equal(sut_db_begin(s->c, SUT_DB_WRITE, NULL), 0);
	sample_sql(s, sql);
	assert_int_equal(pthread_create(&t, NULL, f, s), 0);
	usleep(500000);
	assert_int_equal(sut_db_commit(s->c, NULL), 0);
	pthread_join(t, NULL);
}

static void *retitle(void *p)
{
	struct sample_server *s = p;

	sample_call(s, "PATCH", "/v1/users/alpha-viewer", admin(s), "{\"title\":\"x\"}");
	return NULL;
}

static void a_new_title_does_not_undo_what_another_portal_does(void **state)
{
	struct sample_server *s = *state;

	meanwhile(s,
		  "UPDATE users SET disabled = 5, roles = 'auditor', version = version + 1"
		  " WHERE name = 'alpha-viewer'",
		  retitle);
	assert_status(s, 200);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM users WHERE disabled = 5"
					  " AND roles = 'auditor' AND title = 'x'"),
			 1);
}

static void *log_in(void *p)
{
	account_login(p, "carol", ACCOUNT_PASSWORD);
	return NULL;
}

static void a_login_does_not_undo_a_new_password(void **state)
{
	struct sample_server *s = *state;
	char session[SUT_TOKEN_MAX];

	account_user(s, admin(s), "carol", VIEWER, session);
	meanwhile(s, "UPDATE users SET password = 'another' WHERE name = 'carol'", log_in);
	assert_true(s->status == 401 || s->status == 503);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM users WHERE password = 'another'"),
			 1);
}

static void deleting_a_user_takes_the_tokens_along(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "DELETE", "/v1/users/alpha-viewer", admin(s), NULL);
	assert_status(s, 204);
	sample_call(s, "GET", "/v1/whoami", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_problem(s, 401, "token-unknown");
}

static void a_list_has_pages_and_only_the_own_tenant(void **state)
{
	struct sample_server *s = *state;
	char target[512];
	size_t seen = 0;

	(void)snprintf(target, sizeof(target), "/v1/users?limit=4");
	for (;;) {
		const json_t *items, *user, *next;
		size_t i;

		sample_call(s, "GET", target, admin(s), NULL);
		assert_status(s, 200);
		items = json_object_get(s->json, "items");
		assert_true(json_array_size(items) <= 4);
		json_array_foreach(items, i, user) {
			assert_true(sut_startswith(json_string_value(json_object_get(user, "name")),
						   "alpha-"));
			seen++;
		}
		next = json_object_get(s->json, "next");
		if (json_is_null(next))
			break;
		(void)snprintf(target, sizeof(target), "/v1/users?limit=4&cursor=%s",
			       json_string_value(next));
	}
	assert_int_equal(seen, SAMPLE_ROLES);
}

static void what_was_done_is_in_the_audit_log_without_secrets(void **state)
{
	struct sample_server *s = *state;
	char once[64];

	account_make(s, admin(s), "carol", VIEWER, once);
	sample_call(s, "PATCH", "/v1/users/carol", admin(s),
		    "{\"roles\":[\"viewer\",\"operator\"],\"disabled\":true}");
	sample_call(s, "POST", "/v1/users/carol/reset-password", admin(s), NULL);
	sample_call(s, "DELETE", "/v1/users/carol", admin(s), NULL);
	assert_status(s, 204);
	sample_call(s, "GET", "/v1/audit?object=carol", admin(s), NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 4);
	assert_non_null(strstr(sut_buf_str(&s->r.raw), "\"action\":\"user.create\""));
	assert_non_null(strstr(sut_buf_str(&s->r.raw), "\"roles\":\"viewer operator\""));
	assert_non_null(strstr(sut_buf_str(&s->r.raw), "\"actor\":\"alpha-admin\""));
	assert_null(strstr(sut_buf_str(&s->r.raw), once));
	assert_null(strstr(sut_buf_str(&s->r.raw), "argon2"));
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}
	static const struct sample_server_case cases[] = {
		CASE(a_new_user_is_shown_with_a_password_once),
		CASE(names_are_unique_in_the_whole_portal),
		CASE(malformed_users_are_refused),
		CASE(sending_it_twice_makes_one_user_and_the_same_password),
		CASE(service_accounts_have_no_password),
		CASE(only_staff_makes_and_changes_staff),
		CASE(disabling_ends_sessions_and_tokens_until_enabled),
		CASE(changed_roles_hold_at_once),
		CASE(a_tenant_keeps_an_admin_who_can_log_in),
		CASE(the_staff_keeps_an_admin),
		CASE(a_reset_gives_a_password_once_and_ends_sessions),
		CASE(a_change_with_an_old_version_is_refused),
		{"a_new_title_does_not_undo_what_another_portal_does",
		 a_new_title_does_not_undo_what_another_portal_does, NULL, SUT_DB_PGSQL},
		{"a_login_does_not_undo_a_new_password", a_login_does_not_undo_a_new_password, NULL,
		 SUT_DB_PGSQL},
		CASE(deleting_a_user_takes_the_tokens_along),
		CASE(a_list_has_pages_and_only_the_own_tenant),
		CASE(what_was_done_is_in_the_audit_log_without_secrets),
	};

	return SAMPLE_PORTAL_RUN(cases);
}
