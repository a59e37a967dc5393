// SPDX-License-Identifier: Apache-2.0
/* What all calls have in common: bodies, arguments, pages, ETags, repeated calls. */
#include "unit.h"

#include <string.h>

#include "sample_frame.h"
#include "sample_portal.h"

static const char *operator_of(struct sample_server *s)
{
	return s->tenant[0].token[SAMPLE_OPERATOR];
}

static void an_unknown_path_is_not_found(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "GET", "/v1/nothing-here", NULL, NULL);
	assert_problem(s, 404, "not-found");
	assert_string_equal(sample_text(s, "type"), "urn:suture:problem:not-found");
	assert_string_equal(sample_text(s, "title"), "Not found");
	assert_string_equal(s->r.type, "application/problem+json");
	assert_int_equal(strlen(sample_text(s, "request_id")), 16);
}

static void another_method_is_told_which_ones_there_are(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "DELETE", "/healthz", NULL, NULL);
	assert_problem(s, 405, "method-not-allowed");
	assert_string_equal(sample_answer_header(s, "Allow"), "GET, HEAD");
	sample_call(s, "HEAD", "/healthz", NULL, NULL);
	assert_status(s, 200);
}

static void arguments_that_are_not_known_are_a_mistake(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "GET", "/healthz?x=1", NULL, NULL);
	assert_problem(s, 400, "unknown-argument");
	sample_call(s, "GET", "/healthz?x=%zz", NULL, NULL);
	assert_problem(s, 400, "bad-target");
	sample_frame(s);
	sample_call(s, "GET", "/t/list?limit=1&limit=2", operator_of(s), NULL);
	assert_problem(s, 400, "bad-argument");
}

/* --- bodies --- */

static void bodies_that_are_no_json_are_refused(void **state)
{
	static const struct {
		const char *body;
		int status;
		const char *code;
	} cases[] = {
		{"{", 400, "bad-json"},
		{"{\"text\": 1} x", 400, "bad-json"},
		{"{\"text\": \"a\", \"text\": \"b\"}", 400, "bad-json"},
		{"{\"text\": \"a\\u0000b\"}", 400, "bad-json"},
		{"{\"text\": \"\xff\"}", 400, "bad-json"},
		{"{\"text\": 1e999}", 400, "bad-json"},
		{"{\"text\": 99999999999999999999999}", 400, "bad-json"},
		{"\"text\"", 400, "bad-json"},
		{"[[[[[[[[[[[[[[[[[[[[[[", 400, "json-too-deep"},
		{"{\"text\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", 400, "json-too-deep"},
		{"[\"text\"]", 422, "invalid-field"},
		{"{\"text\": \"[[[[[[[[[[[[[[[[[[[[[[[[[\"}", 201, ""},
		{"{\"text\": \"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[\"}", 201, ""},
	};
	struct sample_server *s = *state;

	sample_frame(s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		sample_call(s, "POST", "/t/open", NULL, cases[i].body);
		assert_problem(s, cases[i].status, cases[i].code);
	}
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM notes"), 2);
}

static void what_stood_in_a_bad_body_is_not_repeated(void **state)
{
	struct sample_server *s = *state;

	sample_frame(s);
	sample_call(s, "POST", "/t/open", NULL, "{\"password\": \"hunter2hunter2\"");
	assert_problem(s, 400, "bad-json");
	assert_null(strstr(sut_buf_str(&s->r.raw), "hunter2"));
}

static void the_type_of_the_body_counts(void **state)
{
	static const char body[] = "{\"text\": \"x\"}";
	static const struct {
		const char *header;
		int status;
	} cases[] = {
		{NULL, 201},
		{"Content-Type: application/json; charset=utf-8", 201},
		{"Content-Type: APPLICATION/JSON", 201},
		{"Content-Type: application/x+json", 201},
		{"Content-Type: application/x-www-form-urlencoded", 415},
		{"Content-Type: application/jsonx", 415},
		{"Content-Type: text/plain", 415},
	};
	struct sample_server *s = *state;

	sample_frame(s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		if (cases[i].header)
			sample_header(s, cases[i].header);
		sample_call_raw(s, "POST", "/t/open", NULL, body, strlen(body));
		assert_status(s, cases[i].status);
	}
}

