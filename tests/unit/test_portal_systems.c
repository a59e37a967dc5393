/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/systems: lists, changes, moving, history, decisions. */
#include "unit.h"

#include <string.h>
#include <time.h>

#include "sample_fleet.h"

enum { MANY = 10000 };

static size_t items(const struct sample_server *s)
{
	return json_array_size(json_object_get(s->json, "items"));
}

static size_t listed(struct sample_server *s, int t, const char *query)
{
	char target[256];

	snprintf(target, sizeof(target), "/v1/systems?%s", query);
	sample_call(s, "GET", target, s->tenant[t].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	return items(s);
}

static void agent(struct sample_server *s, const struct sample_key *k, const char *name,
		  struct sample_agent *ret)
{
	sample_agent_init(ret, name, "uuid-1");
	assert_int_equal(sample_enroll(s, ret, NULL, k->key, NULL), 201);
}

static void test_every_filter_finds_what_it_says(void **state)
{
	struct sample_server *s = *state;
	const char *op = s->tenant[0].token[SAMPLE_OPERATOR];
	struct sample_key stable, test;
	struct sample_agent a, b, c;
	char path[64], query[128];

	sample_key_new(s, 0, "{\"tags\":{\"site\":\"berlin\"}}", &stable);
	sample_key_new(s, 0, "{\"feed\":\"test\"}", &test);
	agent(s, &stable, "web-1", &a);
	agent(s, &stable, "web-2", &b);
	s->now += 3600;
	agent(s, &test, "db-1", &c);
	a.state = "failed";
	a.level = 2;
	a.more = ",\"errors\":[{\"code\":\"busy\"}]";
	sample_beat(s, &a);
	s->peer = "10.0.0.7";
	sample_beat(s, &b);
	s->peer = NULL;
	snprintf(path, sizeof(path), "/v1/systems/%s", b.id);
	sample_call(s, "PATCH", path, op, "{\"external_id\":\"vm 7\",\"feed\":\"candidate\"}");
	assert_status(s, 200);

	assert_int_equal(listed(s, 0, ""), 3);
	assert_int_equal(listed(s, 0, "hostname=web"), 2);
	assert_int_equal(listed(s, 0, "hostname=eb"), 0);
	assert_int_equal(listed(s, 0, "hostname=%25"), 0);
	assert_int_equal(listed(s, 0, "tag=site"), 2);
	assert_int_equal(listed(s, 0, "tag=site%3Dberlin"), 2);
	assert_int_equal(listed(s, 0, "tag=site:paris"), 0);
	assert_int_equal(listed(s, 0, "feed=test"), 1);
	assert_int_equal(listed(s, 0, "feed=stable"), 1);
	assert_int_equal(listed(s, 0, "feed=candidate"), 1);
	snprintf(query, sizeof(query), "key=%s", stable.id);
	assert_int_equal(listed(s, 0, query), 2);
	assert_int_equal(listed(s, 0, "state=new"), 1);
	assert_int_equal(listed(s, 0, "state=failed&level=2&errors=true"), 1);
	assert_int_equal(listed(s, 0, "errors=false"), 2);
	assert_int_equal(listed(s, 0, "build_id=" SAMPLE_BUILD_ID), 2);
	assert_int_equal(listed(s, 0, "release=6.1.0-47-cloud-amd64&state=current"), 1);
	assert_int_equal(listed(s, 0, "external_id=vm+7"), 1);
	assert_int_equal(listed(s, 0, "address=10.0.0.7"), 1);
	assert_int_equal(listed(s, 0, "machine_id=machine-db-1"), 1);
	assert_int_equal(listed(s, 0, "clones=false"), 3);
	assert_int_equal(listed(s, 0, "registered_before=2026-11-18T12:00:00Z"), 2);
	assert_int_equal(listed(s, 0, "registered_after=2026-11-18T12:00:00Z"), 1);
	assert_int_equal(listed(s, 0, "checkin_before=2026-11-18T12:00:00Z"), 1);
	assert_int_equal(listed(s, 0, "checkin_after=2026-11-18T12:00:00Z"), 2);
	/* None of it shows a system of another tenant. */
	assert_int_equal(listed(s, 1, ""), 0);
	assert_int_equal(listed(s, 1, "external_id=vm+7"), 0);
	assert_int_equal(listed(s, 1, "build_id=" SAMPLE_BUILD_ID), 0);
	assert_int_equal(listed(s, 1, "machine_id=machine-db-1"), 0);

	sample_call(s, "GET", "/v1/systems?level=x", op, NULL);
	assert_problem(s, 400, "bad-argument");
	sample_call(s, "GET", "/v1/systems?errors=1", op, NULL);
	assert_problem(s, 400, "bad-argument");
	sample_call(s, "GET", "/v1/systems?checkin_before=tomorrow", op, NULL);
	assert_problem(s, 400, "bad-argument");
	sample_call(s, "GET", "/v1/systems?hostname=%1f", op, NULL);
	assert_problem(s, 400, "bad-argument");
	sample_call(s, "GET", "/v1/systems?sort=hostname", op, NULL);
	assert_problem(s, 400, "unknown-argument");
}

/* Rows made by the database itself, to have many of them soon. */
static void many_systems(struct sample_server *s)
{
	struct sample_key k;

	sample_key_new(s, 0, NULL, &k);
	sample_sql(
		s,
		s->db.engine == SUT_DB_SQLITE
			? "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
			  " INSERT INTO systems (uid, tenant, key_id, machine_id, hostname, credential,"
			  " registered, updated, level, release, build_id)"
			  " SELECT printf('%016d', i), k.tenant, k.id, printf('machine-%d', i),"
			  " printf('host-%05d', i), CAST(printf('%032d', i) AS BLOB), 1795000000,"
			  " 1795000000, i % 3, printf('6.1.0-%d', i % 5), printf('%040d', i % 5)"
			  " FROM n, keys k"
			: "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
			  " INSERT INTO systems (uid, tenant, key_id, machine_id, hostname, credential,"
			  " registered, updated, level, release, build_id)"
			  " SELECT lpad(i::text, 16, '0'), k.tenant, k.id, 'machine-' || i,"
			  " 'host-' || lpad(i::text, 5, '0'), decode(lpad(i::text, 64, '0'), 'hex'),"
			  " 1795000000, 1795000000, i % 3, '6.1.0-' || i % 5, lpad((i % 5)::text, 40, '0')"
			  " FROM n, keys k");
}

static void test_ten_thousand_systems_come_in_pages_that_neither_repeat_nor_skip(void **state)
{
	struct sample_server *s = *state;
	char target[128] = "/v1/systems?limit=500";
	struct timespec from, to;
	char last[SUT_UID_LEN + 1] = "";
	size_t seen = 0;
	double ms;

	many_systems(s);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int page = 0;; page++) {
		const char *next;
		json_t *list;

		assert_true(page < 21);
		sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_VIEWER], NULL);
		assert_status(s, 200);
		list = json_object_get(s->json, "items");
		for (size_t i = 0; i < json_array_size(list); i++) {
			const char *id =
				json_string_value(json_object_get(json_array_get(list, i), "id"));

			assert_true(strcmp(id, last) > 0);
			snprintf(last, sizeof(last), "%s", id);
		}
		seen += json_array_size(list);
		next = json_string_value(json_object_get(s->json, "next"));
		if (!next)
			break;
		/* What goes away meanwhile moves nothing. */
		sample_sql(s, "DELETE FROM systems WHERE id = (SELECT MIN(id) FROM systems)");
		snprintf(target, sizeof(target), "/v1/systems?limit=500&cursor=%s", next);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	ms = (double)(to.tv_sec - from.tv_sec) * 1000 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
	print_message("%.0f ms for 20 pages of 500\n", ms);
	assert_int_equal(seen, MANY);
	assert_int_equal(listed(s, 0, "hostname=host-0999"), 10);
}

