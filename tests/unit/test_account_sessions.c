// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "sample_portal.h"

#include "accounts.h"

#define VIEWER "[\"viewer\"]"

static const char *admin(const struct sample_server *s)
{
	return s->tenant[0].token[SAMPLE_ADMIN];
}

static void a_login_gives_a_token_that_works_for_twelve_hours(void **state)
{
	struct sample_server *s = *state;
	char once[64], token[SUT_TOKEN_MAX];

	account_make(s, admin(s), "carol", "[\"viewer\",\"operator\"]", once);
	account_login(s, "carol", once);
	assert_status(s, 201);
	assert_int_equal(sut_token_kind(sample_text(s, "token")), SUT_TOKEN_SESSION);
	assert_string_equal(sample_text(s, "user"), "carol");
	assert_string_equal(sample_text(s, "tenant"), "alpha");
	assert_string_equal(sample_text(s, "expires"), "2026-11-18T23:06:40Z");
	assert_int_equal(json_array_size(json_object_get(s->json, "roles")), 2);
	assert_true(json_is_false(json_object_get(s->json, "staff")));
	assert_true(json_is_true(json_object_get(s->json, "must_change")));
	account_keep(s, "token", token, sizeof(token));
	sample_call(s, "GET", "/v1/whoami", token, NULL);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "name"), "carol");
	s->now += 12 * 3600 - 1;
	sample_call(s, "GET", "/v1/whoami", token, NULL);
	assert_status(s, 200);
	s->now += 1;
	sample_call(s, "GET", "/v1/whoami", token, NULL);
	assert_problem(s, 401, "token-expired");
	account_not_stored(s, token);
	account_not_stored(s, once);
}

static void until_the_password_is_changed_nothing_else_can_be_done(void **state)
{
	struct sample_server *s = *state;
	char once[64], token[SUT_TOKEN_MAX];

	account_make(s, admin(s), "carol", "[\"admin\"]", once);
	account_login(s, "carol", once);
	account_keep(s, "token", token, sizeof(token));
	sample_call(s, "GET", "/v1/users", token, NULL);
	assert_problem(s, 403, "password-change-required");
	sample_call(s, "POST", "/v1/tokens", token, "{\"name\":\"x\"}");
	assert_problem(s, 403, "password-change-required");
	sample_call(s, "GET", "/v1/whoami", token, NULL);
	assert_status(s, 200);
	assert_true(json_is_true(json_object_get(s->json, "must_change")));
	account_call(s, "POST", "/v1/password", token, "{\"old\":\"%s\",\"new\":\"%s\"}", once,
		     ACCOUNT_PASSWORD);
	assert_status(s, 204);
	sample_call(s, "GET", "/v1/users", token, NULL);
	assert_status(s, 200);
	account_login(s, "carol", once);
	assert_problem(s, 401, "wrong-credentials");
	account_login(s, "carol", ACCOUNT_PASSWORD);
	assert_status(s, 201);
	assert_true(json_is_false(json_object_get(s->json, "must_change")));
	account_not_stored(s, ACCOUNT_PASSWORD);
}

/* The answer without what differs from call to call. */
static char *answer(struct sample_server *s)
{
	char *text;

	json_object_del(s->json, "request_id");
	text = json_dumps(s->json, JSON_SORT_KEYS);
	assert_non_null(text);
	return text;
}

static void who_does_not_get_in_is_not_told_why(void **state)
{
	static const char *const names[] = {"carol", "nobody-at-all", "off", "robot", "Not A Name"};
	struct sample_server *s = *state;
	char once[64];
	char *first = NULL;

	account_make(s, admin(s), "carol", VIEWER, once);
	account_make(s, admin(s), "off", VIEWER, once);
	sample_call(s, "PATCH", "/v1/users/off", admin(s), "{\"disabled\":true}");
	assert_status(s, 200);
	sample_call(s, "POST", "/v1/users", admin(s),
		    "{\"name\":\"robot\",\"roles\":[\"viewer\"],\"service\":true}");
	assert_status(s, 201);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(names); i++) {
		char *text;

		/* "off" with the right password */
		account_login(s, names[i], strcmp(names[i], "off") == 0 ? once : "something else");
		assert_problem(s, 401, "wrong-credentials");
		assert_non_null(sample_answer_header(s, "WWW-Authenticate"));
		text = answer(s);
		if (first)
			assert_string_equal(text, first);
		else
			first = strdup(text);
		free(text);
	}
	free(first);
}

