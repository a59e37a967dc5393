/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/enroll, and docs/internals/enrolment.md. */
#include "unit.h"

#include <pthread.h>
#include <string.h>

#include "base/str.h"
#include "sample_fleet.h"

static void test_a_server_enrols_with_a_random_key(void **state)
{
	struct sample_server *s = *state;
	struct sample_key k;
	struct sample_agent a;

	sample_key_new(s, 0, "{\"tags\":{\"site\":\"berlin\"},\"feed\":\"candidate\"}", &k);
	sample_agent_init(&a, "web1", "UUID-1");
	assert_int_equal(sample_enroll(s, &a, NULL, k.key, NULL), 201);
	assert_true(sut_uid_ok(a.id));
	assert_int_equal(sut_token_kind(a.credential), SUT_TOKEN_SYSTEM);
	assert_string_equal(sample_text(s, "feed"), "candidate");
	assert_string_equal(sample_text(s, "checkin_url"), "https://portal.example/v1/checkin");
	assert_true(sample_int(s, "next_checkin_s") >= 1 && sample_int(s, "next_checkin_s") <= 30);
	assert_int_equal(a.serial, 1);

	sample_call(s, "GET", "/v1/self", a.credential, NULL);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "id"), a.id);
	assert_string_equal(sample_text(s, "state"), "new");
	assert_string_equal(sample_text(s, "product_uuid"), "uuid-1");
	assert_string_equal(sample_text(s, "address"), "127.0.0.1");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(s->json, "tags"), "site")),
		"berlin");
	/* The secret is stored nowhere. */
	assert_int_equal(sample_number(s,
				       "SELECT COUNT(*) FROM events WHERE type = 'system.enrolled'"
				       " AND data NOT LIKE '%sutsys%'"),
			 1);
	assert_int_equal(sample_number(s, "SELECT systems FROM keys"), 1);
}

static void test_a_platform_enrols_for_its_customer(void **state)
{
	struct sample_server *s = *state;
	const char *manager = s->tenant[0].token[SAMPLE_KEYS];
	static const char body[] = "{\"customer_id\":\"acme\",\"external_id\":\"vm-17\",\"system\":"
				   "{\"machine_id\":\"machine-vm17\",\"hostname\":\"vm17\"}}";
	struct sample_key k;
	char id[SUT_UID_LEN + 1];

	sample_key_new(s, 0, "{\"customer_id\":\"acme\"}", &k);
	/* A customer id is no secret. */
	sample_call(s, "POST", "/v1/enroll", NULL, body);
	assert_problem(s, 403, "customer-id-needs-token");
	sample_call(s, "POST", "/v1/enroll", s->tenant[0].token[SAMPLE_OPERATOR], body);
	assert_problem(s, 403, "customer-id-needs-token");
	/* Nor is it the other tenant's. */
	sample_call(s, "POST", "/v1/enroll", s->tenant[1].token[SAMPLE_KEYS], body);
	assert_problem(s, 403, "key-unknown");

	sample_call(s, "POST", "/v1/enroll", manager, body);
	assert_status(s, 201);
	snprintf(id, sizeof(id), "%s", sample_text(s, "system_id"));
	assert_string_equal(sample_text(s, "external_id"), "vm-17");
	sample_call(s, "GET", "/v1/systems?external_id=vm-17", manager, NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 1);
	/* The address of the platform is not that of the system. */
	sample_call(s, "POST", "/v1/enroll", manager, body);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "system_id"), id);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems WHERE address = ''"), 1);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM audit WHERE action = 'system.enroll'"), 1);
}

