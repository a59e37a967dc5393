/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/keys: registration keys. */
#include "unit.h"

#include <string.h>

#include "sample_portal.h"

static void with_url(struct server_conf *c)
{
	free(c->url);
	c->url = strdup("https://portal.example/");
	assert_non_null(c->url);
}

static void test_a_random_key_is_shown_once_and_stored_hashed(void **state)
{
	struct sample_server *s = *state;
	const char *token = s->tenant[0].token[SAMPLE_KEYS];
	char key[SUT_TOKEN_MAX], path[64], want[256];

	sample_call(s, "POST", "/v1/keys", token, "{\"note\":\"web\",\"max_systems\":3}");
	assert_status(s, 201);
	snprintf(key, sizeof(key), "%s", sample_text(s, "key"));
	assert_int_equal(sut_token_kind(key), SUT_TOKEN_KEY);
	/* One line for a shell, in which the key is an argument of nothing but the shell's own printf. */
	snprintf(
		want, sizeof(want),
		"printf %%s %s | curl -fsS --data-binary @- https://portal.example/install | sudo sh",
		key);
	assert_string_equal(sample_text(s, "install_command"), want);
	assert_string_equal(sample_text(s, "kind"), "random");
	assert_string_equal(sample_text(s, "feed"), "stable");
	assert_int_equal(sample_int(s, "systems"), 0);
	snprintf(path, sizeof(path), "/v1/keys/%s", sample_text(s, "id"));
	assert_string_equal(sample_answer_header(s, "Location"), path);

	sample_call(s, "GET", path, token, NULL);
	assert_status(s, 200);
	assert_null(json_object_get(s->json, "key"));
	assert_null(strstr(sut_buf_str(&s->r.raw), key));
	assert_int_equal(strncmp(sample_text(s, "hint"), key, 11), 0);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM audit WHERE action = 'key.create'"),
			 1);
}

static void test_only_key_managers_make_keys_and_auditors_read_them(void **state)
{
	struct sample_server *s = *state;

	for (int role = 0; role < SAMPLE_ROLES; role++) {
		bool may = role == SAMPLE_KEYS || role == SAMPLE_ADMIN;

		sample_call(s, "POST", "/v1/keys", s->tenant[0].token[role], "{}");
		assert_status(s, may ? 201 : 403);
		sample_call(s, "GET", "/v1/keys", s->tenant[0].token[role], NULL);
		assert_status(s, may || role == SAMPLE_AUDITOR ? 200 : 403);
	}
}