static void test_the_summary_counts(void **state)
{
	struct sample_server *s = *state;
	json_t *j, *kernels;

	many_systems(s);
	s->now += 86400 + 3600;
	sample_sql(s, "UPDATE systems SET checkin = 1795080000, state = 'current', errors = 1"
		      " WHERE hostname < 'host-00101'");
	sample_sql(s, "UPDATE systems SET conflict_at = 1795080000, hold = 1"
		      " WHERE hostname = 'host-00007'");
	sample_call(s, "GET", "/v1/systems/summary", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	assert_int_equal(sample_int(s, "total"), MANY);
	assert_int_equal(sample_int(s, "silent"), MANY - 100);
	assert_int_equal(sample_int(s, "errors"), 100);
	assert_int_equal(sample_int(s, "clone_suspects"), 1);
	assert_int_equal(sample_int(s, "on_hold"), 1);
	j = json_object_get(s->json, "states");
	assert_int_equal(json_integer_value(json_object_get(j, "current")), 100);
	assert_int_equal(json_integer_value(json_object_get(j, "new")), MANY - 100);
	j = json_object_get(s->json, "levels");
	assert_int_equal(json_integer_value(json_object_get(j, "0")), 3333);
	j = json_object_get(s->json, "feeds");
	assert_int_equal(json_integer_value(json_object_get(j, "stable")), MANY);
	kernels = json_object_get(s->json, "kernels");
	assert_int_equal(json_array_size(kernels), 5);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(kernels, 0), "systems")),
			 2000);
	sample_call(s, "GET", "/v1/systems/summary", s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_int_equal(sample_int(s, "total"), 0);
}

