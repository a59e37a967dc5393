/* SPDX-License-Identifier: Apache-2.0 */
/* Check-in, split and self: docs/formats/checkin.md. */
#include "unit.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include <time.h>

#include "base/str.h"
#include "sample_fleet.h"

/* A patch for the kernel of the samples, in feeds of the portal. */
static void patch(struct sample_server *s, const char *name, int level, const char *feed)
{
	char sql[512];

	snprintf(
		sql, sizeof(sql),
		"INSERT INTO patchsets (name, product, created, seen) VALUES ('%s', 'kernel', %d, %d)",
		name, SAMPLE_NOW - 1000 + level, SAMPLE_NOW - 500);
	sample_sql(s, sql);
	snprintf(
		sql, sizeof(sql),
		"INSERT INTO patch_targets (patchset, build_id, level, path, length, sha256, target,"
		" arch, release, manifest) SELECT id, '" SAMPLE_BUILD_ID "', %d, 'p/%s/kpatch.bin',"
		" 1234, 'aa', 'debian/x', 'x86_64', '6.1.0-47-cloud-amd64', '{}' FROM patchsets"
		" WHERE name = '%s'",
		level, name, name);
	sample_sql(s, sql);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO feed_entries (feed, patchset, state, entered, changed, changed_by)"
		 " SELECT f.id, p.id, 'active', %d, 0, 'test' FROM feeds f, patchsets p"
		 " WHERE f.name = '%s' AND f.tenant = 0 AND p.name = '%s'",
		 SAMPLE_NOW - 400, feed, name);
	sample_sql(s, sql);
	sample_sql(s, "UPDATE meta SET value = value + 1 WHERE name = 'generation'");
	sample_server_again(s, NULL);
}

static const char *kernel(const struct sample_server *s, const char *name)
{
	return json_string_value(json_object_get(json_object_get(s->json, "kernel"), name));
}

static void agent(struct sample_server *s, const char *name, const char *uuid, const char *key_body,
		  struct sample_agent *ret)
{
	struct sample_key k;

	sample_key_new(s, 0, key_body, &k);
	sample_agent_init(ret, name, uuid);
	assert_int_equal(sample_enroll(s, ret, NULL, k.key, NULL), 201);
}

static void test_a_checkin_is_told_what_to_run_and_when_to_come_back(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;

	patch(s, "K20261118_01", 1, "stable");
	patch(s, "K20261118_02", 2, "stable");
	agent(s, "web1", "uuid-1", NULL, &a);
	a.state = "pending";
	sample_beat(s, &a);
	assert_int_equal(a.serial, 2);
	assert_string_equal(kernel(s, "action"), "apply");
	assert_string_equal(kernel(s, "patchset"), "K20261118_02");
	assert_string_equal(kernel(s, "path"), "p/K20261118_02/kpatch.bin");
	assert_string_equal(sample_text(s, "feed"), "stable");
	assert_true(sample_int(s, "next_checkin_s") >= 270 &&
		    sample_int(s, "next_checkin_s") <= 330);
	assert_true(sample_int(s, "next_check_s") >= 12960 &&
		    sample_int(s, "next_check_s") <= 15840);
	assert_int_equal(json_array_size(json_object_get(s->json, "held")), 0);

	a.state = "current";
	a.level = 2;
	a.patchset = "K20261118_02";
	a.more = ",\"last_pause_ns\":1700000";
	sample_beat(s, &a);
	assert_string_equal(kernel(s, "action"), "keep");
	sample_call(s, "GET", "/v1/self", a.credential, NULL);
	assert_string_equal(sample_text(s, "state"), "current");
	assert_int_equal(sample_int(s, "level"), 2);
	assert_int_equal(sample_int(s, "last_pause_ns"), 1700000);
	assert_string_equal(sample_text(s, "checkin"), "2026-11-18T11:06:40Z");
	assert_string_equal(sample_text(s, "booted"), "2026-11-18T11:05:00Z");
}

