/* SPDX-License-Identifier: Apache-2.0 */
/* Libraries at check-ins: what systems say of them, and what they are told. docs/formats/checkin.md */
#include "unit.h"

#include <string.h>

#include "base/str.h"
#include "sample_fleet.h"

#define SSL "1111111111111111111111111111111111111111"
#define EXPAT "2222222222222222222222222222222222222222"
#define UNKNOWN "3333333333333333333333333333333333333333"

static void target(struct sample_server *s, const char *name, const char *product,
		   const char *build_id, int level, int64_t created)
{
	bool library = sut_streq(product, "library");
	char sql[1024];

	snprintf(
		sql, sizeof(sql),
		"INSERT INTO patchsets (name, product, created, seen) VALUES ('%s', '%s', %lld, %d)"
		" ON CONFLICT (name) DO NOTHING",
		name, product, (long long)created, SAMPLE_NOW - 500);
	sample_sql(s, sql);
	snprintf(
		sql, sizeof(sql),
		"INSERT INTO patch_targets (patchset, build_id, level, path, length, sha256, target,"
		" arch, release, manifest) SELECT id, '%s', %d, '%s/%s/%d/%s', 1234, 'aa', 'debian/x',"
		" 'x86_64', '', '{}' FROM patchsets WHERE name = '%s'",
		build_id, level, product, build_id, level, library ? "upatch.bin" : "kpatch.bin",
		name);
	sample_sql(s, sql);
	snprintf(sql, sizeof(sql),
		 "INSERT INTO feed_entries (feed, patchset, state, entered, changed, changed_by)"
		 " SELECT f.id, p.id, 'active', %d, 0, 'test' FROM feeds f, patchsets p"
		 " WHERE f.name = 'stable' AND f.tenant = 0 AND p.name = '%s'"
		 " ON CONFLICT DO NOTHING",
		 SAMPLE_NOW - 400, name);
	sample_sql(s, sql);
	sample_sql(s, "UPDATE meta SET value = value + 1 WHERE name = 'generation'");
	sample_server_again(s, NULL);
}

static void library(struct sample_server *s, const char *name, const char *build_id, int level)
{
	target(s, name, "library", build_id, level, SAMPLE_NOW - 1000 + level);
}

static void again(struct sample_server *s, const char *sql)
{
	sample_sql(s, sql);
	sample_sql(s, "UPDATE meta SET value = value + 1 WHERE name = 'generation'");
	sample_server_again(s, NULL);
}

static void agent(struct sample_server *s, const char *name, const char *key_body, const char *more,
		  struct sample_agent *ret)
{
	struct sample_key k;

	sample_key_new(s, 0, key_body, &k);
	sample_agent_init(ret, name, name);
	assert_int_equal(sample_enroll(s, ret, NULL, k.key, more), 201);
}

/* What the last answer tells of a library; NULL: nothing. */
static const json_t *told(const struct sample_server *s, const char *build_id)
{
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(s->json, "libraries"), i, e)
		if (sut_streq(json_string_value(json_object_get(e, "build_id")), build_id))
			return e;
	return NULL;
}

static void is_told(const struct sample_server *s, const char *build_id, const char *action,
		    int level)
{
	const json_t *e = told(s, build_id);

	if (!action) {
		assert_null(e);
		return;
	}
	assert_non_null(e);
	assert_string_equal(json_string_value(json_object_get(e, "action")), action);
	assert_int_equal(json_integer_value(json_object_get(e, "level")), level);
}

static const char *held(const struct sample_server *s, size_t i, const char *name)
{
	return json_string_value(
		json_object_get(json_array_get(json_object_get(s->json, "held"), i), name));
}

static void each_library_is_told_by_itself(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;

	library(s, "U20261118_01", SSL, 1);
	library(s, "U20261118_02", SSL, 2);
	library(s, "U20261118_03", EXPAT, 4);
	agent(s, "web1", NULL, NULL, &a);
	a.more =
		",\"products\":[\"kernel\",\"library\"],\"libraries\":["
		"{\"build_id\":\"" SSL "\",\"name\":\"libssl.so.3\",\"processes\":14},"
		"{\"build_id\":\"" EXPAT "\",\"name\":\"libexpat.so.1\",\"level\":4,"
		"\"patchset\":\"U20261118_03\",\"processes\":2,\"patched\":2,\"state\":\"current\"},"
		"{\"build_id\":\"" UNKNOWN "\",\"name\":\"libx.so.1\",\"processes\":1}]";
	sample_beat(s, &a);
	is_told(s, SSL, "apply", 2);
	assert_string_equal(json_string_value(json_object_get(told(s, SSL), "path")),
			    "library/" SSL "/2/upatch.bin");
	assert_string_equal(json_string_value(json_object_get(told(s, SSL), "patchset")),
			    "U20261118_02");
	is_told(s, EXPAT, "keep", 4);
	is_told(s, UNKNOWN, NULL, 0);
	assert_int_equal(json_array_size(json_object_get(s->json, "held")), 0);
}