static void test_a_mistake_in_a_key_is_named(void **state)
{
	struct sample_server *s = *state;
	const char *token = s->tenant[0].token[SAMPLE_KEYS];
	static const struct {
		const char *body, *pointer;
	} cases[] = {
		{"{\"kind\":\"golden\"}", "/kind"},
		{"{\"kind\":\"customer\"}", "/customer_id"},
		{"{\"kind\":\"random\",\"customer_id\":\"c\"}", "/customer_id"},
		{"{\"limit_kind\":\"soft\"}", "/limit_kind"},
		{"{\"max_systems\":-1}", "/max_systems"},
		{"{\"networks\":[\"10.0.0.1/8\"]}", "/networks/0"},
		{"{\"networks\":[\"10.0.0.0/8\",7]}", "/networks/1"},
		{"{\"products\":[]}", "/products"},
		{"{\"products\":[\"database\"]}", "/products"},
		{"{\"tags\":{\"Site\":\"x\"}}", "/tags/Site"},
		{"{\"tags\":{\"site\":7}}", "/tags/site"},
		{"{\"feed\":\"none\"}", "/feed"},
		{"{\"pin\":\"tuesday\"}", "/pin"},
		{"{\"delay_hours\":9000}", "/delay_hours"},
		{"{\"expires\":\"2020-01-01T00:00:00Z\"}", "/expires"},
		{"{\"limit\":3}", "/limit"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		sample_call(s, "POST", "/v1/keys", token, cases[i].body);
		assert_problem(s, 422, "invalid-field");
		if (!strstr(sut_buf_str(&s->r.raw), cases[i].pointer))
			fail_msg("%s: %s", cases[i].body, sut_buf_str(&s->r.raw));
	}
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM keys"), 0);
}

static void test_a_customer_id_is_unique_in_its_tenant(void **state)
{
	struct sample_server *s = *state;
	static const char body[] = "{\"customer_id\":\"acme-1\"}";

	sample_call(s, "POST", "/v1/keys", s->tenant[0].token[SAMPLE_KEYS], body);
	assert_status(s, 201);
	assert_null(json_object_get(s->json, "key"));
	assert_string_equal(sample_text(s, "kind"), "customer");
	sample_call(s, "POST", "/v1/keys", s->tenant[0].token[SAMPLE_KEYS], body);
	assert_problem(s, 409, "customer-id-taken");
	sample_call(s, "POST", "/v1/keys", s->tenant[1].token[SAMPLE_KEYS], body);
	assert_status(s, 201);
}

static void test_a_change_needs_the_version_it_was_made_from(void **state)
{
	struct sample_server *s = *state;
	const char *token = s->tenant[0].token[SAMPLE_KEYS];
	char path[64];

	sample_call(s, "POST", "/v1/keys", token, "{\"max_systems\":3,\"pin\":\"level:2\"}");
	snprintf(path, sizeof(path), "/v1/keys/%s", sample_text(s, "id"));
	assert_string_equal(s->r.etag, "\"v1\"");

	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "PATCH", path, token,
		    "{\"note\":\"new\",\"max_systems\":null,\"delay_hours\":24,\"pin\":null,"
		    "\"limit_kind\":\"advisory\",\"feed\":\"test\",\"tags\":{\"a\":\"b\"},"
		    "\"networks\":[\"10.0.0.0/8\"],\"products\":[\"kernel\"],"
		    "\"expires\":\"2027-01-01T00:00:00Z\"}");
	assert_status(s, 200);
	assert_string_equal(s->r.etag, "\"v2\"");
	assert_string_equal(sample_text(s, "note"), "new");
	assert_true(json_is_null(json_object_get(s->json, "max_systems")));
	assert_true(json_is_null(json_object_get(s->json, "pin")));
	assert_int_equal(sample_int(s, "delay_hours"), 24);
	assert_string_equal(sample_text(s, "feed"), "test");
	assert_string_equal(sample_text(s, "expires"), "2027-01-01T00:00:00Z");

	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "PATCH", path, token, "{\"note\":\"late\"}");
	assert_problem(s, 412, "changed");
	/* What is not named stays. */
	sample_call(s, "PATCH", path, token, "{\"note\":\"\"}");
	assert_status(s, 200);
	assert_int_equal(sample_int(s, "delay_hours"), 24);
	assert_string_equal(sample_text(s, "limit_kind"), "advisory");
	assert_int_equal(json_array_size(json_object_get(s->json, "networks")), 1);
}

static void test_keys_of_another_tenant_do_not_exist(void **state)
{
	struct sample_server *s = *state;
	const char *other = s->tenant[1].token[SAMPLE_ADMIN];
	char path[64], revoke[80];

	sample_call(s, "POST", "/v1/keys", s->tenant[0].token[SAMPLE_KEYS], "{}");
	snprintf(path, sizeof(path), "/v1/keys/%s", sample_text(s, "id"));
	snprintf(revoke, sizeof(revoke), "%s/revoke", path);
	sample_call(s, "GET", path, other, NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "PATCH", path, other, "{\"note\":\"x\"}");
	assert_problem(s, 404, "not-found");
	sample_call(s, "POST", revoke, other, NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "DELETE", path, other, NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "GET", "/v1/keys", other, NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 0);
	/* Feeds of others are not there either. */
	sample_sql(s,
		   "INSERT INTO feeds (tenant, name, created) SELECT id, 'private', 0 FROM tenants"
		   " WHERE name = 'alpha'");
	sample_call(s, "POST", "/v1/keys", other, "{\"feed\":\"private\"}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "POST", "/v1/keys", s->tenant[0].token[SAMPLE_KEYS],
		    "{\"feed\":\"private\"}");
	assert_status(s, 201);
}

static void test_lists_filter_and_go_on(void **state)
{
	struct sample_server *s = *state;
	const char *token = s->tenant[0].token[SAMPLE_KEYS];
	char body[64], target[128];
	size_t seen = 0;

	for (int i = 0; i < 7; i++) {
		snprintf(body, sizeof(body), "{\"customer_id\":\"c%d\",\"feed\":\"%s\"}", i,
			 i < 3 ? "test" : "stable");
		sample_call(s, "POST", "/v1/keys", token, body);
		assert_status(s, 201);
	}
	snprintf(target, sizeof(target), "/v1/keys?limit=2");
	for (int pages = 0; pages < 10; pages++) {
		const char *next;

		sample_call(s, "GET", target, token, NULL);
		assert_status(s, 200);
		seen += json_array_size(json_object_get(s->json, "items"));
		next = json_string_value(json_object_get(s->json, "next"));
		if (!next)
			break;
		snprintf(target, sizeof(target), "/v1/keys?limit=2&cursor=%s", next);
	}
	assert_int_equal(seen, 7);
	sample_call(s, "GET", "/v1/keys?feed=test", token, NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 3);
	sample_call(s, "GET", "/v1/keys?customer_id=c4", token, NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 1);
	sample_call(s, "GET", "/v1/keys?revoked=true", token, NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 0);
	sample_call(s, "GET", "/v1/keys?revoked=false&kind=customer", token, NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 7);
	sample_call(s, "GET", "/v1/keys?revoked=maybe", token, NULL);
	assert_problem(s, 400, "bad-argument");
	sample_call(s, "GET", "/v1/keys?colour=red", token, NULL);
	assert_problem(s, 400, "unknown-argument");
}