static void test_what_the_machine_took_out_is_not_sent_again(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;

	patch(s, "K20261118_01", 1, "stable");
	agent(s, "web1", "uuid-1", NULL, &a);
	a.state = "quarantined";
	a.more =
		",\"quarantined\":[\"K20261118_01\"],\"errors\":[{\"code\":\"crashed\","
		"\"message\":\"the machine went down 4 s after it\",\"patchset\":\"K20261118_01\"}]";
	sample_beat(s, &a);
	assert_string_equal(kernel(s, "action"), "none");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(s->json, "notices"), 0)),
		"quarantined");
}

static void test_a_heartbeat_that_says_nothing_new_leaves_no_trace(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;
	int64_t events, updated;

	agent(s, "web1", "uuid-1", NULL, &a);
	sample_beat(s, &a);
	events = sample_number(s, "SELECT COUNT(*) FROM system_events");
	updated = sample_number(s, "SELECT updated FROM systems");
	for (int i = 0; i < 10; i++) {
		s->now += 300;
		sample_beat(s, &a);
	}
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM system_events"), events);
	assert_int_equal(sample_number(s, "SELECT updated FROM systems"), updated);
	assert_int_equal(sample_number(s, "SELECT checkin FROM systems"), s->now);
	assert_int_equal(sample_number(s, "SELECT version FROM systems"), 2);
}

static void test_a_system_that_changes_all_the_time_does_not_fill_the_history(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;
	int64_t events;

	agent(s, "web1", "uuid-1", NULL, &a);
	for (int i = 0; i < 150; i++) {
		a.level = i;
		sample_beat(s, &a);
	}
	events = sample_number(s, "SELECT COUNT(*) FROM system_events");
	assert_int_equal(events, 1 + 120);
	/* What it reports is known all the same. */
	assert_int_equal(sample_number(s, "SELECT level FROM systems"), 149);
	/* When it has calmed down it is written down again. */
	s->now += 600;
	a.level = 1000;
	sample_beat(s, &a);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM system_events"), events + 1);
}

static void test_facts_are_kept_until_others_come(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;
	int64_t events;

	agent(s, "web1", "uuid-1", NULL, &a);
	sample_beat(s, &a);
	a.more = ",\"hostname\":\"web2\",\"facts\":{\"cpus\":4}";
	sample_beat(s, &a);
	events = sample_number(s, "SELECT COUNT(*) FROM system_events");
	sample_beat(s, &a);
	a.more = "";
	sample_beat(s, &a);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM system_events"), events);
	sample_call(s, "GET", "/v1/self", a.credential, NULL);
	assert_string_equal(sample_text(s, "hostname"), "web2");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(s->json, "facts"), "cpus")), 4);
	a.more = ",\"facts\":{\"cpus\":8}";
	sample_beat(s, &a);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM system_events"), events + 1);
}

static void test_changes_are_kept_as_history(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;
	char target[80];
	static const char *const types[] = {"enrolled", "first-checkin", "state",
					    "reboot",	"level",	 "libraries"};
	json_t *items;

	agent(s, "web1", "uuid-1", NULL, &a);
	sample_beat(s, &a);
	a.state = "failed";
	a.more = ",\"errors\":[{\"code\":\"busy\",\"message\":\"a task sleeps in it\"}]";
	sample_beat(s, &a);
	a.boot_id = "boot-2";
	sample_beat(s, &a);
	a.level = 3;
	sample_beat(s, &a);
	a.more = ",\"libraries\":[{\"build_id\":\"0123456789abcdef\",\"name\":\"libc.so.6\"}]";
	sample_beat(s, &a);
	snprintf(target, sizeof(target), "/v1/systems/%s/events", a.id);
	sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	items = json_object_get(s->json, "items");
	assert_int_equal(json_array_size(items), SUT_ARRAY_SIZE(types));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(types); i++)
		assert_string_equal(
			json_string_value(json_object_get(json_array_get(items, i), "type")),
			types[i]);
	assert_non_null(strstr(sut_buf_str(&s->r.raw), "a task sleeps in it"));
	assert_non_null(strstr(sut_buf_str(&s->r.raw), "{\"from\":\"current\",\"to\":\"failed\"}"));
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM events WHERE type = 'system.state'"), 3);
	sample_call(s, "GET", "/v1/self", a.credential, NULL);
	assert_non_null(strstr(sut_buf_str(&s->r.raw), "libc.so.6"));
}