static void large_bodies_are_refused_where_they_are_not_wanted(void **state)
{
	struct sample_server *s = *state;
	char *body = calloc(1, WEB_BODY_MAX + 1);

	sample_frame(s);
	assert_non_null(body);
	sample_call_raw(s, "POST", "/t/raw", NULL, body, WEB_BODY_MAX);
	assert_status(s, 200);
	assert_int_equal(s->r.raw.len, WEB_BODY_MAX);
	sample_call_raw(s, "POST", "/t/raw", NULL, body, WEB_BODY_MAX + 1);
	assert_problem(s, 413, "body-too-large");
	sample_call_raw(s, "POST", "/t/raw-big", NULL, body, WEB_BODY_MAX + 1);
	assert_status(s, 200);
	free(body);
	sample_call(s, "GET", "/t/big", NULL, "{}");
	assert_problem(s, 400, "unexpected-body");
}

static void all_that_is_wrong_is_said_at_once(void **state)
{
	struct sample_server *s = *state;
	const json_t *errors;

	sample_frame(s);
	sample_call(s, "POST", "/t/open", NULL, "{\"text\": 5, \"mode\": false, \"else\": 1}");
	assert_problem(s, 422, "invalid-field");
	errors = json_object_get(s->json, "errors");
	assert_int_equal(json_array_size(errors), 3);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(errors, 0), "pointer")), "/text");
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(errors, 2), "pointer")), "/else");
	/* A body that is missing lacks what is required. */
	sample_call(s, "POST", "/t/open", NULL, NULL);
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "POST", "/t/open", NULL, "{\"text\": \"a\\u0007b\"}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "POST", "/t/open", NULL, "{\"text\": null}");
	assert_problem(s, 422, "invalid-field");
}

/* --- pages --- */

static void pages_give_every_row_once(void **state)
{
	struct sample_server *s = *state;
	char target[64] = "/t/list?x=a%20b&limit=4";
	size_t seen = 0;

	sample_frame(s);
	for (int i = 0; i < 10; i++)
		sample_sql(s, "INSERT INTO notes (text) VALUES ('x')");
	for (size_t page = 0;; page++) {
		const char *next, *link;

		sample_call(s, "GET", target, operator_of(s), NULL);
		assert_status(s, 200);
		seen += json_array_size(json_object_get(s->json, "items"));
		next = json_string_value(json_object_get(s->json, "next"));
		link = sample_answer_header(s, "Link");
		if (!next) {
			assert_true(json_is_null(json_object_get(s->json, "next")));
			assert_null(link);
			assert_int_equal(page, 2);
			break;
		}
		/* What comes and goes meanwhile moves nothing. */
		sample_sql(s, "DELETE FROM notes WHERE id = 1");
		snprintf(target, sizeof(target), "/t/list?x=a%%20b&limit=4&cursor=%s", next);
		assert_non_null(link);
		assert_non_null(strstr(link, target));
		assert_non_null(strstr(link, "; rel=\"next\""));
	}
	assert_int_equal(seen, 10);
}

static void limits_and_cursors_are_numbers_within_bounds(void **state)
{
	static const char *const bad[] = {
		"limit=0",
		"limit=501",
		"limit=-1",
		"limit=x",
		"limit=",
		"limit=1x",
		"limit=+1",
		"limit=%201",
		"cursor=x",
		"cursor=-1",
		"limit=99999999999999999999",
	};
	struct sample_server *s = *state;

	sample_frame(s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		char target[80];

		snprintf(target, sizeof(target), "/t/list?%s", bad[i]);
		sample_call(s, "GET", target, operator_of(s), NULL);
		assert_problem(s, 400, "bad-argument");
	}
	sample_call(s, "GET", "/t/list?limit=500", operator_of(s), NULL);
	assert_status(s, 200);
}

/* --- conditional calls, compression --- */