static void test_a_customer_id_is_enough_in_the_networks_of_its_key(void **state)
{
	struct sample_server *s = *state;
	static const char body[] = "{\"customer_id\":\"acme\",\"system\":"
				   "{\"machine_id\":\"machine-1\",\"hostname\":\"h\"}}";
	struct sample_key k;
	char target[64];

	sample_key_new(s, 0, "{\"customer_id\":\"acme\",\"networks\":[\"10.1.0.0/16\"]}", &k);
	s->peer = "10.2.0.1";
	sample_call(s, "POST", "/v1/enroll", NULL, body);
	assert_problem(s, 403, "key-network");
	s->peer = "10.1.200.3";
	sample_call(s, "POST", "/v1/enroll", NULL, body);
	assert_status(s, 201);
	/* Another tenant takes that from nobody: neither by a key, */
	sample_call(s, "POST", "/v1/keys", s->tenant[1].token[SAMPLE_KEYS],
		    "{\"customer_id\":\"acme\",\"networks\":[\"10.1.0.0/16\"]}");
	assert_problem(s, 409, "customer-id-taken");
	sample_key_new(s, 1, "{\"customer_id\":\"acme\"}", &k);
	sample_call(s, "POST", "/v1/enroll", NULL, body);
	assert_status(s, 200);
	/* nor by its networks. */
	snprintf(target, sizeof(target), "/v1/keys/%s", k.id);
	sample_call(s, "PATCH", target, s->tenant[1].token[SAMPLE_KEYS],
		    "{\"networks\":[\"0.0.0.0/0\"]}");
	assert_problem(s, 409, "customer-id-taken");
	sample_call(s, "POST", "/v1/enroll", NULL, body);
	assert_status(s, 200);
	/* When two came through two portals at once nobody guesses which one is meant. */
	sample_sql(s, "UPDATE keys SET networks = '[\"10.1.0.0/16\"]'");
	sample_call(s, "POST", "/v1/enroll", NULL, body);
	assert_problem(s, 403, "customer-id-needs-token");
	s->peer = NULL;
}

/* A user of another tenant has a key and no right to enrol for others: it is the key that counts. */
static void test_an_enrolment_is_told_to_the_tenant_of_the_key(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;
	struct sample_key k;

	sample_key_new(s, 0, "{\"max_systems\":0,\"limit_kind\":\"advisory\"}", &k);
	sample_agent_init(&a, "a", "");
	assert_int_equal(sample_enroll(s, &a, s->tenant[1].token[SAMPLE_VIEWER], k.key, NULL), 201);
	assert_int_equal(sample_enroll(s, &a, s->tenant[1].token[SAMPLE_VIEWER], k.key, NULL), 200);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM audit a JOIN tenants t"
					  " ON t.id = a.tenant WHERE t.name = 'beta'"),
			 0);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM audit a JOIN tenants t"
					  " ON t.id = a.tenant WHERE t.name = 'alpha'"
					  " AND a.object_kind = 'system'"),
			 2);
}

static void test_keys_say_why_they_are_refused(void **state)
{
	struct sample_server *s = *state;
	struct sample_key k;
	struct sample_agent a;

	sample_agent_init(&a, "h1", "");
	sample_enroll(s, &a, NULL, "sutkey_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG", NULL);
	assert_problem(s, 403, "key-unknown");
	sample_enroll(s, &a, NULL, "no key at all", NULL);
	assert_problem(s, 403, "key-unknown");

	sample_key_new(s, 0, "{\"expires\":\"2026-11-18T12:00:00Z\"}", &k);
	assert_int_equal(sample_enroll(s, &a, NULL, k.key, NULL), 201);
	s->now += 3600;
	sample_enroll(s, &a, NULL, k.key, NULL);
	assert_problem(s, 403, "key-expired");

	sample_key_new(s, 0, "{\"networks\":[\"10.0.0.0/8\",\"2001:db8::/32\"]}", &k);
	sample_enroll(s, &a, NULL, k.key, NULL);
	assert_problem(s, 403, "key-network");
	s->peer = "2001:db8::7";
	assert_int_equal(sample_enroll(s, &a, NULL, k.key, NULL), 200);
	s->peer = NULL;

	sample_key_new(s, 0, "{\"products\":[\"kernel\"]}", &k);
	sample_enroll(s, &a, NULL, k.key, ",\"products\":[\"kernel\",\"library\"]");
	assert_problem(s, 403, "product-not-covered");
	assert_int_equal(sample_enroll(s, &a, NULL, k.key, ",\"products\":[\"kernel\"]"), 200);

	sample_sql(s, "UPDATE tenants SET disabled = 1 WHERE name = 'alpha'");
	sample_enroll(s, &a, NULL, k.key, NULL);
	assert_problem(s, 403, "tenant-disabled");
}