static void what_is_withdrawn_held_or_quarantined_is_not_sent(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;

	library(s, "U20261118_01", SSL, 1);
	library(s, "U20261118_02", SSL, 2);
	agent(s, "web1", NULL, NULL, &a);
	a.more = ",\"quarantined\":[\"U20261118_02\"],\"libraries\":[{\"build_id\":\"" SSL
		 "\",\"name\":\"l\"}]";
	sample_beat(s, &a);
	is_told(s, SSL, NULL, 0);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(s->json, "notices"), 0)),
		"quarantined");
	a.more = ",\"libraries\":[{\"build_id\":\"" SSL "\",\"name\":\"l\",\"level\":1,"
		 "\"patchset\":\"U20261118_01\"}]";
	again(s, "UPDATE feed_entries SET state = 'held', reason = 'slow' WHERE patchset ="
		 " (SELECT id FROM patchsets WHERE name = 'U20261118_02')");
	sample_beat(s, &a);
	is_told(s, SSL, "keep", 1);
	assert_string_equal(held(s, 0, "build_id"), SSL);
	assert_string_equal(held(s, 0, "reason"), "held");
	again(s, "UPDATE feed_entries SET state = 'withdrawn'");
	sample_beat(s, &a);
	is_told(s, SSL, "unload", 0);
}

/* The machine's hold is for all of it; a level says nothing of other builds, a day does. */
static void holds_and_pins_of_a_system(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;

	target(s, "U20261118_01", "library", SSL, 1, SAMPLE_NOW - 10 * 86400);
	target(s, "U20261118_02", "library", SSL, 2, SAMPLE_NOW - 86400);
	agent(s, "web1", NULL, NULL, &a);
	a.more = ",\"libraries\":[{\"build_id\":\"" SSL "\",\"name\":\"l\"}]";
	sample_sql(s, "UPDATE systems SET pin = 'level:1'");
	sample_beat(s, &a);
	is_told(s, SSL, "apply", 2);
	sample_sql(s, "UPDATE systems SET pin = 'date:2026-11-12'");
	sample_beat(s, &a);
	is_told(s, SSL, "apply", 1);
	sample_sql(s, "UPDATE systems SET pin = 'patchset:U20261118_01'");
	sample_beat(s, &a);
	is_told(s, SSL, "apply", 1);
	sample_sql(s, "UPDATE systems SET pin = NULL, hold = 1");
	sample_beat(s, &a);
	is_told(s, SSL, NULL, 0);
	assert_string_equal(held(s, 0, "reason"), "system-hold");
}

static void key_without_libraries_gets_none(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a, b;

	library(s, "U20261118_01", SSL, 1);
	target(s, "K20261118_01", "kernel", SAMPLE_BUILD_ID, 1, SAMPLE_NOW - 1000);
	agent(s, "web1", "{\"products\":[\"kernel\"]}", ",\"products\":[\"kernel\"]", &a);
	a.more = ",\"libraries\":[{\"build_id\":\"" SSL "\",\"name\":\"l\"}]";
	sample_beat(s, &a);
	assert_int_equal(json_array_size(json_object_get(s->json, "libraries")), 0);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(s->json, "kernel"), "action")),
		"apply");
	agent(s, "web2", "{\"products\":[\"library\"]}", ",\"products\":[\"library\"]", &b);
	b.more = a.more;
	sample_beat(s, &b);
	is_told(s, SSL, "apply", 1);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(s->json, "kernel"), "action")),
		"none");
	/* An agent that does not look after them is told nothing, either. */
	b.more = ",\"products\":[\"kernel\"],\"libraries\":[{\"build_id\":\"" SSL
		 "\",\"name\":\"l\"}]";
	sample_beat(s, &b);
	assert_int_equal(json_array_size(json_object_get(s->json, "libraries")), 0);
}

/* Systems may name what they like: a kernel's build-id gives no kernel patch to a library. */
static void a_kernel_is_no_library(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;

	target(s, "K20261118_01", "kernel", UNKNOWN, 1, SAMPLE_NOW - 1000);
	agent(s, "web1", NULL, NULL, &a);
	a.more = ",\"libraries\":[{\"build_id\":\"" UNKNOWN "\",\"name\":\"l\"}]";
	sample_beat(s, &a);
	assert_int_equal(json_array_size(json_object_get(s->json, "libraries")), 0);
}

static void report(struct sample_server *s, struct sample_agent *a, int processes, int patched)
{
	static char more[512];

	snprintf(more, sizeof(more),
		 ",\"libraries\":[{\"build_id\":\"" SSL
		 "\",\"name\":\"libssl.so.3\",\"version\":\"3.0.17\",\"level\":1,"
		 "\"patchset\":\"U1\",\"processes\":%d,\"patched\":%d,\"state\":\"current\"}]",
		 processes, patched);
	a->more = more;
	s->now += 300;
	sample_beat(s, a);
}