static double cpu_of_login(struct sample_server *s, const char *user)
{
	struct timespec t;
	double before;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	before = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	account_login(s, user, "a wrong password");
	assert_problem(s, 401, "wrong-credentials");
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9 - before;
}

static void an_unknown_user_takes_as_long_as_a_known_one(void **state)
{
	struct sample_server *s = *state;
	double known = 1e9, unknown = 1e9;
	char once[64];

	account_make(s, admin(s), "carol", VIEWER, once);
	for (int i = 0; i < 4; i++) {
		double k = cpu_of_login(s, "carol"), u = cpu_of_login(s, "nobody-at-all");

		known = k < known ? k : known;
		unknown = u < unknown ? u : unknown;
	}
	assert_true(unknown > known * 0.7);
	assert_true(known > unknown * 0.7);
}

static void after_five_wrong_passwords_one_has_to_wait(void **state)
{
	static const int waits[] = {5, 10, 20, 40, 80, 160, 320, 640, 900, 900};
	struct sample_server *s = *state;
	char once[64];

	account_make(s, admin(s), "carol", VIEWER, once);
	for (int i = 0; i < 4; i++) {
		account_login(s, "carol", "wrong");
		assert_problem(s, 401, "wrong-credentials");
	}
	/* Four are free: the right one gets in, and all is forgotten. */
	account_login(s, "carol", once);
	assert_status(s, 201);
	for (int i = 0; i < 5; i++) {
		account_login(s, "carol", "wrong");
		assert_problem(s, 401, "wrong-credentials");
	}
	for (size_t i = 0; i < SUT_ARRAY_SIZE(waits); i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%d", waits[i]);
		/* Not even the right one, from wherever; and it does not lengthen the wait. */
		s->peer = "192.0.2.77";
		account_login(s, "carol", once);
		assert_problem(s, 429, "too-many-attempts");
		assert_string_equal(sample_answer_header(s, "Retry-After"), text);
		s->peer = NULL;
		s->now += waits[i] - 1;
		account_login(s, "carol", once);
		assert_problem(s, 429, "too-many-attempts");
		assert_string_equal(sample_answer_header(s, "Retry-After"), "1");
		s->now += 1;
		account_login(s, "carol", "wrong");
		assert_problem(s, 401, "wrong-credentials");
	}
	s->now += 900;
	account_login(s, "carol", once);
	assert_status(s, 201);
}

static void a_name_that_nobody_has_waits_too(void **state)
{
	struct sample_server *s = *state;

	for (int i = 0; i < 5; i++) {
		account_login(s, "my-secret-password", "x");
		assert_problem(s, 401, "wrong-credentials");
	}
	account_login(s, "my-secret-password", "x");
	assert_problem(s, 429, "too-many-attempts");
	/* What was typed into the wrong field is not kept. */
	account_not_stored(s, "my-secret-password");
}