static void test_a_hard_limit_holds_and_an_advisory_one_warns_once(void **state)
{
	struct sample_server *s = *state;
	struct sample_key hard, soft;
	struct sample_agent a;
	char name[16];

	sample_key_new(s, 0, "{\"max_systems\":2}", &hard);
	sample_key_new(s, 0, "{\"max_systems\":2,\"limit_kind\":\"advisory\"}", &soft);
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "h%d", i);
		sample_agent_init(&a, name, "");
		sample_enroll(s, &a, NULL, hard.key, NULL);
		if (i < 2)
			assert_status(s, 201);
		else
			assert_problem(s, 403, "key-limit");
	}
	/* Again is no new system. */
	sample_agent_init(&a, "h0", "");
	assert_int_equal(sample_enroll(s, &a, NULL, hard.key, NULL), 200);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems"), 2);
	assert_int_equal(sample_number(s, "SELECT SUM(systems) FROM keys"), 2);

	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		sample_agent_init(&a, name, "");
		assert_int_equal(sample_enroll(s, &a, NULL, soft.key, NULL), 201);
	}
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM events WHERE type = 'key.limit-passed'"), 1);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM audit a JOIN tenants t"
					  " ON t.id = a.tenant AND t.name = 'alpha'"
					  " WHERE a.action = 'key.limit-passed'"),
			 1);
	/* What goes away makes room. */
	sample_agent_init(&a, "h0", "");
	sample_enroll(s, &a, NULL, hard.key, NULL);
	sample_call(s, "POST", "/v1/unregister", a.credential, NULL);
	assert_status(s, 204);
	sample_agent_init(&a, "h9", "");
	assert_int_equal(sample_enroll(s, &a, NULL, hard.key, NULL), 201);
}

/* --- at once, through the real pool: readers, the writer, group commit --- */

struct crowd {
	struct server *p;
	const char *key;
	int number, status;
};

static void *one_of_the_crowd(void *arg)
{
	struct crowd *c = arg;
	char body[256];
	struct web_call call = {.method = "POST", .target = "/v1/enroll", .body = body};
	static const char *const headers[] = {"Content-Type: application/json", NULL};
	struct web_resp r;

	call.headers = headers;
	call.len = (size_t)snprintf(
		body, sizeof(body),
		"{\"key\":\"%s\",\"system\":{\"machine_id\":\"machine-%d\",\"hostname\":\"h\"}}",
		c->key, c->number);
	web_handle(c->p, &call, &r);
	c->status = r.status;
	web_resp_release(&r);
	return NULL;
}

static int crowd(struct sample_server *s, const char *key, int machines, int n, int status)
{
	struct crowd c[64];
	pthread_t t[64];
	int with = 0;

	for (int i = 0; i < n; i++) {
		c[i] = (struct crowd){s->p, key, i % machines, 0};
		assert_int_equal(pthread_create(&t[i], NULL, one_of_the_crowd, &c[i]), 0);
	}
	for (int i = 0; i < n; i++) {
		pthread_join(t[i], NULL);
		with += c[i].status == status;
	}
	return with;
}

static void test_fifty_at_once_pass_no_limit(void **state)
{
	struct sample_server *s = *state;
	struct sample_key k;

	sample_key_new(s, 0, "{\"max_systems\":20}", &k);
	assert_int_equal(crowd(s, k.key, 50, 50, 201), 20);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems"), 20);
	assert_int_equal(sample_number(s, "SELECT systems FROM keys"), 20);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM system_details"), 20);
}

static void test_one_machine_that_enrols_fifty_times_at_once_is_one_system(void **state)
{
	struct sample_server *s = *state;
	struct sample_key k;

	sample_key_new(s, 0, NULL, &k);
	assert_int_equal(crowd(s, k.key, 1, 50, 201), 1);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems"), 1);
	assert_int_equal(sample_number(s, "SELECT systems FROM keys"), 1);
}

