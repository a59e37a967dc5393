// SPDX-License-Identifier: Apache-2.0
/* The lists that are answered from the view, and what they are selected by. */
#include "unit.h"

#include <string.h>

#include "base/str.h"
#include "sample_fleet_findings.h"

#define HEAD "host,cve,package,version,severity,id,title\n"
#define IMAGE ",linux-image-6.1.0-47-amd64,6.1.170-3,high,"

static void get(struct sample_server *s, const char *target)
{
	sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
}

/* web1 runs nothing, web2 level 1; web3 is known to a scan alone. */
static void fleet(struct sample_server *s)
{
	sample_coverage(s, &s->tenant[0]);
	sample_machine(s, &s->tenant[0], "web1", 0);
	sample_machine(s, &s->tenant[0], "web2", 1);
	sample_import(s, &s->tenant[0], "",
		      HEAD "web1,\"CVE-2026-1001,CVE-2026-1002\"" IMAGE "55,Two holes\n"
			   "web1,CVE-2026-1004" IMAGE "56,A reboot\n"
			   "web1,CVE-2026-2001,libssl3,3.0.15-1,critical,57,Library\n"
			   "web2,\"CVE-2026-1001,CVE-2026-1002\"" IMAGE "55,Two holes\n"
			   "web3,CVE-2026-1001" IMAGE "58,Other\n");
}

static const json_t *items(const struct sample_server *s)
{
	return json_object_get(s->json, "items");
}

static const json_t *at(const struct sample_server *s, size_t i)
{
	return json_array_get(items(s), i);
}

static const char *text(const json_t *j, const char *name)
{
	const char *t = json_string_value(json_object_get(j, name));

	return t ? t : "";
}