static void what_the_client_has_already_is_not_sent(void **state)
{
	struct sample_server *s = *state;

	sample_frame(s);
	sample_call(s, "GET", "/t/etag", NULL, NULL);
	assert_status(s, 200);
	assert_string_equal(s->r.etag, "\"v7\"");
	sample_header(s, "If-None-Match: \"v6\", W/\"v7\"");
	sample_call(s, "GET", "/t/etag", NULL, NULL);
	assert_status(s, 304);
	assert_int_equal(s->r.raw.len, 0);
	assert_string_equal(s->r.etag, "\"v7\"");
	sample_header(s, "If-None-Match: \"v6\"");
	sample_call(s, "GET", "/t/etag", NULL, NULL);
	assert_status(s, 200);
}

static void what_was_changed_meanwhile_is_not_overwritten(void **state)
{
	struct sample_server *s = *state;

	sample_frame(s);
	sample_header(s, "If-Match: \"v6\"");
	sample_call(s, "GET", "/t/etag", NULL, NULL);
	assert_problem(s, 412, "changed");
	sample_header(s, "If-Match: \"v7\"");
	sample_call(s, "GET", "/t/etag", NULL, NULL);
	assert_status(s, 200);
}

static void answers_are_compressed_for_who_takes_it(void **state)
{
	struct sample_server *s = *state;
	size_t plain;

	sample_frame(s);
	sample_call(s, "GET", "/t/big", NULL, NULL);
	plain = s->r.raw.len;
	assert_null(sample_answer_header(s, "Content-Encoding"));
	assert_string_equal(sample_answer_header(s, "Vary"), "Accept-Encoding");
	sample_header(s, "Accept-Encoding: gzip");
	sample_call(s, "GET", "/t/big", NULL, NULL);
	assert_string_equal(sample_answer_header(s, "Content-Encoding"), "gzip");
	assert_true(s->r.raw.len < plain / 10);
	assert_int_equal(s->r.raw.data[0], 0x1f);
	assert_int_equal(s->r.raw.data[1], 0x8b);
}

/* --- prepare --- */

static void prepare_runs_before_and_is_freed_after(void **state)
{
	struct sample_server *s = *state;

	sample_frame(s);
	sample_call(s, "POST", "/t/prepared", operator_of(s), "{\"text\": \"x\"}");
	assert_status(s, 201);
	assert_int_equal(frame.prepared, 1);
	assert_int_equal(frame.freed, 1);
	sample_call(s, "POST", "/t/prepared", operator_of(s), "{\"text\": \"x\", \"refuse\": 1}");
	assert_problem(s, 409, "test-refused");
	assert_int_equal(frame.prepared, 2);
	assert_int_equal(frame.freed, 1);
	assert_int_equal(frame.runs, 1);
	/* Who may not call it makes it do nothing. */
	sample_call(s, "POST", "/t/prepared", s->tenant[0].token[SAMPLE_VIEWER],
		    "{\"text\": \"x\"}");
	assert_status(s, 403);
	assert_int_equal(frame.prepared, 2);
}

/* --- idempotency --- */

static int64_t notes(struct sample_server *s)
{
	return sample_number(s, "SELECT COUNT(*) FROM notes");
}

static void a_repeated_call_gets_the_same_answer_and_does_nothing(void **state)
{
	struct sample_server *s = *state;
	char *first;

	sample_frame(s);
	sample_header(s, "Idempotency-Key: one");
	sample_call(s, "POST", "/t/note", operator_of(s), "{\"text\": \"a\"}");
	assert_status(s, 201);
	assert_null(sample_answer_header(s, "Idempotency-Replayed"));
	first = json_dumps(s->json, JSON_SORT_KEYS);
	for (int i = 0; i < 3; i++) {
		char *again;

		/* Also in a process that knows nothing of it. */
		sample_header(s, "Idempotency-Key: one");
		sample_call(s, "POST", "/t/note", operator_of(s), "{\"text\": \"a\"}");
		assert_status(s, 201);
		again = json_dumps(s->json, JSON_SORT_KEYS);
		assert_string_equal(again, first);
		free(again);
		assert_string_equal(sample_answer_header(s, "Location"), "/t/note/1");
		assert_string_equal(sample_answer_header(s, "Idempotency-Replayed"), "true");
		assert_string_equal(s->r.etag, "\"v1\"");
	}
	free(first);
	assert_int_equal(frame.runs, 1);
	assert_int_equal(notes(s), 1);
}