static void test_two_portals_on_one_database_pass_no_limit(void **state)
{
	enum { N = 60 };
	struct sample_server *s = *state;
	struct server *second = sample_server_another(s, 4);
	struct sample_key k, wide;
	struct crowd c[N];
	pthread_t t[N];
	int with = 0;

	sample_key_new(s, 0, "{\"max_systems\":20}", &k);
	sample_key_new(s, 0, NULL, &wide);
	for (int i = 0; i < N; i++) {
		/* Every machine comes to both at once, and two keys are locked in any order. */
		c[i] = (struct crowd){i % 2 ? second : s->p, i % 3 ? k.key : wide.key, i / 2, 0};
		assert_int_equal(pthread_create(&t[i], NULL, one_of_the_crowd, &c[i]), 0);
	}
	for (int i = 0; i < N; i++) {
		pthread_join(t[i], NULL);
		if (c[i].status != 200 && c[i].status != 201 && c[i].status != 403)
			fail_msg("status %d", c[i].status);
		with += c[i].status == 201;
	}
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems"), with);
	assert_int_equal(sample_number(s, "SELECT SUM(systems) FROM keys"), with);
	assert_int_equal(sample_number(s,
				       "SELECT COUNT(*) FROM keys k WHERE systems <>"
				       " (SELECT COUNT(*) FROM systems y WHERE y.key_id = k.id)"),
			 0);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM keys WHERE max_systems = 20"
					  " AND systems > 20"),
			 0);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM (SELECT machine_id FROM systems"
					  " GROUP BY machine_id HAVING COUNT(*) > 1) AS twice"),
			 0);
	server_freep(&second);
}

/* --- again --- */

static void test_enrolling_again_is_the_same_system_with_a_second_credential(void **state)
{
	struct sample_server *s = *state;
	struct sample_key k;
	struct sample_agent a, again;

	sample_key_new(s, 0, NULL, &k);
	sample_agent_init(&a, "h", "uuid-1");
	sample_enroll(s, &a, NULL, k.key, NULL);
	sample_beat(s, &a);
	sample_agent_init(&again, "h", "UUID-1");
	assert_int_equal(sample_enroll(s, &again, NULL, k.key, NULL), 200);
	assert_string_equal(again.id, a.id);
	assert_string_not_equal(again.credential, a.credential);
	assert_int_equal(again.serial, a.serial);

	/* Nothing has happened to the one that runs … */
	sample_beat(s, &a);
	sample_beat(s, &a);
	/* … until the second one is used. */
	sample_beat(s, &again);
	sample_beat(s, &again);
	sample_checkin(s, &a, "nonce-after");
	assert_problem(s, 401, "credential-replaced");
	assert_int_equal(
		sample_number(
			s, "SELECT COUNT(*) FROM events WHERE type = 'system.credential-replaced'"),
		1);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems"), 1);
}

static void test_a_replayed_enrolment_takes_nothing_away(void **state)
{
	struct sample_server *s = *state;
	struct sample_key k;
	struct sample_agent a, thief;
	int64_t events;

	sample_key_new(s, 0, NULL, &k);
	sample_agent_init(&a, "h", "uuid-1");
	sample_enroll(s, &a, NULL, k.key, NULL);
	sample_beat(s, &a);
	for (int i = 0; i < 50; i++) {
		thief = a;
		assert_int_equal(
			sample_enroll(s, &thief, NULL, k.key, ",\"external_id\":\"mine-now\""),
			200);
	}
	/* Rows do not grow with it, and the name that a platform gives is not his to give. */
	events = sample_number(s, "SELECT COUNT(*) FROM system_events");
	assert_true(events <= 3);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM retired_credentials"), 0);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems WHERE external_id IS NULL"),
			 1);
	sample_beat(s, &a);
	/* What nobody used in a day is no longer good. */
	s->now += 86400 + 60;
	sample_beat(s, &a);
	sample_checkin(s, &thief, "nonce-thief");
	assert_problem(s, 401, "credential-unknown");
	sample_beat(s, &a);
}

