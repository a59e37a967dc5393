// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "sample_portal.h"
#include "web/task.h"

#include "accounts.h"

enum { DAY = 24 * 3600 };

static const char *admin(const struct sample_server *s)
{
	return s->tenant[0].token[SAMPLE_ADMIN];
}

static const char *viewer(const struct sample_server *s)
{
	return s->tenant[0].token[SAMPLE_VIEWER];
}

static void a_token_is_shown_once_and_works_until_it_expires(void **state)
{
	struct sample_server *s = *state;
	char token[SUT_TOKEN_MAX], id[32], target[64];

	sample_call(
		s, "POST", "/v1/tokens", viewer(s),
		"{\"name\":\"ci\",\"roles\":[\"viewer\"],\"expires\":\"2026-11-28T11:06:40Z\"}");
	assert_status(s, 201);
	account_keep(s, "token", token, sizeof(token));
	account_keep(s, "id", id, sizeof(id));
	assert_int_equal(sut_token_kind(token), SUT_TOKEN_API);
	assert_string_equal(sample_text(s, "user"), "alpha-viewer");
	(void)snprintf(target, sizeof(target), "/v1/tokens/%s", id);
	assert_string_equal(sample_answer_header(s, "Location"), target);
	sample_call(s, "GET", target, viewer(s), NULL);
	assert_status(s, 200);
	assert_null(json_object_get(s->json, "token"));
	assert_memory_equal(sample_text(s, "hint"), token, 11);
	account_not_stored(s, token);
	account_not_stored(s, token + 11); /* nor what the hint does not show */
	sample_call(s, "GET", "/v1/whoami", token, NULL);
	assert_status(s, 200);
	s->now += 10 * DAY;
	sample_call(s, "GET", "/v1/whoami", token, NULL);
	assert_problem(s, 401, "token-expired");
}

static void ninety_days_are_the_default_and_four_hundred_the_most(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "POST", "/v1/tokens", viewer(s), "{\"name\":\"ci\"}");
	assert_status(s, 201);
	assert_string_equal(sample_text(s, "expires"), "2027-02-16T11:06:40Z");
	sample_call(s, "POST", "/v1/tokens", viewer(s),
		    "{\"name\":\"ci\",\"expires\":\"2027-12-23T11:06:40Z\"}");
	assert_status(s, 201);
	sample_call(s, "POST", "/v1/tokens", viewer(s),
		    "{\"name\":\"ci\",\"expires\":\"2027-12-23T11:06:41Z\"}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "POST", "/v1/tokens", viewer(s), "{\"name\":\"ci\",\"expires\":null}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "POST", "/v1/tokens", viewer(s),
		    "{\"name\":\"ci\",\"expires\":\"2026-11-18T11:06:40Z\"}");
	assert_problem(s, 422, "invalid-field");
	/* Staff may. */
	sample_call(s, "POST", "/v1/tokens", s->staff, "{\"name\":\"ci\",\"expires\":null}");
	assert_status(s, 201);
	assert_true(json_is_null(json_object_get(s->json, "expires")));
}

static void a_token_has_no_more_than_its_maker_and_its_user(void **state)
{
	struct sample_server *s = *state;
	char weak[SUT_TOKEN_MAX];

	sample_call(s, "POST", "/v1/tokens", viewer(s),
		    "{\"name\":\"x\",\"roles\":[\"viewer\",\"operator\"]}");
	assert_problem(s, 422, "invalid-field");
	/* An admin has all roles, and gives a part of them. */
	sample_call(s, "POST", "/v1/tokens", admin(s), "{\"name\":\"x\",\"roles\":[\"viewer\"]}");
	assert_status(s, 201);
	account_keep(s, "token", weak, sizeof(weak));
	sample_call(s, "GET", "/v1/users", weak, NULL);
	assert_problem(s, 403, "forbidden");
	/* With the part one does not get the whole again. */
	sample_call(s, "POST", "/v1/tokens", weak, "{\"name\":\"x\",\"roles\":[\"admin\"]}");
	assert_problem(s, 403, "role-not-yours");
	sample_call(s, "POST", "/v1/tokens", weak, "{\"name\":\"x\"}");
	assert_status(s, 201);
	assert_int_equal(json_array_size(json_object_get(s->json, "roles")), 1);
	/* For another user: only roles of his. */
	sample_call(s, "POST", "/v1/tokens", admin(s),
		    "{\"name\":\"x\",\"user\":\"alpha-viewer\",\"roles\":[\"operator\"]}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "POST", "/v1/tokens", admin(s),
		    "{\"name\":\"x\",\"user\":\"alpha-viewer\"}");
	assert_status(s, 201);
	assert_string_equal(sample_text(s, "user"), "alpha-viewer");
	sample_call(s, "POST", "/v1/tokens", viewer(s),
		    "{\"name\":\"x\",\"user\":\"alpha-operator\"}");
	assert_problem(s, 403, "forbidden");
	sample_call(s, "POST", "/v1/tokens", admin(s), "{\"name\":\"x\",\"user\":\"beta-viewer\"}");
	assert_problem(s, 422, "invalid-field");
}