static void an_address_waits_after_twenty_whatever_the_names(void **state)
{
	struct sample_server *s = *state;
	char once[64], name[32];

	account_make(s, admin(s), "carol", VIEWER, once);
	s->peer = "2001:db8:1:2:aaaa::1";
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "user%d", i);
		account_login(s, name, "wrong");
		assert_problem(s, 401, "wrong-credentials");
	}
	account_login(s, "carol", once);
	assert_problem(s, 429, "too-many-attempts");
	/* The whole /64 is one address: who has one has all of them. */
	s->peer = "2001:db8:1:2:bbbb::2";
	account_login(s, "carol", once);
	assert_problem(s, 429, "too-many-attempts");
	s->peer = "2001:db8:1:3::1";
	account_login(s, "carol", once);
	assert_status(s, 201);
	/* One good account does not open the door again for the others. */
	s->peer = "2001:db8:1:2::3";
	s->now += 5;
	account_login(s, "carol", once);
	assert_status(s, 201);
	account_login(s, "user1", "wrong");
	assert_problem(s, 401, "wrong-credentials");
	account_login(s, "user2", "wrong");
	assert_problem(s, 429, "too-many-attempts");
}

static void portals_count_together(void **state)
{
	struct sample_server *s = *state;
	char once[64];

	account_make(s, admin(s), "carol", VIEWER, once);
	for (int i = 0; i < 5; i++) {
		account_login(s, "carol", "wrong");
		assert_problem(s, 401, "wrong-credentials");
		sample_server_again(s, NULL);
	}
	account_login(s, "carol", once);
	assert_problem(s, 429, "too-many-attempts");
}

static void failures_of_yesterday_do_not_count(void **state)
{
	struct sample_server *s = *state;
	char once[64];

	account_make(s, admin(s), "carol", VIEWER, once);
	for (int i = 0; i < 4; i++)
		account_login(s, "carol", "wrong");
	s->now += 24 * 3600 + 1;
	account_login(s, "carol", "wrong");
	assert_problem(s, 401, "wrong-credentials");
	account_login(s, "carol", once);
	assert_status(s, 201);
}

static void logging_out_ends_the_session_alone(void **state)
{
	struct sample_server *s = *state;
	char a[SUT_TOKEN_MAX], b[SUT_TOKEN_MAX];

	account_user(s, admin(s), "carol", VIEWER, a);
	account_login(s, "carol", ACCOUNT_PASSWORD);
	account_keep(s, "token", b, sizeof(b));
	sample_call(s, "DELETE", "/v1/sessions/current", a, NULL);
	assert_status(s, 204);
	sample_call(s, "GET", "/v1/whoami", a, NULL);
	assert_problem(s, 401, "token-unknown");
	sample_call(s, "GET", "/v1/whoami", b, NULL);
	assert_status(s, 200);
	sample_call(s, "DELETE", "/v1/sessions/current", admin(s), NULL);
	assert_problem(s, 409, "not-a-session");
}

static void a_new_password_ends_the_other_sessions(void **state)
{
	struct sample_server *s = *state;
	char a[SUT_TOKEN_MAX], b[SUT_TOKEN_MAX], other[SUT_TOKEN_MAX];

	account_user(s, admin(s), "carol", VIEWER, a);
	account_user(s, admin(s), "dave", VIEWER, other);
	account_login(s, "carol", ACCOUNT_PASSWORD);
	account_keep(s, "token", b, sizeof(b));
	sample_call(s, "POST", "/v1/password", b,
		    "{\"old\":\"" ACCOUNT_PASSWORD "\",\"new\":\"small red windmill\"}");
	assert_status(s, 204);
	sample_call(s, "GET", "/v1/whoami", a, NULL);
	assert_problem(s, 401, "token-unknown");
	sample_call(s, "GET", "/v1/whoami", b, NULL);
	assert_status(s, 200);
	sample_call(s, "GET", "/v1/whoami", other, NULL);
	assert_status(s, 200);
}