static void test_a_credential_that_the_agent_made_is_never_in_an_answer(void **state)
{
	struct sample_server *s = *state;
	struct sample_key k;
	struct sample_agent a, other;
	uint8_t hash[SUT_TOKEN_HASH];
	char hex[2 * SUT_TOKEN_HASH + 1], more[128], own[SUT_TOKEN_MAX];

	sample_key_new(s, 0, NULL, &k);
	assert_int_equal(sut_token_make(SUT_TOKEN_SYSTEM, own, NULL), 0);
	sut_token_hash(own, hash);
	sut_hex(hash, sizeof(hash), hex);
	snprintf(more, sizeof(more), ",\"credential_sha256\":\"%s\"", hex);
	sample_agent_init(&a, "h", "uuid-1");
	assert_int_equal(sample_enroll(s, &a, NULL, k.key, more), 201);
	assert_null(json_object_get(s->json, "credential"));
	snprintf(a.credential, sizeof(a.credential), "%s", own);
	sample_beat(s, &a);
	/* The same once more changes nothing: a replay gives nothing at all. */
	assert_int_equal(sample_enroll(s, &a, NULL, k.key, more), 200);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM systems WHERE credential_next IS NOT NULL"),
		0);
	/* Nobody else may have it. */
	sample_agent_init(&other, "other", "uuid-2");
	sample_enroll(s, &other, NULL, k.key, more);
	assert_problem(s, 409, "credential-taken");
	/* Nor may it come back. */
	sample_call(s, "POST", "/v1/unregister", a.credential, NULL);
	assert_status(s, 204);
	sample_enroll(s, &a, NULL, k.key, more);
	assert_problem(s, 409, "credential-retired");
	sample_enroll(s, &a, NULL, k.key, ",\"credential_sha256\":\"ABC\"");
	assert_problem(s, 422, "invalid-field");
}

static void test_a_platform_may_enrol_before_the_agent_does(void **state)
{
	struct sample_server *s = *state;
	struct sample_key k;
	struct sample_agent platform, agent;

	sample_key_new(s, 0, NULL, &k);
	/* It does not know the product_uuid. */
	sample_agent_init(&platform, "h", "");
	assert_int_equal(sample_enroll(s, &platform, s->tenant[0].token[SAMPLE_KEYS], k.key,
				       ",\"external_id\":\"vm-1\""),
			 201);
	sample_agent_init(&agent, "h", "uuid-7");
	assert_int_equal(sample_enroll(s, &agent, NULL, k.key, NULL), 200);
	assert_string_equal(agent.id, platform.id);
	assert_string_equal(sample_text(s, "external_id"), "vm-1");
	sample_beat(s, &agent);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM systems WHERE product_uuid = 'uuid-7'"), 1);
}

static void test_an_external_id_is_one_system_of_a_tenant(void **state)
{
	struct sample_server *s = *state;
	const char *manager = s->tenant[0].token[SAMPLE_KEYS];
	struct sample_key k, other;
	struct sample_agent a, b, c;

	sample_key_new(s, 0, NULL, &k);
	sample_key_new(s, 1, NULL, &other);
	sample_agent_init(&a, "a", "");
	sample_agent_init(&b, "b", "");
	sample_agent_init(&c, "c", "");
	assert_int_equal(sample_enroll(s, &a, manager, k.key, ",\"external_id\":\"x\""), 201);
	sample_enroll(s, &b, manager, k.key, ",\"external_id\":\"x\"");
	assert_problem(s, 409, "external-id-taken");
	assert_int_equal(sample_number(s, "SELECT systems FROM keys WHERE systems > 0"), 1);
	assert_int_equal(sample_enroll(s, &b, manager, k.key, NULL), 201);
	sample_enroll(s, &b, manager, k.key, ",\"external_id\":\"x\"");
	assert_problem(s, 409, "external-id-taken");
	assert_int_equal(sample_enroll(s, &b, manager, k.key, ",\"external_id\":\"y\""), 200);
	assert_string_equal(sample_text(s, "external_id"), "y");
	assert_int_equal(sample_enroll(s, &c, s->tenant[1].token[SAMPLE_KEYS], other.key,
				       ",\"external_id\":\"x\""),
			 201);
}

static void test_a_key_of_another_tenant_is_not_used_by_mistake(void **state)
{
	struct sample_server *s = *state;
	struct sample_key k;
	struct sample_agent a;

	sample_key_new(s, 0, NULL, &k);
	sample_agent_init(&a, "a", "");
	sample_enroll(s, &a, s->tenant[1].token[SAMPLE_KEYS], k.key, NULL);
	assert_problem(s, 403, "key-unknown");
	/* The same machine in two tenants is two systems. */
	assert_int_equal(sample_enroll(s, &a, NULL, k.key, NULL), 201);
	sample_key_new(s, 1, NULL, &k);
	assert_int_equal(sample_enroll(s, &a, NULL, k.key, NULL), 201);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems"), 2);
}