static void test_a_lost_answer_is_given_again(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;

	agent(s, "web1", "uuid-1", NULL, &a);
	sample_checkin(s, &a, "nonce-one");
	assert_status(s, 200);
	assert_int_equal(sample_int(s, "serial"), 2);
	for (int i = 0; i < 3; i++) {
		sample_checkin(s, &a, "nonce-one");
		assert_status(s, 200);
		assert_int_equal(sample_int(s, "serial"), 2);
	}
	a.serial = 2;
	sample_beat(s, &a);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems WHERE conflict_at > 0"), 0);
}

static void test_what_comes_late_does_not_say_what_is(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a, late;

	agent(s, "web1", "uuid-1", NULL, &a);
	a.state = "failed";
	late = a;
	sample_checkin(s, &a, "nonce-first");
	a.serial = sample_int(s, "serial");
	a.state = "current";
	sample_beat(s, &a);
	sample_checkin(s, &late, "nonce-first");
	assert_status(s, 200);
	assert_int_equal(sample_int(s, "serial"), a.serial);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems WHERE state = 'current'"),
			 1);
}

static void test_a_machine_set_back_to_a_snapshot_goes_on(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a, snapshot;

	agent(s, "web1", "uuid-1", NULL, &a);
	sample_beat(s, &a);
	snapshot = a;
	for (int i = 0; i < 5; i++)
		sample_beat(s, &a);
	a = snapshot;
	sample_beat(s, &a);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(s->json, "notices"), 0)),
		"serial-conflict");
	for (int i = 0; i < 5; i++)
		sample_beat(s, &a);
	sample_call(s, "GET", "/v1/systems?clones=true", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 1);
	s->now += 8 * 86400;
	sample_call(s, "GET", "/v1/systems?clones=true", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 0);
}

static int split(struct sample_server *s, struct sample_agent *a, const char *more)
{
	char body[512];

	snprintf(body, sizeof(body),
		 "{\"machine_id\":\"%s\",\"product_uuid\":\"%s\",\"hostname\":\"%s\"%s}",
		 a->machine_id, a->product_uuid, a->hostname, more);
	return sample_call(s, "POST", "/v1/split", a->credential, body);
}

static void take_split(struct sample_server *s, struct sample_agent *a)
{
	snprintf(a->id, sizeof(a->id), "%s", sample_text(s, "system_id"));
	snprintf(a->credential, sizeof(a->credential), "%s", sample_text(s, "credential"));
	a->serial = sample_int(s, "serial");
}

static void test_clones_that_look_the_same_are_told_apart(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a, b;
	char parent[SUT_UID_LEN + 1], path[64];

	agent(s, "golden", "uuid-1", "{\"tags\":{\"site\":\"berlin\"}}", &a);
	snprintf(parent, sizeof(parent), "%s", a.id);
	snprintf(path, sizeof(path), "/v1/systems/%s", a.id);
	sample_call(s, "PATCH", path, s->tenant[0].token[SAMPLE_OPERATOR],
		    "{\"feed\":\"test\",\"pin\":\"level:4\"}");
	assert_status(s, 200);
	sample_beat(s, &a);
	b = a;
	/* Nobody was told yet. */
	assert_int_equal(split(s, &a, ""), 409);
	assert_string_equal(sample_code(s), "not-cloned");

	sample_beat(s, &a);
	sample_beat(s, &b); /* taken on: it may have been a snapshot */
	sample_checkin(s, &a, "nonce-a-again");
	assert_problem(s, 409, "cloned");
	sample_beat(s, &b);

	assert_int_equal(split(s, &a, ""), 201);
	take_split(s, &a);
	assert_string_not_equal(a.id, parent);
	for (int i = 0; i < 10; i++) {
		sample_beat(s, &a);
		sample_beat(s, &b);
	}
	sample_call(s, "GET", "/v1/self", a.credential, NULL);
	assert_string_equal(sample_text(s, "clone_of"), parent);
	assert_int_equal(sample_int(s, "instance"), 1);
	assert_string_equal(sample_text(s, "feed"), "test");
	assert_string_equal(sample_text(s, "pin"), "level:4");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(s->json, "tags"), "site")),
		"berlin");
	assert_int_equal(sample_number(s, "SELECT systems FROM keys"), 2);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM events WHERE type = 'system.cloned'"), 1);
}