static void a_password_is_changed_only_by_who_knows_it_and_to_a_good_one(void **state)
{
	struct sample_server *s = *state;
	char a[SUT_TOKEN_MAX];

	account_user(s, admin(s), "carol", VIEWER, a);
	sample_call(s, "POST", "/v1/password", a,
		    "{\"old\":\"" ACCOUNT_PASSWORD "\",\"new\":\"password1234\"}");
	assert_problem(s, 422, "weak-password");
	sample_call(s, "POST", "/v1/password", a,
		    "{\"old\":\"" ACCOUNT_PASSWORD "\",\"new\":\"" ACCOUNT_PASSWORD "\"}");
	assert_problem(s, 422, "weak-password");
	for (int i = 0; i < 5; i++) {
		sample_call(s, "POST", "/v1/password", a,
			    "{\"old\":\"a guess\",\"new\":\"small red windmill\"}");
		assert_problem(s, 403, "wrong-password");
	}
	/* Guessing here counts as guessing at the door. */
	sample_call(s, "POST", "/v1/password", a,
		    "{\"old\":\"" ACCOUNT_PASSWORD "\",\"new\":\"small red windmill\"}");
	assert_problem(s, 429, "too-many-attempts");
	account_login(s, "carol", ACCOUNT_PASSWORD);
	assert_problem(s, 429, "too-many-attempts");
	/* The users of the sample have no password. */
	sample_call(s, "POST", "/v1/password", admin(s),
		    "{\"old\":\"a guess\",\"new\":\"small red windmill\"}");
	assert_problem(s, 409, "service-account");
}

static void a_disabled_tenant_lets_nobody_in(void **state)
{
	struct sample_server *s = *state;
	char a[SUT_TOKEN_MAX];

	account_user(s, admin(s), "carol", VIEWER, a);
	sample_call(s, "PATCH", "/v1/tenants/alpha", s->staff, "{\"disabled\":true}");
	assert_status(s, 200);
	account_login(s, "carol", ACCOUNT_PASSWORD);
	assert_problem(s, 403, "tenant-disabled");
	account_login(s, "carol", "wrong");
	assert_problem(s, 401, "wrong-credentials");
	sample_call(s, "GET", "/v1/whoami", a, NULL);
	assert_problem(s, 403, "tenant-disabled");
}

static void logins_and_refusals_are_in_the_audit_log_without_secrets(void **state)
{
	struct sample_server *s = *state;
	char a[SUT_TOKEN_MAX];

	account_user(s, admin(s), "carol", VIEWER, a);
	account_login(s, "carol", "a wrong password");
	account_login(s, "no-such-user", "a wrong password");
	assert_int_equal(sample_number(s,
				       "SELECT COUNT(*) FROM audit WHERE action = 'session.create' "
				       "AND actor = 'carol' AND actor_kind = 'user'"),
			 1);
	assert_int_equal(
		sample_number(
			s, "SELECT COUNT(*) FROM audit a JOIN tenants t ON t.id = a.tenant WHERE "
			   "action = 'session.refuse' AND object = 'carol' AND t.name = 'alpha' "
			   "AND actor_kind = 'nobody' AND address = '127.0.0.1'"),
		1);
	assert_int_equal(sample_number(s,
				       "SELECT COUNT(*) FROM audit WHERE action = 'session.refuse' "
				       "AND object = '(unknown)' AND tenant = 0"),
			 1);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM audit WHERE action = 'password.change'"), 1);
	account_not_stored(s, "a wrong password");
	account_not_stored(s, ACCOUNT_PASSWORD);
}

static void a_hash_of_less_cost_is_made_anew_at_login(void **state)
{
	struct sample_server *s = *state;
	char a[SUT_TOKEN_MAX];

	account_user(s, admin(s), "carol", VIEWER, a);
	/* argon2id, 8 MiB, one pass, of "old password" */
	sample_sql(
		s,
		"UPDATE users SET password = '$argon2id$v=19$m=8192,t=1,p=1"
		"$c2FsdHNhbHRzYWx0c2FsdA$t6v0f8ESdL7UUyUCwt3YMZiz7SfSgX4EMm1ZWteSBdA' WHERE name = 'carol'");
	account_login(s, "carol", "old password");
	assert_status(s, 201);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM users WHERE name = 'carol' AND "
					  "password LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'"),
			 1);
	account_login(s, "carol", "old password");
	assert_status(s, 201);
}