static void test_a_change_is_audited_and_seen(void **state)
{
	struct sample_server *s = *state;
	const char *op = s->tenant[0].token[SAMPLE_OPERATOR];
	struct sample_key k;
	struct sample_agent a;
	char path[64];

	sample_key_new(s, 0, "{\"delay_hours\":12,\"pin\":\"level:9\"}", &k);
	agent(s, &k, "web-1", &a);
	snprintf(path, sizeof(path), "/v1/systems/%s", a.id);
	sample_call(
		s, "PATCH", path, op,
		"{\"tags\":{\"a\":\"1\",\"b\":\"2\"},\"hold\":true,\"hold_reason\":\"month-end\","
		"\"hold_until\":\"2026-12-01T00:00:00Z\",\"delay_hours\":0,\"pin\":\"level:3\"}");
	assert_status(s, 200);
	assert_string_equal(s->r.etag, "\"v2\"");
	assert_true(json_is_true(json_object_get(s->json, "hold")));
	assert_string_equal(sample_text(s, "hold_until"), "2026-12-01T00:00:00Z");
	assert_int_equal(sample_int(s, "delay_hours"), 0);

	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "PATCH", path, op, "{\"hold\":false}");
	assert_problem(s, 412, "changed");
	sample_header(s, "If-Match: \"v2\"");
	sample_call(s, "PATCH", path, op,
		    "{\"hold\":false,\"tags\":{\"b\":\"3\"},\"delay_hours\":null,\"pin\":null}");
	assert_status(s, 200);
	/* What ends a hold ends its reason; tags are replaced as a whole. */
	assert_string_equal(sample_text(s, "hold_reason"), "");
	assert_true(json_is_null(json_object_get(s->json, "hold_until")));
	assert_true(json_is_null(json_object_get(s->json, "delay_hours")));
	assert_int_equal(json_object_size(json_object_get(s->json, "tags")), 1);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM audit WHERE action ="
					  " 'system.change' AND detail LIKE '%month-end%'"),
			 1);
	for (int role = 0; role < SAMPLE_ROLES; role++) {
		bool may = role == SAMPLE_OPERATOR || role == SAMPLE_ADMIN;

		sample_call(s, "PATCH", path, s->tenant[0].token[role], "{\"hold\":false}");
		assert_status(s, may ? 200 : 403);
		sample_call(s, "GET", path, s->tenant[0].token[role], NULL);
		assert_status(s, 200);
	}
	sample_call(s, "PATCH", path, op, "{\"feed\":\"none\"}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "PATCH", path, op, "{\"state\":\"current\"}");
	assert_problem(s, 422, "invalid-field");
}

static void test_systems_of_another_tenant_do_not_exist(void **state)
{
	struct sample_server *s = *state;
	const char *other = s->tenant[1].token[SAMPLE_ADMIN];
	static const char *const parts[] = {"", "/events", "/decision"};
	struct sample_key k, mine;
	struct sample_agent a;
	char path[96], body[64];

	sample_key_new(s, 0, NULL, &k);
	sample_key_new(s, 1, NULL, &mine);
	agent(s, &k, "web-1", &a);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(parts); i++) {
		snprintf(path, sizeof(path), "/v1/systems/%s%s", a.id, parts[i]);
		sample_call(s, "GET", path, other, NULL);
		assert_problem(s, 404, "not-found");
	}
	snprintf(path, sizeof(path), "/v1/systems/%s", a.id);
	sample_call(s, "PATCH", path, other, "{\"hold\":true}");
	assert_problem(s, 404, "not-found");
	sample_call(s, "DELETE", path, other, NULL);
	assert_problem(s, 404, "not-found");
	snprintf(path, sizeof(path), "/v1/systems/%s/transfer", a.id);
	snprintf(body, sizeof(body), "{\"key\":\"%s\"}", mine.id);
	sample_call(s, "POST", path, other, body);
	assert_problem(s, 404, "not-found");
	/* Nor can it be pushed into a key of another tenant. */
	sample_call(s, "POST", path, s->tenant[0].token[SAMPLE_ADMIN], body);
	assert_problem(s, 422, "invalid-field");
	snprintf(body, sizeof(body), "{\"key\":\"%s\",\"tenant\":\"beta\"}", mine.id);
	sample_call(s, "POST", path, s->tenant[0].token[SAMPLE_ADMIN], body);
	assert_problem(s, 403, "staff-only");
}