static void enrol(struct sample_server *s, const char *key, const char *machine)
{
	char body[400];

	snprintf(body, sizeof(body),
		 "{\"key\":\"%s\",\"system\":{\"machine_id\":\"%s\",\"hostname\":\"h\"}}", key,
		 machine);
	sample_call(s, "POST", "/v1/enroll", NULL, body);
}

static void test_a_revoked_key_takes_no_system_and_keeps_those_it_has(void **state)
{
	struct sample_server *s = *state;
	const char *token = s->tenant[0].token[SAMPLE_KEYS];
	char key[SUT_TOKEN_MAX], path[64], revoke[80];

	sample_call(s, "POST", "/v1/keys", token, "{}");
	snprintf(key, sizeof(key), "%s", sample_text(s, "key"));
	snprintf(path, sizeof(path), "/v1/keys/%s", sample_text(s, "id"));
	snprintf(revoke, sizeof(revoke), "%s/revoke", path);
	enrol(s, key, "machine-1");
	assert_status(s, 201);
	sample_call(s, "POST", revoke, token, NULL);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "revoked"), "2026-11-18T11:06:40Z");
	/* Again is the same. */
	sample_call(s, "POST", revoke, token, NULL);
	assert_status(s, 200);
	assert_int_equal(sample_int(s, "systems"), 1);
	enrol(s, key, "machine-2");
	assert_problem(s, 403, "key-revoked");
	/* Nor does a leaked key give credentials for systems it once enrolled. */
	enrol(s, key, "machine-1");
	assert_problem(s, 403, "key-revoked");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM audit WHERE action = 'key.revoke'"),
			 1);
}

static void test_a_key_with_systems_is_deleted_only_together_with_them(void **state)
{
	struct sample_server *s = *state;
	const char *token = s->tenant[0].token[SAMPLE_KEYS];
	char key[SUT_TOKEN_MAX], path[64], with[80], credential[SUT_TOKEN_MAX];

	sample_call(s, "POST", "/v1/keys", token, "{}");
	snprintf(key, sizeof(key), "%s", sample_text(s, "key"));
	snprintf(path, sizeof(path), "/v1/keys/%s", sample_text(s, "id"));
	snprintf(with, sizeof(with), "%s?systems=delete", path);
	enrol(s, key, "machine-1");
	snprintf(credential, sizeof(credential), "%s", sample_text(s, "credential"));
	enrol(s, key, "machine-1");
	enrol(s, key, "machine-2");
	sample_call(s, "DELETE", path, token, NULL);
	assert_problem(s, 409, "key-has-systems");
	sample_call(s, "DELETE", with, token, NULL);
	assert_status(s, 204);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems"), 0);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM keys"), 0);
	/* Three credentials: one of the two systems had a second one waiting. */
	assert_int_equal(
		sample_number(s,
			      "SELECT COUNT(*) FROM retired_credentials WHERE reason = 'deleted'"),
		3);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM audit WHERE action = 'key.delete'"
					  " AND detail LIKE '%2%'"),
			 1);
	enrol(s, key, "machine-1");
	assert_problem(s, 403, "key-unknown");
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"a random key is shown once and stored hashed",
		 test_a_random_key_is_shown_once_and_stored_hashed, with_url, 0},
		{"only key managers make keys and auditors read them",
		 test_only_key_managers_make_keys_and_auditors_read_them, NULL, 0},
		{"a mistake in a key is named", test_a_mistake_in_a_key_is_named, NULL, 0},
		{"a customer id is unique in its tenant",
		 test_a_customer_id_is_unique_in_its_tenant, NULL, 0},
		{"a change needs the version it was made from",
		 test_a_change_needs_the_version_it_was_made_from, NULL, 0},
		{"keys of another tenant do not exist", test_keys_of_another_tenant_do_not_exist,
		 NULL, 0},
		{"lists filter and go on", test_lists_filter_and_go_on, NULL, 0},
		{"a revoked key takes no system and keeps those it has",
		 test_a_revoked_key_takes_no_system_and_keeps_those_it_has, NULL, 0},
		{"a key with systems is deleted only together with them",
		 test_a_key_with_systems_is_deleted_only_together_with_them, NULL, 0},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