static void a_login_needs_both_fields_and_no_others(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"user\":\"carol\"}",
		"{\"user\":\"carol\",\"password\":\"\"}",
		"{\"user\":\"carol\",\"password\":1}",
		"{\"user\":\"carol\",\"password\":\"x\",\"otp\":\"1\"}",
	};
	struct sample_server *s = *state;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		sample_call(s, "POST", "/v1/sessions", NULL, bad[i]);
		assert_status(s, 422);
	}
}

/* --- many at once, through the threads of a portal as it serves --- */

struct crowd {
	struct server *p;
	const char *body;
	_Atomic int said[600]; /* answers by status */
};

static void *guess(void *arg)
{
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	struct crowd *c = arg;
	const struct web_call call = {
		.method = "POST",
		.target = "/v1/sessions",
		.headers = headers,
		.body = c->body,
		.len = strlen(c->body),
	};

	for (int tries = 0; tries < 2000; tries++) {
		struct web_resp r;
		int status;

		web_handle(c->p, &call, &r);
		status = r.status;
		web_resp_release(&r);
		assert_in_range(status, 200, 599);
		c->said[status]++;
		if (status != 503)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	return NULL;
}

static void readers(struct server_conf *c)
{
	c->readers = 4;
}

static void many_guesses_at_once_are_worth_no_more_than_five(void **state)
{
	struct sample_server *s = *state;
	struct crowd c = {.body = "{\"user\":\"carol\",\"password\":\"a guess\"}"};
	pthread_t threads[40];
	char once[64];

	account_make(s, admin(s), "carol", VIEWER, once);
	sample_server_again(s, readers);
	c.p = s->p;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, guess, &c), 0);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(c.said[401], 5);
	assert_int_equal(c.said[429], 35);
	assert_int_equal(sample_number(s, "SELECT failures FROM login_failures "
					  "WHERE subject = 'user:carol'"),
			 5);
	account_login(s, "carol", once);
	assert_problem(s, 429, "too-many-attempts");
	s->now += 5;
	account_login(s, "carol", once);
	assert_status(s, 201);
}

static void many_who_log_in_at_once_all_get_in(void **state)
{
	struct sample_server *s = *state;
	char once[64], body[256];
	struct crowd c = {.body = body};
	pthread_t threads[20];

	account_make(s, admin(s), "carol", VIEWER, once);
	(void)snprintf(body, sizeof(body), "{\"user\":\"carol\",\"password\":\"%s\"}", once);
	sample_server_again(s, readers);
	c.p = s->p;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, guess, &c), 0);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(c.said[201], 20);
	assert_int_equal(c.said[401], 0);
	/* Two at a time verify; the rest was told to come again. */
	assert_true(c.said[503] > 0);
	assert_int_equal(s->p->hashing, 0);
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}
	static const struct sample_server_case cases[] = {
		CASE(a_login_gives_a_token_that_works_for_twelve_hours),
		CASE(until_the_password_is_changed_nothing_else_can_be_done),
		CASE(who_does_not_get_in_is_not_told_why),
		CASE(an_unknown_user_takes_as_long_as_a_known_one),
		CASE(after_five_wrong_passwords_one_has_to_wait),
		CASE(a_name_that_nobody_has_waits_too),
		CASE(an_address_waits_after_twenty_whatever_the_names),
		CASE(portals_count_together),
		CASE(failures_of_yesterday_do_not_count),
		CASE(logging_out_ends_the_session_alone),
		CASE(a_new_password_ends_the_other_sessions),
		CASE(a_password_is_changed_only_by_who_knows_it_and_to_a_good_one),
		CASE(a_disabled_tenant_lets_nobody_in),
		CASE(logins_and_refusals_are_in_the_audit_log_without_secrets),
		CASE(a_hash_of_less_cost_is_made_anew_at_login),
		CASE(a_login_needs_both_fields_and_no_others),
		CASE(many_guesses_at_once_are_worth_no_more_than_five),
		CASE(many_who_log_in_at_once_all_get_in),
	};

	return SAMPLE_PORTAL_RUN(cases);
}