static void test_a_system_moves_to_another_key_within_its_limits(void **state)
{
	struct sample_server *s = *state;
	const char *admin = s->tenant[0].token[SAMPLE_ADMIN];
	struct sample_key from, to, full;
	struct sample_agent a;
	char path[96], body[64];

	sample_key_new(s, 0, NULL, &from);
	sample_key_new(s, 0, "{\"feed\":\"test\",\"max_systems\":1}", &to);
	sample_key_new(s, 0, "{\"max_systems\":0}", &full);
	agent(s, &from, "web-1", &a);
	snprintf(path, sizeof(path), "/v1/systems/%s/transfer", a.id);
	snprintf(body, sizeof(body), "{\"key\":\"%s\"}", full.id);
	sample_call(s, "POST", path, admin, body);
	assert_problem(s, 403, "key-limit");
	snprintf(body, sizeof(body), "{\"key\":\"%s\"}", to.id);
	sample_call(s, "POST", path, admin, body);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "feed"), "test");
	assert_string_equal(sample_text(s, "key"), to.id);
	/* Once more is the same. */
	sample_call(s, "POST", path, admin, body);
	assert_status(s, 200);
	assert_int_equal(sample_number(s, "SELECT systems FROM keys WHERE max_systems = 1"), 1);
	assert_int_equal(sample_number(s, "SELECT systems FROM keys WHERE max_systems IS NULL"), 0);
	/* It does not notice. */
	sample_beat(s, &a);
	sample_sql(s, "UPDATE keys SET revoked = 1 WHERE max_systems IS NULL");
	snprintf(body, sizeof(body), "{\"key\":\"%s\"}", from.id);
	sample_call(s, "POST", path, admin, body);
	assert_problem(s, 403, "key-revoked");
}

static void test_staff_move_a_system_to_another_tenant_with_all_that_it_has(void **state)
{
	struct sample_server *s = *state;
	struct sample_key from, to;
	struct sample_agent a, twin;
	char path[96], body[96];

	sample_key_new(s, 0, "{\"tags\":{\"site\":\"berlin\"}}", &from);
	sample_key_new(s, 1, NULL, &to);
	agent(s, &from, "web-1", &a);
	agent(s, &to, "web-1", &twin); /* the same machine is there already */
	sample_beat(s, &a);
	sample_sql(s,
		   "INSERT INTO feeds (tenant, name, created) SELECT id, 'private', 0 FROM tenants"
		   " WHERE name = 'alpha'");
	snprintf(path, sizeof(path), "/v1/systems/%s", a.id);
	sample_call(s, "PATCH", path, s->tenant[0].token[SAMPLE_OPERATOR],
		    "{\"feed\":\"private\",\"external_id\":\"x\"}");
	assert_status(s, 200);
	snprintf(path, sizeof(path), "/v1/systems/%s", twin.id);
	sample_call(s, "PATCH", path, s->tenant[1].token[SAMPLE_OPERATOR],
		    "{\"external_id\":\"x\"}");
	assert_status(s, 200);

	snprintf(path, sizeof(path), "/v1/systems/%s/transfer", a.id);
	snprintf(body, sizeof(body), "{\"key\":\"%s\",\"tenant\":\"beta\"}", to.id);
	sample_header(s, "Suture-Tenant: alpha");
	sample_call(s, "POST", path, s->staff, body);
	assert_problem(s, 409, "external-id-taken");
	assert_int_equal(sample_number(s, "SELECT SUM(systems) FROM keys"), 2);
	sample_sql(s, "UPDATE systems SET external_id = NULL WHERE tenant ="
		      " (SELECT id FROM tenants WHERE name = 'beta')");
	sample_header(s, "Suture-Tenant: alpha");
	sample_call(s, "POST", path, s->staff, body);
	assert_status(s, 200);

	snprintf(path, sizeof(path), "/v1/systems/%s", a.id);
	sample_call(s, "GET", path, s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_problem(s, 404, "not-found");
	sample_call(s, "GET", path, s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "external_id"), "x");
	assert_string_equal(sample_text(s, "feed"), "stable"); /* not the private one of alpha */
	assert_int_equal(sample_int(s, "instance"), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(s->json, "tags"), "site")),
		"berlin");
	snprintf(path, sizeof(path), "/v1/systems/%s/events", a.id);
	sample_call(s, "GET", path, s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_true(items(s) >= 3);
	sample_beat(s, &a);
	assert_int_equal(sample_number(s, "SELECT COUNT(DISTINCT tenant) FROM audit WHERE action ="
					  " 'system.transfer'"),
			 2);
}