static void test_an_idempotency_key_gives_the_same_credential_again(void **state)
{
	struct sample_server *s = *state;
	struct sample_key k;
	struct sample_agent a, again;

	sample_key_new(s, 0, NULL, &k);
	sample_agent_init(&a, "a", "");
	sample_header(s, "Idempotency-Key: once");
	assert_int_equal(sample_enroll(s, &a, NULL, k.key, NULL), 201);
	again = a;
	sample_header(s, "Idempotency-Key: once");
	assert_int_equal(sample_enroll(s, &again, NULL, k.key, NULL), 201);
	assert_string_equal(a.credential, again.credential);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems"), 1);
	/* Who replays it from elsewhere gets no credential that is in use, nor past a revocation. */
	s->peer = "192.0.2.66";
	sample_header(s, "Idempotency-Key: once");
	assert_int_equal(sample_enroll(s, &again, NULL, k.key, NULL), 200);
	assert_string_not_equal(a.credential, again.credential);
	sample_sql(s, "UPDATE keys SET revoked = 1");
	s->peer = "192.0.2.67";
	sample_header(s, "Idempotency-Key: once");
	assert_int_equal(sample_enroll(s, &again, NULL, k.key, NULL), 403);
	s->peer = NULL;
}

static void test_hostile_facts_are_refused_with_their_place(void **state)
{
	struct sample_server *s = *state;
	struct sample_key k;
	char *body = malloc(200000), *big = malloc(100001);
	static const struct {
		const char *who, *pointer;
	} cases[] = {
		{"{}", "/system/machine_id"},
		{"{\"machine_id\":\"short\",\"hostname\":\"h\"}", "/system/machine_id"},
		{"{\"machine_id\":\"has space in it\",\"hostname\":\"h\"}", "/system/machine_id"},
		{"{\"machine_id\":7,\"hostname\":\"h\"}", "/system/machine_id"},
		{"{\"machine_id\":\"machine-1\"}", "/system/hostname"},
		{"{\"machine_id\":\"machine-1\",\"hostname\":\"a'; DROP TABLE systems; --\"}",
		 "/system/hostname"},
		{"{\"machine_id\":\"machine-1\",\"hostname\":\"h\",\"evil\":1}", "/system/evil"},
		{"{\"machine_id\":\"machine-1\",\"hostname\":\"h\",\"build_id\":\"XYZ\"}",
		 "/system/build_id"},
		{"{\"machine_id\":\"machine-1\",\"hostname\":\"h\",\"fqdn\":\"a\\u202eb\"}",
		 "/system/fqdn"},
		{"{\"machine_id\":\"machine-1\",\"hostname\":\"h\",\"facts\":[]}", "/system/facts"},
		{"{\"machine_id\":\"machine-1\",\"hostname\":\"h\",\"facts\":{\"A\":1}}",
		 "/system/facts/A"},
		{"{\"machine_id\":\"machine-1\",\"hostname\":\"h\",\"facts\":{\"a\":{\"b\":1}}}",
		 "/system/facts/a"},
		{"{\"machine_id\":\"machine-1\",\"hostname\":\"h\",\"facts\":{\"a\":[[\"b\"]]}}",
		 "/system/facts/a"},
		{"{\"machine_id\":\"machine-1\",\"hostname\":\"h\",\"facts\":{\"a\":1.5}}",
		 "/system/facts/a"},
		{"{\"machine_id\":\"machine-1\",\"hostname\":\"h\",\"facts\":{\"a\":\"\\u0007\"}}",
		 "/system/facts/a"},
	};

	assert_non_null(body);
	assert_non_null(big);
	sample_key_new(s, 0, NULL, &k);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		snprintf(body, 200000, "{\"key\":\"%s\",\"system\":%s}", k.key, cases[i].who);
		sample_call(s, "POST", "/v1/enroll", NULL, body);
		assert_problem(s, 422, "invalid-field");
		if (!strstr(sut_buf_str(&s->r.raw), cases[i].pointer))
			fail_msg("%s: %s", cases[i].who, sut_buf_str(&s->r.raw));
	}
	memset(big, 'x', 100000);
	big[100000] = 0;
	snprintf(body, 200000,
		 "{\"key\":\"%s\",\"system\":{\"machine_id\":\"machine-1\",\"hostname\":\"h\","
		 "\"facts\":{\"a\":\"%s\"}}}",
		 k.key, big);
	sample_call(s, "POST", "/v1/enroll", NULL, body);
	assert_problem(s, 422, "invalid-field");
	/* Neither or both of key and customer_id. */
	sample_call(s, "POST", "/v1/enroll", NULL,
		    "{\"system\":{\"machine_id\":\"machine-1\",\"hostname\":\"h\"}}");
	assert_problem(s, 422, "invalid-field");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems"), 0);
	free(body);
	free(big);
}