static void test_another_product_uuid_is_a_clone_at_once(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a, b;

	agent(s, "vm", "uuid-1", NULL, &a);
	sample_beat(s, &a);
	b = a;
	snprintf(b.product_uuid, sizeof(b.product_uuid), "uuid-2");
	sample_checkin(s, &b, "nonce-of-b");
	assert_problem(s, 409, "cloned");
	sample_beat(s, &a);
	assert_int_equal(split(s, &b, ""), 201);
	take_split(s, &b);
	sample_beat(s, &b);
	sample_beat(s, &a);
	assert_int_equal(sample_number(s,
				       "SELECT COUNT(*) FROM systems WHERE product_uuid = 'uuid-2'"
				       " AND instance = 0"),
			 1);
}

static void test_a_split_whose_answer_was_lost_makes_no_third_system(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a, b;
	uint8_t hash[SUT_TOKEN_HASH];
	char hex[2 * SUT_TOKEN_HASH + 1], more[128], own[SUT_TOKEN_MAX], id[SUT_UID_LEN + 1];

	agent(s, "vm", "uuid-1", NULL, &a);
	b = a;
	snprintf(b.product_uuid, sizeof(b.product_uuid), "uuid-2");
	sample_checkin(s, &b, "nonce-of-b");
	assert_problem(s, 409, "cloned");
	assert_int_equal(sut_token_make(SUT_TOKEN_SYSTEM, own, NULL), 0);
	sut_token_hash(own, hash);
	sut_hex(hash, sizeof(hash), hex);
	snprintf(more, sizeof(more), ",\"credential_sha256\":\"%s\"", hex);
	assert_int_equal(split(s, &b, more), 201);
	snprintf(id, sizeof(id), "%s", sample_text(s, "system_id"));
	assert_int_equal(split(s, &b, more), 200);
	assert_string_equal(sample_text(s, "system_id"), id);
	assert_null(json_object_get(s->json, "credential"));
	snprintf(b.credential, sizeof(b.credential), "%s", own);
	sample_beat(s, &b);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems"), 2);
	/* That of somebody else is not taken over by it. */
	sut_token_hash(a.credential, hash);
	sut_hex(hash, sizeof(hash), hex);
	snprintf(more, sizeof(more), ",\"credential_sha256\":\"%s\"", hex);
	assert_int_equal(split(s, &a, more), 409);
	assert_string_equal(sample_code(s), "credential-taken");
}

static void test_a_clone_counts_for_the_limit_of_its_key(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a, b;

	agent(s, "vm", "uuid-1", "{\"max_systems\":1}", &a);
	b = a;
	snprintf(b.product_uuid, sizeof(b.product_uuid), "uuid-2");
	sample_checkin(s, &b, "nonce-of-b");
	assert_int_equal(split(s, &b, ""), 403);
	assert_string_equal(sample_code(s), "key-limit");
	sample_sql(s, "UPDATE keys SET max_systems = 2, revoked = 1");
	assert_int_equal(split(s, &b, ""), 403);
	assert_string_equal(sample_code(s), "key-revoked");
	/* The revoked key does not stop those that are there. */
	sample_beat(s, &a);
}

struct twice {
	struct sample_server *s;
	const char *credential;
};

static void *unregister_meanwhile(void *p)
{
	struct twice *t = p;

	sample_call(t->s, "POST", "/v1/unregister", t->credential, NULL);
	return NULL;
}