static void a_token_cannot_prolong_itself(void **state)
{
	struct sample_server *s = *state;
	char token[SUT_TOKEN_MAX];

	sample_call(s, "POST", "/v1/tokens", viewer(s),
		    "{\"name\":\"ci\",\"expires\":\"2026-11-28T11:06:40Z\"}");
	account_keep(s, "token", token, sizeof(token));
	sample_call(s, "POST", "/v1/tokens", token,
		    "{\"name\":\"again\",\"expires\":\"2026-11-28T11:06:41Z\"}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "POST", "/v1/tokens", token, "{\"name\":\"again\"}");
	assert_status(s, 201);
	assert_string_equal(sample_text(s, "expires"), "2026-11-28T11:06:40Z");
}

static void revoked_is_revoked(void **state)
{
	struct sample_server *s = *state;
	char token[SUT_TOKEN_MAX], target[64];

	sample_call(s, "POST", "/v1/tokens", viewer(s), "{\"name\":\"ci\"}");
	account_keep(s, "token", token, sizeof(token));
	(void)snprintf(target, sizeof(target), "/v1/tokens/%s", sample_text(s, "id"));
	sample_call(s, "DELETE", target, viewer(s), NULL);
	assert_status(s, 204);
	sample_call(s, "GET", "/v1/whoami", token, NULL);
	assert_problem(s, 401, "token-unknown");
	sample_call(s, "DELETE", target, viewer(s), NULL);
	assert_problem(s, 404, "not-found");
}

static size_t listed(struct sample_server *s, const char *token)
{
	sample_call(s, "GET", "/v1/tokens?limit=500", token, NULL);
	assert_status(s, 200);
	return json_array_size(json_object_get(s->json, "items"));
}

static void everybody_sees_his_own_and_an_admin_those_of_the_tenant(void **state)
{
	struct sample_server *s = *state;
	char target[64], session[SUT_TOKEN_MAX];

	assert_int_equal(listed(s, viewer(s)), 1);
	assert_int_equal(listed(s, admin(s)), SAMPLE_ROLES);
	assert_int_equal(listed(s, s->tenant[0].token[SAMPLE_AUDITOR]), SAMPLE_ROLES);
	sample_call(s, "POST", "/v1/tokens", viewer(s), "{\"name\":\"ci\"}");
	(void)snprintf(target, sizeof(target), "/v1/tokens/%s", sample_text(s, "id"));
	assert_int_equal(listed(s, viewer(s)), 2);
	/* Logins are no API tokens. */
	account_user(s, admin(s), "carol", "[\"viewer\"]", session);
	assert_int_equal(listed(s, session), 0);
	sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_OPERATOR], NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "DELETE", target, s->tenant[0].token[SAMPLE_OPERATOR], NULL);
	assert_problem(s, 404, "not-found");
	/* An auditor reads, and changes nothing. */
	sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_AUDITOR], NULL);
	assert_status(s, 200);
	sample_call(s, "DELETE", target, s->tenant[0].token[SAMPLE_AUDITOR], NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "DELETE", target, s->tenant[1].token[SAMPLE_ADMIN], NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "DELETE", target, admin(s), NULL);
	assert_status(s, 204);
}