static void the_same_key_with_another_request_is_refused(void **state)
{
	struct sample_server *s = *state;

	sample_frame(s);
	sample_header(s, "Idempotency-Key: one");
	sample_call(s, "POST", "/t/note", operator_of(s), "{\"text\": \"a\"}");
	sample_header(s, "Idempotency-Key: one");
	sample_call(s, "POST", "/t/note", operator_of(s), "{\"text\": \"b\"}");
	assert_problem(s, 422, "idempotency-key-reused");
	sample_header(s, "Idempotency-Key: one");
	sample_call(s, "POST", "/t/note?x=1", operator_of(s), "{\"text\": \"a\"}");
	assert_problem(s, 422, "idempotency-key-reused");
	assert_int_equal(notes(s), 1);
}

static void staff_in_another_tenant_make_another_request(void **state)
{
	struct sample_server *s = *state;

	sample_frame(s);
	sample_header(s, "Idempotency-Key: one");
	sample_header(s, "Suture-Tenant: alpha");
	sample_call(s, "POST", "/t/note", s->staff, "{\"text\": \"a\"}");
	assert_status(s, 201);
	sample_header(s, "Idempotency-Key: one");
	sample_header(s, "Suture-Tenant: beta");
	sample_call(s, "POST", "/t/note", s->staff, "{\"text\": \"a\"}");
	assert_problem(s, 422, "idempotency-key-reused");
}

static void keys_of_different_callers_have_nothing_to_do_with_each_other(void **state)
{
	struct sample_server *s = *state;

	sample_frame(s);
	for (size_t i = 0; i < 2; i++) {
		sample_header(s, "Idempotency-Key: one");
		sample_call(s, "POST", "/t/note", s->tenant[i].token[SAMPLE_OPERATOR],
			    "{\"text\": \"a\"}");
		assert_status(s, 201);
		assert_null(sample_answer_header(s, "Idempotency-Replayed"));
	}
	assert_int_equal(notes(s), 2);
}

static void what_failed_can_be_tried_again_with_the_same_key(void **state)
{
	static const char *const modes[] = {"no", "io", "full"};
	struct sample_server *s = *state;

	sample_frame(s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(modes); i++) {
		char body[80];

		snprintf(body, sizeof(body), "{\"text\": \"a\", \"mode\": \"%s\"}", modes[i]);
		sample_header(s, "Idempotency-Key: one");
		sample_call(s, "POST", "/t/note", operator_of(s), body);
		assert_true(s->status >= 400);
	}
	sample_header(s, "Idempotency-Key: one");
	sample_call(s, "POST", "/t/note", operator_of(s), "{\"text\": \"a\"}");
	assert_status(s, 201);
	assert_int_equal(notes(s), 1);
}

static void after_a_day_a_key_is_new_again(void **state)
{
	struct sample_server *s = *state;

	sample_frame(s);
	sample_header(s, "Idempotency-Key: one");
	sample_call(s, "POST", "/t/note", operator_of(s), "{\"text\": \"a\"}");
	s->now += WEB_IDEMPOTENCY_SEC;
	sample_header(s, "Idempotency-Key: one");
	sample_call(s, "POST", "/t/note", operator_of(s), "{\"text\": \"b\"}");
	assert_status(s, 201);
	assert_int_equal(notes(s), 2);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM idempotency"), 1);
}

/* The answer may hold a secret that is shown once. */
static void the_database_alone_does_not_tell_the_answer(void **state)
{
	struct sample_server *s = *state;
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct sut_err err = {0};
	const void *blob;
	size_t n;

	sample_frame(s);
	sample_header(s, "Idempotency-Key: my-own-key");
	sample_call(s, "POST", "/t/note", operator_of(s), "{\"text\": \"very-secret\"}");
	assert_status(s, 201);
	assert_int_equal(sut_db_one(s->c, "SELECT answer, key_hash, scope FROM idempotency",
				    SUT_DB_NONE, &rows, &err),
			 1);
	blob = sut_db_blob(rows, 0, &n);
	assert_true(n > 28);
	assert_null(memmem(blob, n, "very-secret", 11));
	assert_null(memmem(blob, n, "status", 6));
	blob = sut_db_blob(rows, 1, &n);
	assert_int_equal(n, 32);
	assert_null(strstr(sut_db_text(rows, 2), "my-own-key"));
}