/* Another portal has just taken it out and has not committed. */
static void test_unregistering_at_two_portals_gives_its_key_one_system_back(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;
	struct twice twice = {s, a.credential};
	pthread_t t;

	agent(s, "vm", "uuid-1", NULL, &a);
	assert_int_equal(sut_db_begin(s->c, SUT_DB_WRITE, NULL), 0);
	sample_sql(s, "DELETE FROM systems");
	sample_sql(s, "UPDATE keys SET systems = systems - 1");
	assert_int_equal(pthread_create(&t, NULL, unregister_meanwhile, &twice), 0);
	usleep(300000);
	assert_int_equal(sut_db_commit(s->c, NULL), 0);
	pthread_join(t, NULL);
	assert_problem(s, 410, "system-deleted");
	assert_int_equal(sample_number(s, "SELECT systems FROM keys"), 0);
}

static void test_a_stolen_credential_is_no_way_around_the_networks_of_a_key(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a, thief;

	agent(s, "vm", "uuid-1", "{\"networks\":[\"127.0.0.0/8\"]}", &a);
	thief = a;
	snprintf(thief.product_uuid, sizeof(thief.product_uuid), "uuid-2");
	s->peer = "192.0.2.66";
	assert_int_equal(sample_checkin(s, &thief, "nonce-of-thief"), 409);
	assert_int_equal(split(s, &thief, ""), 403);
	assert_string_equal(sample_code(s), "key-network");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems"), 1);
	s->peer = NULL;
	assert_int_equal(split(s, &thief, ""), 201);
}

static void test_a_machine_that_gets_another_machine_id_is_the_same(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a, b;

	agent(s, "vm", "uuid-1", NULL, &a);
	sample_beat(s, &a);
	snprintf(a.machine_id, sizeof(a.machine_id), "machine-made-anew");
	sample_beat(s, &a);
	sample_call(s, "GET", "/v1/self", a.credential, NULL);
	assert_string_equal(sample_text(s, "machine_id"), "machine-made-anew");
	/* Without a product_uuid nothing says that it is the same. */
	agent(s, "container", "", NULL, &b);
	sample_beat(s, &b);
	snprintf(b.machine_id, sizeof(b.machine_id), "machine-other");
	sample_checkin(s, &b, "nonce-of-b");
	assert_problem(s, 409, "cloned");
}

static void test_mistakes_in_a_report_are_named(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;
	static const struct {
		const char *more, *pointer;
	} cases[] = {
		{",\"colour\":\"red\"", "/colour"},
		{",\"errors\":[{\"message\":\"m\"}]", "/errors/0/code"},
		{",\"errors\":[{\"code\":\"c\",\"message\":\"\\u001b[2J\"}]", "/errors/0/message"},
		{",\"libraries\":[{\"name\":\"x\"}]", "/libraries/0/build_id"},
		{",\"libraries\":{}", "/libraries"},
		{",\"quarantined\":[1]", "/quarantined/0"},
		{",\"last_pause_ns\":-1", "/last_pause_ns"},
		{",\"facts\":{\"a\":{\"b\":{}}}", "/facts/a"},
		{",\"products\":[\"x\"]", "/products"},
	};

	agent(s, "web1", "uuid-1", NULL, &a);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		a.more = cases[i].more;
		sample_checkin(s, &a, "nonce-123");
		assert_problem(s, 422, "invalid-field");
		if (!strstr(sut_buf_str(&s->r.raw), cases[i].pointer))
			fail_msg("%s: %s", cases[i].more, sut_buf_str(&s->r.raw));
	}
	a.more = "";
	a.state = "splendid";
	sample_checkin(s, &a, "nonce-123");
	assert_problem(s, 422, "invalid-field");
	a.state = "current";
	sample_checkin(s, &a, "short");
	assert_problem(s, 422, "invalid-field");
	/* None of them has moved the line. */
	sample_beat(s, &a);
	assert_int_equal(a.serial, 2);
}