static void test_a_decision_says_in_words_why(void **state)
{
	struct sample_server *s = *state;
	const char *viewer = s->tenant[0].token[SAMPLE_VIEWER];
	struct sample_key k;
	struct sample_agent a;
	char path[96], own[64];

	sample_key_new(s, 0, "{\"delay_hours\":48}", &k);
	agent(s, &k, "web-1", &a);
	snprintf(own, sizeof(own), "/v1/systems/%s", a.id);
	snprintf(path, sizeof(path), "%s/decision", own);
	sample_call(s, "GET", path, viewer, NULL);
	assert_status(s, 200);
	assert_non_null(strstr(sample_text(s, "explanation"), "first check-in"));
	sample_beat(s, &a);
	sample_call(s, "GET", path, viewer, NULL);
	assert_non_null(strstr(sample_text(s, "explanation"), "no patch for its kernel"));

	sample_sql(s, "INSERT INTO patchsets (name, product, created, seen)"
		      " VALUES ('K20261118_01', 'kernel', 1794999000, 1794999000)");
	sample_sql(s, "INSERT INTO patch_targets (patchset, build_id, level, path, length, sha256,"
		      " target, arch, release, manifest) SELECT id, '" SAMPLE_BUILD_ID
		      "', 1, 'p', 1, 'a', 't', 'x86_64', 'r', '{}' FROM patchsets");
	sample_sql(s,
		   "INSERT INTO feed_entries (feed, patchset, state, entered, changed, changed_by)"
		   " SELECT f.id, p.id, 'active', 1794999000, 0, 'x' FROM feeds f, patchsets p"
		   " WHERE f.name = 'stable'");
	sample_server_again(s, NULL);
	sample_call(s, "GET", path, viewer, NULL);
	assert_status(s, 200);
	assert_non_null(strstr(sample_text(s, "explanation"), "none may be run now"));
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(s->json, "held"), 0), "reason")),
			    "delay");
	assert_string_equal(sample_text(s, "valid_until"), "2026-11-20T10:50:00Z");
	assert_string_equal(json_string_value(json_object_get(json_object_get(s->json, "policy"),
							      "delay_from")),
			    "key");
	sample_call(s, "PATCH", own, s->tenant[0].token[SAMPLE_OPERATOR], "{\"delay_hours\":0}");
	sample_call(s, "GET", path, viewer, NULL);
	assert_non_null(
		strstr(sample_text(s, "explanation"), "told to run level 1 (K20261118_01)"));
	sample_call(s, "PATCH", own, s->tenant[0].token[SAMPLE_OPERATOR],
		    "{\"hold\":true,\"hold_reason\":\"month-end\"}");
	sample_call(s, "GET", path, viewer, NULL);
	assert_non_null(strstr(sut_buf_str(&s->r.raw), "month-end"));
	/* What it is told at a check-in is the same. */
	sample_beat(s, &a);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(s->json, "held"), 0), "reason")),
			    "system-hold");
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"every filter finds what it says", test_every_filter_finds_what_it_says, NULL, 0},
		{"ten thousand systems come in pages that neither repeat nor skip",
		 test_ten_thousand_systems_come_in_pages_that_neither_repeat_nor_skip, NULL, 0},
		{"the summary counts", test_the_summary_counts, NULL, 0},
		{"a change is audited and seen", test_a_change_is_audited_and_seen, NULL, 0},
		{"systems of another tenant do not exist",
		 test_systems_of_another_tenant_do_not_exist, NULL, 0},
		{"a system moves to another key within its limits",
		 test_a_system_moves_to_another_key_within_its_limits, NULL, 0},
		{"staff move a system to another tenant with all that it has",
		 test_staff_move_a_system_to_another_tenant_with_all_that_it_has, NULL, 0},
		{"a decision says in words why", test_a_decision_says_in_words_why, NULL, 0},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