static void test_what_a_system_is_told_after_it_left(void **state)
{
	struct sample_server *s = *state;
	struct sample_key k;
	struct sample_agent a;
	char path[64];

	sample_key_new(s, 0, NULL, &k);
	sample_agent_init(&a, "a", "");
	sample_enroll(s, &a, NULL, k.key, NULL);
	sample_call(s, "POST", "/v1/unregister", a.credential, NULL);
	assert_status(s, 204);
	/* Its answer was lost: the agent asks again. */
	sample_call(s, "POST", "/v1/unregister", a.credential, NULL);
	assert_problem(s, 410, "system-unregistered");
	assert_int_equal(sample_number(s, "SELECT systems FROM keys"), 0);

	sample_enroll(s, &a, NULL, k.key, NULL);
	snprintf(path, sizeof(path), "/v1/systems/%s", a.id);
	sample_call(s, "DELETE", path, s->tenant[0].token[SAMPLE_OPERATOR], NULL);
	assert_status(s, 204);
	sample_checkin(s, &a, "nonce-123");
	assert_problem(s, 410, "system-deleted");
	assert_int_equal(sample_number(s, "SELECT systems FROM keys"), 0);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM system_details"), 0);
}

/* The pool as it is in service: reader threads, and the writer that makes groups. */
static void with_threads(struct server_conf *c)
{
	c->readers = 4;
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"a server enrols with a random key", test_a_server_enrols_with_a_random_key, NULL,
		 0},
		{"a platform enrols for its customer", test_a_platform_enrols_for_its_customer,
		 NULL, 0},
		{"a customer id is enough in the networks of its key",
		 test_a_customer_id_is_enough_in_the_networks_of_its_key, NULL, 0},
		{"an enrolment is told to the tenant of the key",
		 test_an_enrolment_is_told_to_the_tenant_of_the_key, NULL, 0},
		{"keys say why they are refused", test_keys_say_why_they_are_refused, NULL, 0},
		{"a hard limit holds and an advisory one warns once",
		 test_a_hard_limit_holds_and_an_advisory_one_warns_once, NULL, 0},
		{"fifty at once pass no limit", test_fifty_at_once_pass_no_limit, with_threads, 0},
		{"one machine that enrols fifty times at once is one system",
		 test_one_machine_that_enrols_fifty_times_at_once_is_one_system, with_threads, 0},
		{"two portals on one database pass no limit",
		 test_two_portals_on_one_database_pass_no_limit, with_threads, 0},
		{"enrolling again is the same system with a second credential",
		 test_enrolling_again_is_the_same_system_with_a_second_credential, NULL, 0},
		{"a replayed enrolment takes nothing away",
		 test_a_replayed_enrolment_takes_nothing_away, NULL, 0},
		{"a credential that the agent made is never in an answer",
		 test_a_credential_that_the_agent_made_is_never_in_an_answer, NULL, 0},
		{"a platform may enrol before the agent does",
		 test_a_platform_may_enrol_before_the_agent_does, NULL, 0},
		{"an external id is one system of a tenant",
		 test_an_external_id_is_one_system_of_a_tenant, NULL, 0},
		{"a key of another tenant is not used by mistake",
		 test_a_key_of_another_tenant_is_not_used_by_mistake, NULL, 0},
		{"an idempotency key gives the same credential again",
		 test_an_idempotency_key_gives_the_same_credential_again, NULL, 0},
		{"hostile facts are refused with their place",
		 test_hostile_facts_are_refused_with_their_place, NULL, 0},
		{"what a system is told after it left", test_what_a_system_is_told_after_it_left,
		 NULL, 0},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