static void last_used_is_noted_at_most_once_an_hour(void **state)
{
	struct sample_server *s = *state;
	static const char sql[] = "SELECT COALESCE(last_used, 0) FROM tokens WHERE name = 'ci'";
	char token[SUT_TOKEN_MAX];
	int64_t first;

	sample_call(s, "POST", "/v1/tokens", viewer(s), "{\"name\":\"ci\"}");
	account_keep(s, "token", token, sizeof(token));
	assert_int_equal(sample_number(s, sql), 0);
	/* A call that writes notes it with its own transaction. */
	sample_call(s, "POST", "/v1/tokens", token, "{\"name\":\"other\"}");
	assert_status(s, 201);
	first = sample_number(s, sql);
	assert_int_equal(first, s->now);
	s->now += 3599;
	sample_call(s, "POST", "/v1/tokens", token, "{\"name\":\"third\"}");
	assert_int_equal(sample_number(s, sql), first);
	s->now += 1;
	sample_call(s, "POST", "/v1/tokens", token, "{\"name\":\"fourth\"}");
	assert_int_equal(sample_number(s, sql), s->now);
	/* One that only reads has no transaction: a task writes it down. */
	first = s->now;
	s->now += 3600;
	for (int i = 0; i < 3; i++)
		sample_call(s, "GET", "/v1/whoami", token, NULL);
	assert_int_equal(sample_number(s, sql), first);
	s->now += 30;
	assert_int_equal(task_token_use.run(s->p, s->c, s->now, NULL), 0);
	assert_int_equal(sample_number(s, sql), first + 3600);
	s->now += 3600 - 1;
	sample_call(s, "GET", "/v1/whoami", token, NULL);
	assert_int_equal(task_token_use.run(s->p, s->c, s->now, NULL), 0);
	assert_int_equal(sample_number(s, sql), s->now);
	s->now += 3599;
	sample_call(s, "GET", "/v1/whoami", token, NULL);
	assert_int_equal(task_token_use.run(s->p, s->c, s->now, NULL), 0);
	assert_int_equal(sample_number(s, sql), s->now - 3599);
}

static void sending_it_twice_makes_one_token(void **state)
{
	struct sample_server *s = *state;
	char first[SUT_TOKEN_MAX];

	for (int i = 0; i < 2; i++) {
		sample_header(s, "Idempotency-Key: token-1");
		sample_call(s, "POST", "/v1/tokens", viewer(s), "{\"name\":\"ci\"}");
		assert_status(s, 201);
		if (i == 0)
			account_keep(s, "token", first, sizeof(first));
		assert_string_equal(sample_text(s, "token"), first);
	}
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM tokens WHERE name = 'ci'"), 1);
	account_not_stored(s, first);
	/* It is in the audit log once, and with no more of it than the hint. */
	sample_call(s, "GET", "/v1/audit?action=token.create", admin(s), NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 1);
	assert_null(strstr(sut_buf_str(&s->r.raw), first));
}

static void a_user_has_at_most_two_hundred(void **state)
{
	struct sample_server *s = *state;

	for (int i = 0; i < 199; i++) {
		account_call(s, "POST", "/v1/tokens", viewer(s), "{\"name\":\"t%d\"}", i);
		assert_status(s, 201);
	}
	sample_call(s, "POST", "/v1/tokens", viewer(s), "{\"name\":\"last\"}");
	assert_problem(s, 409, "too-many");
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}
	static const struct sample_server_case cases[] = {
		CASE(a_token_is_shown_once_and_works_until_it_expires),
		CASE(ninety_days_are_the_default_and_four_hundred_the_most),
		CASE(a_token_has_no_more_than_its_maker_and_its_user),
		CASE(a_token_cannot_prolong_itself),
		CASE(revoked_is_revoked),
		CASE(everybody_sees_his_own_and_an_admin_those_of_the_tenant),
		CASE(last_used_is_noted_at_most_once_an_hour),
		CASE(sending_it_twice_makes_one_token),
		CASE(a_user_has_at_most_two_hundred),
	};

	return SAMPLE_PORTAL_RUN(cases);
}