static void test_only_systems_check_in(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;

	agent(s, "web1", "uuid-1", NULL, &a);
	sample_call(s, "POST", "/v1/checkin", NULL, "{}");
	assert_status(s, 401);
	sample_call(s, "POST", "/v1/checkin", s->tenant[0].token[SAMPLE_ADMIN], "{}");
	assert_status(s, 403);
	sample_call(s, "GET", "/v1/systems", a.credential, NULL);
	assert_status(s, 403);
	sample_sql(s, "UPDATE tenants SET disabled = 1 WHERE name = 'alpha'");
	sample_checkin(s, &a, "nonce-123");
	assert_problem(s, 403, "tenant-disabled");
}

/* --- a group through the real pool --- */

struct beat {
	struct server *p;
	struct sample_agent *a;
	int status;
	bool clone;
};

static void *one_beat(void *arg)
{
	struct beat *b = arg;
	char body[600], bearer[128];
	const char *headers[] = {"Content-Type: application/json", bearer, NULL};
	struct web_call call = {
		.method = "POST", .target = "/v1/checkin", .body = body, .headers = headers};
	struct web_resp r;

	snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", b->a->credential);
	call.len = (size_t)snprintf(
		body, sizeof(body),
		"{\"serial\":%lld,\"nonce\":\"%s-%s\",\"machine_id\":\"%s\",\"product_uuid\":\"%s\","
		"\"boot_id\":\"boot-1\",\"state\":\"current\"}",
		(long long)b->a->serial, b->clone ? "nonce-clone" : "nonce-own", b->a->hostname,
		b->a->machine_id, b->a->product_uuid);
	web_handle(b->p, &call, &r);
	b->status = r.status;
	web_resp_release(&r);
	return NULL;
}

static void test_many_at_once_are_each_answered_for_themselves(void **state)
{
	enum { N = 40 };
	struct sample_server *s = *state;
	struct sample_agent a[N];
	struct sample_key k;
	struct beat b[N];
	pthread_t t[N];
	char name[16];

	sample_key_new(s, 0, NULL, &k);
	for (int i = 0; i < N / 2; i++) {
		snprintf(name, sizeof(name), "h%02d", i);
		sample_agent_init(&a[i], name, "uuid-1");
		assert_int_equal(sample_enroll(s, &a[i], NULL, k.key, NULL), 201);
		/* A clone of each comes in the same group. */
		a[N / 2 + i] = a[i];
	}
	for (int i = 0; i < N; i++) {
		b[i] = (struct beat){s->p, &a[i], 0, i >= N / 2};
		assert_int_equal(pthread_create(&t[i], NULL, one_beat, &b[i]), 0);
	}
	for (int i = 0; i < N; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(b[i].status, 200);
	}
	/* Two went on one line each: serial 1, then the conflict. */
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems WHERE serial = 3"
					  " AND conflict_at IS NOT NULL AND state = 'current'"),
			 N / 2);
}

/* Readers look at the credential, the writer acts; in between another one may have taken its place. */
static void test_a_credential_that_is_replaced_in_the_meantime_is_refused(void **state)
{
	struct sample_server *s = *state;
	const struct timespec moment = {.tv_nsec = 200 * 1000000};
	struct sample_agent old, new;
	struct sample_key k;
	struct sut_err err = {0};
	struct beat b[2];
	pthread_t t[2];

	sample_key_new(s, 0, NULL, &k);
	sample_agent_init(&old, "h", "uuid-1");
	assert_int_equal(sample_enroll(s, &old, NULL, k.key, NULL), 201);
	new = old;
	assert_int_equal(sample_enroll(s, &new, NULL, k.key, NULL), 200);
	/* The writer waits for this, so that both are let in before either is done. */
	assert_ok(sut_db_begin(s->c, SUT_DB_WRITE, &err), err);
	sample_sql(s, "UPDATE systems SET hold = 0");
	b[0] = (struct beat){s->p, &new, 0, false};
	b[1] = (struct beat){s->p, &old, 0, true};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&t[i], NULL, one_beat, &b[i]), 0);
		nanosleep(&moment, NULL);
	}
	assert_ok(sut_db_commit(s->c, &err), err);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(b[0].status, 200);
	assert_int_equal(b[1].status, 401);
}