static void counts_alone_are_no_news(void **state)
{
	struct sample_server *s = *state;
	struct sample_agent a;
	int64_t events;

	agent(s, "web1", NULL, NULL, &a);
	report(s, &a, 20, 20);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM system_libraries"), 1);
	events = sample_number(s, "SELECT COUNT(*) FROM system_events");
	for (int i = 17; i < 31; i++)
		report(s, &a, i, i);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM system_events"), events);
	assert_int_equal(sample_number(s, "SELECT patched FROM system_libraries"), 20);
	/* One that is not patched is news, and so are twice as many. */
	report(s, &a, 30, 29);
	assert_int_equal(sample_number(s, "SELECT patched FROM system_libraries"), 29);
	report(s, &a, 64, 63);
	assert_int_equal(sample_number(s, "SELECT processes FROM system_libraries"), 64);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM system_events"), events + 2);
	assert_int_equal(
		sample_number(s, "SELECT COUNT(*) FROM system_events WHERE type = 'libraries'"), 2);
	/* What is left out is not so any more. */
	a.more = "";
	sample_beat(s, &a);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM system_libraries"), 0);
}

static void people_see_how_many_processes_run_it(void **state)
{
	struct sample_server *s = *state;
	const char *viewer = s->tenant[0].token[SAMPLE_VIEWER];
	struct sample_agent a, b;
	char target_of[96];
	json_t *l;

	library(s, "U20261118_01", SSL, 2);
	agent(s, "web1", NULL, NULL, &a);
	agent(s, "web2", NULL, NULL, &b);
	report(s, &a, 5, 4);
	sample_beat(s, &b);
	snprintf(target_of, sizeof(target_of), "/v1/systems/%s", a.id);
	sample_call(s, "GET", target_of, viewer, NULL);
	assert_status(s, 200);
	l = json_array_get(json_object_get(s->json, "libraries"), 0);
	assert_int_equal(json_integer_value(json_object_get(l, "processes")), 5);
	assert_int_equal(json_integer_value(json_object_get(l, "patched")), 4);
	assert_string_equal(json_string_value(json_object_get(l, "state")), "current");
	sample_call(s, "GET", "/v1/systems?library=" SSL, viewer, NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 1);
	sample_call(s, "GET", "/v1/systems?library=" EXPAT, viewer, NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 0);
	sample_call(s, "GET", "/v1/systems/summary", viewer, NULL);
	assert_status(s, 200);
	l = json_array_get(json_object_get(s->json, "libraries"), 0);
	assert_string_equal(json_string_value(json_object_get(l, "build_id")), SSL);
	assert_int_equal(json_integer_value(json_object_get(l, "systems")), 1);
	assert_int_equal(json_integer_value(json_object_get(l, "unpatched_systems")), 1);
	assert_int_equal(json_integer_value(json_object_get(l, "patched")), 4);
	/* Not those of others. */
	sample_call(s, "GET", "/v1/systems/summary", s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "libraries")), 0);
	snprintf(target_of, sizeof(target_of), "/v1/systems/%s/decision", a.id);
	sample_call(s, "GET", target_of, viewer, NULL);
	assert_status(s, 200);
	is_told(s, SSL, "apply", 2);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *more, *pointer;
	} wrong[] = {
		{",\"libraries\":[{\"build_id\":\"" SSL "\",\"patched\":-1}]",
		 "/libraries/0/patched"},
		{",\"libraries\":[{\"build_id\":\"" SSL "\",\"state\":\"fine\"}]",
		 "/libraries/0/state"},
		{",\"libraries\":[{\"build_id\":\"" SSL "\",\"x\":1}]", "/libraries/0/x"},
	};
	struct sample_server *s = *state;
	struct sample_agent a;

	agent(s, "web1", NULL, NULL, &a);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(wrong); i++) {
		a.more = wrong[i].more;
		assert_int_equal(sample_checkin(s, &a, "nonce-of-this-test"), 422);
		assert_non_null(strstr(sut_buf_str(&s->r.raw), wrong[i].pointer));
	}
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"each library is told by itself", each_library_is_told_by_itself, NULL, 0},
		{"what is withdrawn, held or quarantined is not sent",
		 what_is_withdrawn_held_or_quarantined_is_not_sent, NULL, 0},
		{"holds and pins of a system", holds_and_pins_of_a_system, NULL, 0},
		{"a key without libraries gets none", key_without_libraries_gets_none, NULL, 0},
		{"a kernel is no library", a_kernel_is_no_library, NULL, 0},
		{"counts alone are no news", counts_alone_are_no_news, NULL, 0},
		{"people see how many processes run it", people_see_how_many_processes_run_it, NULL,
		 0},
		{"what is wrong is named", what_is_wrong_is_named, NULL, 0},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