static int64_t number(const json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

static int64_t unknown_systems(struct sample_server *s)
{
	get(s, "/v1/posture");
	return number(json_object_get(s->json, "systems"), "unknown");
}

static void test_a_damaged_set_costs_what_it_held(void **state)
{
	struct sample_server *s = *state;
	size_t n;

	fleet(s);
	get(s, "/v1/findings");
	n = json_array_size(items(s));
	/* web3 is not registered. */
	assert_int_equal(unknown_systems(s), 1);
	sample_sql(s, "UPDATE find_sets SET data = hash WHERE id ="
		      " (SELECT findset FROM hosts WHERE hostname = 'web2')");
	sample_server_again(s, NULL);
	assert_int_equal(unknown_systems(s), 2);
	/* And again, when something changes elsewhere. */
	sample_import(s, &s->tenant[0], "", HEAD "web4,CVE-2026-1001" IMAGE "58,Other\n");
	assert_int_equal(unknown_systems(s), 3);
	get(s, "/v1/systems?q=web1");
	assert_true(number(at(s, 0), "exposed") > 0);
	/* The same findings once more. */
	sample_import(s, &s->tenant[0], "",
		      HEAD "web2,\"CVE-2026-1001,CVE-2026-1002\"" IMAGE "55,Two holes\n");
	assert_int_equal(unknown_systems(s), 2);
	get(s, "/v1/findings");
	assert_int_equal(json_array_size(items(s)), n);
}

static void test_cves(void **state)
{
	struct sample_server *s = *state;
	const json_t *verdicts;

	fleet(s);
	get(s, "/v1/cves");
	assert_int_equal(json_array_size(items(s)), 4);
	assert_string_equal(text(at(s, 0), "cve"), "CVE-2026-1001");
	assert_int_equal(number(at(s, 0), "systems"), 3);
	assert_int_equal(number(at(s, 0), "exposed"), 2);
	verdicts = json_object_get(at(s, 0), "verdicts");
	assert_int_equal(number(verdicts, "fix-ready"), 1);
	assert_int_equal(number(verdicts, "live-fixed"), 1);
	assert_int_equal(number(verdicts, "unknown-target"), 1);
	get(s, "/v1/cves?verdict=reboot-needed");
	assert_int_equal(json_array_size(items(s)), 1);
	get(s, "/v1/cves?severity=critical&q=2001");
	assert_int_equal(json_array_size(items(s)), 1);
	get(s, "/v1/cves?limit=1&sort=name");
	assert_string_equal(text(at(s, 0), "cve"), "CVE-2026-2001");
	assert_string_equal(sample_text(s, "next"), "1");
	get(s, "/v1/cves?limit=1&sort=name&cursor=1");
	assert_string_equal(text(at(s, 0), "cve"), "CVE-2026-1004");
	sample_call(s, "GET", "/v1/cves?verdict=bad", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_problem(s, 400, "bad-argument");
	/* another tenant has none of it */
	sample_call(s, "GET", "/v1/cves", s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(items(s)), 0);
	sample_call(s, "GET", "/v1/cves", NULL, NULL);
	assert_status(s, 401);
}

static void test_one_cve(void **state)
{
	struct sample_server *s = *state;

	fleet(s);
	get(s, "/v1/cves/CVE-2026-1002");
	assert_int_equal(json_array_size(json_object_get(s->json, "fixes")), 1);
	assert_string_equal(text(json_array_get(json_object_get(s->json, "fixes"), 0), "patchset"),
			    "K20260615_01");
	/* known to the portal, found by nobody */
	get(s, "/v1/cves/CVE-2026-1005");
	assert_int_equal(sample_int(s, "systems"), 0);
	sample_call(s, "GET", "/v1/cves/CVE-2026-9999", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 404);
	get(s, "/v1/cves/CVE-2026-1001/systems");
	assert_int_equal(json_array_size(items(s)), 3);
	assert_string_equal(text(at(s, 0), "verdict"), "fix-ready");
	assert_string_equal(text(json_object_get(at(s, 0), "system"), "hostname"), "web1");
	get(s, "/v1/cves/CVE-2026-1001/systems?verdict=live-fixed,unknown-target&limit=1");
	assert_int_equal(json_array_size(items(s)), 1);
	assert_string_equal(sample_text(s, "next"), "1");
}

static void test_findings_of_scanners(void **state)
{
	struct sample_server *s = *state;
	_cleanup_(sut_freep) char *target = NULL;

	fleet(s);
	get(s, "/v1/findings?q=holes");
	assert_int_equal(json_array_size(items(s)), 1);
	assert_string_equal(text(at(s, 0), "key"), "55");
	assert_int_equal(number(at(s, 0), "systems"), 2);
	assert_int_equal(json_array_size(json_object_get(at(s, 0), "cves")), 2);
	/* web1: one ready, one held; web2: one closed, one held */
	assert_int_equal(number(json_object_get(at(s, 0), "verdicts"), "fix-ready"), 1);
	assert_int_equal(number(json_object_get(at(s, 0), "verdicts"), "partial"), 1);
	target = sut_sprintf("/v1/findings/%s", text(at(s, 0), "id"));
	get(s, target);
	assert_int_equal(json_array_size(json_object_get(s->json, "by_cve")), 2);
	sample_call(s, "GET", target, s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 404);
	sample_call(s, "GET", "/v1/findings/x", s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 404);
}

static void test_findings_of_a_system(void **state)
{
	struct sample_server *s = *state;

	fleet(s);
	get(s, "/v1/systems/web1000000000000/findings");
	assert_int_equal(json_array_size(items(s)), 4);
	assert_string_equal(text(at(s, 0), "verdict"), "fix-ready");
	assert_string_equal(text(json_object_get(at(s, 0), "finding"), "title"), "Two holes");
	get(s, "/v1/systems/web1000000000000/findings?verdict=partial");
	assert_int_equal(number(at(s, 0), "patched"), 3);
	assert_int_equal(number(at(s, 0), "processes"), 4);
	assert_string_equal(text(at(s, 0), "detail"), "3 of 4 processes are patched");
	sample_call(s, "GET", "/v1/systems/web1000000000000/findings",
		    s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 404);
	get(s, "/v1/systems?q=web1");
	assert_string_equal(text(at(s, 0), "protection"), "exposed");
	assert_int_equal(number(at(s, 0), "exposed"), 4);
}

static void test_systems_by_what_they_have(void **state)
{
	static const struct {
		const char *args;
		size_t n;
		const char *first;
	} rows[] = {
		{"verdict=fix-ready", 1, "web1"},
		{"cve=CVE-2026-1001", 3, "web1"},
		{"cve=CVE-2026-1001&verdict=live-fixed", 1, "web2"},
		{"cve=CVE-2026-9999", 0, NULL},
		{"cve=nonsense", 0, NULL},
		{"protection=unknown", 1, "web3"},
		{"sort=exposed", 3, "web1"},
		{"sort=exposed&q=WEB2", 1, "web2"},
	};
	struct sample_server *s = *state;

	fleet(s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(rows); i++) {
		_cleanup_(sut_freep) char *target = sut_sprintf("/v1/systems?%s", rows[i].args);

		get(s, target);
		if (json_array_size(items(s)) != rows[i].n ||
		    (rows[i].n && !sut_streq(text(at(s, 0), "hostname"), rows[i].first)))
			fail_msg("%s: %s", rows[i].args, sut_buf_str(&s->r.raw));
	}
	get(s, "/v1/systems?sort=exposed&limit=2");
	assert_string_equal(sample_text(s, "next"), "2");
}

static void test_patches_and_coverage(void **state)
{
	struct sample_server *s = *state;

	fleet(s);
	get(s, "/v1/patches");
	assert_int_equal(json_array_size(items(s)), 3);
	assert_string_equal(text(at(s, 0), "patchset"), "U20260701_01");
	assert_int_equal(number(at(s, 0), "running"), 2);
	assert_string_equal(text(at(s, 1), "patchset"), "K20260615_01");
	assert_int_equal(number(at(s, 1), "held"), 2);
	assert_string_equal(text(at(s, 2), "patchset"), "K20260601_01");
	assert_int_equal(number(at(s, 2), "running"), 1);
	assert_int_equal(number(at(s, 2), "waiting"), 1);
	get(s, "/v1/coverage");
	assert_int_equal(json_array_size(items(s)), 2);
	assert_string_equal(text(at(s, 0), "product"), "kernel");
	assert_int_equal(number(at(s, 0), "systems"), 2);
	assert_true(json_is_true(json_object_get(at(s, 0), "known")));
	assert_int_equal(number(at(s, 0), "newest_level"), 2);
}

static void test_posture(void **state)
{
	struct sample_server *s = *state;

	get(s, "/v1/posture");
	assert_int_equal(number(json_object_get(s->json, "systems"), "total"), 0);
	fleet(s);
	sample_sql(
		s,
		"INSERT INTO protect_times (tenant, host, since, protected, cves)"
		" SELECT tenant, id, 1794999000, 1794999500, 3 FROM hosts WHERE hostname = 'web2'");
	get(s, "/v1/posture");
	assert_int_equal(number(json_object_get(s->json, "systems"), "total"), 3);
	assert_int_equal(number(json_object_get(s->json, "systems"), "exposed"), 2);
	assert_int_equal(number(json_object_get(s->json, "systems"), "unknown"), 1);
	assert_int_equal(sample_int(s, "fixable_now"), 1);
	assert_int_equal(json_array_size(json_object_get(s->json, "worst_cves")), 4);
	assert_int_equal(json_array_size(json_object_get(s->json, "worst_systems")), 3);
	assert_int_equal(number(json_object_get(s->json, "time_to_protect"), "p95_s"), 500);
	assert_non_null(json_object_get(s->json, "portal"));
}

static void test_jobs_are_for_what_can_be_closed(void **state)
{
	struct sample_server *s = *state;

	fleet(s);
	sample_call(
		s, "POST", "/v1/jobs?preview=true", s->tenant[0].token[SAMPLE_OPERATOR],
		"{\"title\": \"x\", \"action\": \"apply\", \"select\": {\"cves\": [\"CVE-2026-1001\"]}}");
	assert_status(s, 200);
	assert_int_equal(sample_int(s, "n"), 1);
	sample_call(s, "POST", "/v1/jobs?preview=true", s->tenant[0].token[SAMPLE_OPERATOR],
		    "{\"title\": \"x\", \"action\": \"apply\", \"select\": {\"cves\": [\"x\"]}}");
	assert_status(s, 422);
}

#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}

int main(void)
{
	const struct sample_server_case cases[] = {
		CASE(test_cves),
		CASE(test_a_damaged_set_costs_what_it_held),
		CASE(test_one_cve),
		CASE(test_findings_of_scanners),
		CASE(test_findings_of_a_system),
		CASE(test_systems_by_what_they_have),
		CASE(test_patches_and_coverage),
		CASE(test_posture),
		CASE(test_jobs_are_for_what_can_be_closed),
	};

	return SAMPLE_CONSOLE_RUN(cases);
}