static void enrolment_with_a_registration_key_can_be_repeated(void **state)
{
	static const char body[] = "{\"text\": \"a\", \"key\": \"sutkey_1\"}";
	struct sample_server *s = *state;

	sample_frame(s);
	for (int i = 0; i < 2; i++) {
		sample_header(s, "Idempotency-Key: one");
		sample_call(s, "POST", "/t/open", NULL, body);
		assert_status(s, 201);
	}
	assert_int_equal(notes(s), 1);
	sample_header(s, "Idempotency-Key: one");
	sample_call(s, "POST", "/t/open", NULL, "{\"text\": \"b\", \"key\": \"sutkey_1\"}");
	assert_problem(s, 422, "idempotency-key-reused");
	/* Another registration key is another caller. */
	sample_header(s, "Idempotency-Key: one");
	sample_call(s, "POST", "/t/open", NULL, "{\"text\": \"b\", \"key\": \"sutkey_2\"}");
	assert_status(s, 201);
	/* Without any there is nobody whom the answer could be kept for. */
	for (int i = 0; i < 2; i++) {
		sample_header(s, "Idempotency-Key: one");
		sample_call(s, "POST", "/t/open", NULL, "{\"text\": \"c\"}");
		assert_status(s, 201);
	}
	assert_int_equal(notes(s), 4);
}

static void a_key_that_is_none_is_refused(void **state)
{
	struct sample_server *s = *state;
	char header[400] = "Idempotency-Key: ";

	sample_frame(s);
	sample_header(s, "Idempotency-Key: a\x01"
			 "b");
	sample_call(s, "POST", "/t/note", operator_of(s), "{\"text\": \"a\"}");
	assert_problem(s, 400, "bad-idempotency-key");
	memset(header + 17, 'x', 256);
	sample_header(s, header);
	sample_call(s, "POST", "/t/note", operator_of(s), "{\"text\": \"a\"}");
	assert_problem(s, 400, "bad-idempotency-key");
	header[17 + 255] = '\0';
	sample_header(s, header);
	sample_call(s, "POST", "/t/note", operator_of(s), "{\"text\": \"a\"}");
	assert_status(s, 201);
}

/* --- metrics --- */

static void metrics_are_for_their_networks_only(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "GET", "/metrics", NULL, NULL);
	assert_status(s, 200);
	assert_non_null(strstr(sut_buf_str(&s->r.raw),
			       "\nsuture_portal_queue_length{queue=\"writer\"} 0\n"));
	s->peer = "192.0.2.1";
	sample_call(s, "GET", "/metrics", NULL, NULL);
	assert_problem(s, 403, "network-not-allowed");
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}
	static const struct sample_server_case cases[] = {
		CASE(an_unknown_path_is_not_found),
		CASE(another_method_is_told_which_ones_there_are),
		CASE(arguments_that_are_not_known_are_a_mistake),
		CASE(bodies_that_are_no_json_are_refused),
		CASE(what_stood_in_a_bad_body_is_not_repeated),
		CASE(the_type_of_the_body_counts),
		CASE(large_bodies_are_refused_where_they_are_not_wanted),
		CASE(all_that_is_wrong_is_said_at_once),
		CASE(pages_give_every_row_once),
		CASE(limits_and_cursors_are_numbers_within_bounds),
		CASE(what_the_client_has_already_is_not_sent),
		CASE(what_was_changed_meanwhile_is_not_overwritten),
		CASE(answers_are_compressed_for_who_takes_it),
		CASE(prepare_runs_before_and_is_freed_after),
		CASE(a_repeated_call_gets_the_same_answer_and_does_nothing),
		CASE(the_same_key_with_another_request_is_refused),
		CASE(staff_in_another_tenant_make_another_request),
		CASE(keys_of_different_callers_have_nothing_to_do_with_each_other),
		CASE(what_failed_can_be_tried_again_with_the_same_key),
		CASE(after_a_day_a_key_is_new_again),
		CASE(the_database_alone_does_not_tell_the_answer),
		CASE(enrolment_with_a_registration_key_can_be_repeated),
		CASE(a_key_that_is_none_is_refused),
		CASE(metrics_are_for_their_networks_only),
	};

	return SAMPLE_PORTAL_RUN(cases);
}