static void test_a_request_that_reaches_two_portals_is_one_checkin(void **state)
{
	enum { N = 40 };
	struct sample_server *s = *state;
	struct server *second = sample_server_another(s, 4);
	struct sample_agent a[N / 2];
	struct sample_key k;
	struct beat b[N];
	pthread_t t[N];
	char name[16];

	sample_key_new(s, 0, NULL, &k);
	for (int i = 0; i < N / 2; i++) {
		snprintf(name, sizeof(name), "h%02d", i);
		sample_agent_init(&a[i], name, "uuid-1");
		assert_int_equal(sample_enroll(s, &a[i], NULL, k.key, NULL), 201);
	}
	for (int i = 0; i < N; i++) {
		b[i] = (struct beat){i % 2 ? second : s->p, &a[i / 2], 0, false};
		assert_int_equal(pthread_create(&t[i], NULL, one_beat, &b[i]), 0);
	}
	for (int i = 0; i < N; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(b[i].status, 200);
	}
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM systems WHERE serial = 2"
					  " AND conflict_at IS NULL AND checkin IS NOT NULL"),
			 N / 2);
	server_freep(&second);
}

/* The pool as it is in service: reader threads, and the writer that makes groups. */
static void with_threads(struct server_conf *c)
{
	c->readers = 4;
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"a check-in is told what to run and when to come back",
		 test_a_checkin_is_told_what_to_run_and_when_to_come_back, NULL, 0},
		{"what the machine took out is not sent again",
		 test_what_the_machine_took_out_is_not_sent_again, NULL, 0},
		{"a heartbeat that says nothing new leaves no trace",
		 test_a_heartbeat_that_says_nothing_new_leaves_no_trace, NULL, 0},
		{"a system that changes all the time does not fill the history",
		 test_a_system_that_changes_all_the_time_does_not_fill_the_history, NULL, 0},
		{"facts are kept until others come", test_facts_are_kept_until_others_come, NULL,
		 0},
		{"changes are kept as history", test_changes_are_kept_as_history, NULL, 0},
		{"a lost answer is given again", test_a_lost_answer_is_given_again, NULL, 0},
		{"what comes late does not say what is", test_what_comes_late_does_not_say_what_is,
		 NULL, 0},
		{"a credential that is replaced in the meantime is refused",
		 test_a_credential_that_is_replaced_in_the_meantime_is_refused, with_threads, 0},
		{"a machine set back to a snapshot goes on",
		 test_a_machine_set_back_to_a_snapshot_goes_on, NULL, 0},
		{"clones that look the same are told apart",
		 test_clones_that_look_the_same_are_told_apart, NULL, 0},
		{"another product_uuid is a clone at once",
		 test_another_product_uuid_is_a_clone_at_once, NULL, 0},
		{"a split whose answer was lost makes no third system",
		 test_a_split_whose_answer_was_lost_makes_no_third_system, NULL, 0},
		{"a clone counts for the limit of its key",
		 test_a_clone_counts_for_the_limit_of_its_key, NULL, 0},
		{"unregistering at two portals gives its key one system back",
		 test_unregistering_at_two_portals_gives_its_key_one_system_back, NULL,
		 SUT_DB_PGSQL},
		{"a stolen credential is no way around the networks of a key",
		 test_a_stolen_credential_is_no_way_around_the_networks_of_a_key, NULL, 0},
		{"a machine that gets another machine-id is the same",
		 test_a_machine_that_gets_another_machine_id_is_the_same, NULL, 0},
		{"mistakes in a report are named", test_mistakes_in_a_report_are_named, NULL, 0},
		{"only systems check in", test_only_systems_check_in, NULL, 0},
		{"many at once are each answered for themselves",
		 test_many_at_once_are_each_answered_for_themselves, with_threads, 0},
		{"a request that reaches two portals is one check-in",
		 test_a_request_that_reaches_two_portals_is_one_checkin, with_threads, 0},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
