// SPDX-License-Identifier: Apache-2.0
/* /v1/systems, /v1/portal, /v1/keys and /v1/enrolments: who may, what is listed, and in which order. */
#include "unit.h"

#include <string.h>

#include "fleet/host.h"
#include "fleet/why.h"
#include "sample_fleet_findings.h"

static const struct sample_tenant *alpha(struct sample_server *s)
{
	return &s->tenant[0];
}

static void list(struct sample_server *s, const char *args)
{
	char target[256];

	(void)snprintf(target, sizeof(target), "/v1/systems%s", args);
	sample_call(s, "GET", target, alpha(s)->token[SAMPLE_VIEWER], NULL);
}

/* The host names of the list, with spaces. */
static void assert_names(struct sample_server *s, const char *args, const char *want)
{
	char got[512] = "";
	const json_t *item;
	size_t i;

	list(s, args);
	assert_status(s, 200);
	json_array_foreach(json_object_get(s->json, "items"), i, item) {
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
			       json_string_value(json_object_get(item, "hostname")));
	}
	assert_string_equal(got, want);
}

static void fleet(struct sample_server *s)
{
	sample_coverage(s, alpha(s));
	sample_machine(s, alpha(s), "web1", 0);
	sample_machine(s, alpha(s), "db1", 0);
	sample_machine(s, alpha(s), "app1", 0);
	sample_sql(s, "UPDATE hosts SET state = 'failed', last_seen = 50, feed = 'test',"
		      " tags = '{\"env\":\"prod\"}' WHERE hostname = 'db1'");
	sample_sql(s, "UPDATE hosts SET last_seen = 70 WHERE hostname = 'web1'");
	sample_sql(s, "UPDATE meta SET value = value + 1 WHERE name = 'generation'");
}

static void filters_and_orders(void **state)
{
	struct sample_server *s = *state;

	fleet(s);
	assert_names(s, "", "app1 db1 web1");
	assert_names(s, "?sort=seen", "web1 db1 app1");
	assert_names(s, "?q=B1", "db1 web1");
	assert_names(s, "?state=failed", "db1");
	assert_names(s, "?feed=test", "db1");
	assert_names(s, "?tag=env=prod", "db1");
	assert_names(s, "?tag=env", "db1");
	assert_names(s, "?tag=env=test", "");
	assert_names(s, "?protection=unknown", "app1 db1 web1");
	assert_names(s, "?cve=CVE-1999-0001", "");
	assert_names(s, "?verdict=fix-ready,partial", "");
	assert_names(s, "?limit=2", "app1 db1");
	assert_string_not_equal(sample_text(s, "next"), "");
}

static void mistakes_are_named(void **state)
{
	static const char *const bad[] = {"?sort=x",	   "?verdict=x", "?verdict=fix-ready,,",
					  "?protection=x", "?q=",	 "?nonesuch=1",
					  "?q=%0a",	   "?cursor=x"};
	struct sample_server *s = *state;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		list(s, bad[i]);
		if (s->status != 400)
			fail_msg("%s: %d", bad[i], s->status);
	}
}

static void worst_first_with_its_numbers(void **state)
{
	struct sample_server *s = *state;
	const json_t *item;

	fleet(s);
	sample_import(s, alpha(s), "?format=csv",
		      "host,cve\nweb1,CVE-2026-0001\nweb1,CVE-2026-0002\ndb1,CVE-2026-0001\n");
	list(s, "?sort=exposed");
	assert_status(s, 200);
	item = json_array_get(json_object_get(s->json, "items"), 0);
	assert_int_equal(json_integer_value(json_object_get(item, "findings")), 2);
	assert_string_equal(json_string_value(json_object_get(item, "hostname")), "web1");
	assert_names(s, "?cve=CVE-2026-0002", "web1");
}

static const char *uid_of(struct sample_server *s, const char *args)
{
	static char uid[SUT_UID_LEN + 1];

	list(s, args);
	(void)snprintf(uid, sizeof(uid), "%s",
		       json_string_value(json_object_get(
			       json_array_get(json_object_get(s->json, "items"), 0), "id")));
	return uid;
}

static void one_tells_why_it_is_not_patched(void **state)
{
	struct sample_server *s = *state;
	char target[64];

	sample_machine(s, alpha(s), "db1", 0);
	sample_sql(s, "UPDATE hosts SET state = 'failed', portal = '{\"report\":{\"errors\":"
		      "[{\"code\":\"signature\",\"message\":\"not signed\\u001b[0m\"}]}}'");
	(void)snprintf(target, sizeof(target), "/v1/systems/%s", uid_of(s, ""));
	sample_call(s, "GET", target, alpha(s)->token[SAMPLE_AUDITOR], NULL);
	assert_status(s, 200);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(s->json, "why"), 0), "text")),
			    "Its agent says: not signed?[0m");
	assert_int_equal(json_array_size(json_object_get(s->json, "why")), 3);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(s->json, "why"), 2), "code")),
			    "portal-away");
	/* Another tenant sees nothing. */
	sample_call(s, "GET", target, s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 404);
	(void)snprintf(target + strlen(target), sizeof(target) - strlen(target), "/timeline");
	sample_call(s, "GET", target, s->tenant[1].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 404);
}

static void held_patches_are_reasons(void **state _unused_)
{
	json_t *decision = json_loads(
		"{\"explanation\":\"It runs level 1.\",\"kernel\":{\"action\":\"keep\"},\"held\":"
		"[{\"patchset\":\"K2\",\"reason\":\"delay\",\"until\":\"2026-11-24T09:00:00Z\","
		"\"detail\":\"too fresh\"}]}",
		0, NULL);
	json_t *l = why_list(NULL, "current", true, false, true, decision);

	assert_int_equal(json_array_size(l), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(l, 0), "until")),
			    "2026-11-24T09:00:00Z");
	assert_string_equal(json_string_value(json_object_get(json_array_get(l, 1), "code")),
			    "current");
	json_decref(l);
	l = why_list(NULL, "", false, false, true, NULL);
	assert_string_equal(json_string_value(json_object_get(json_array_get(l, 0), "code")),
			    "unregistered");
	json_decref(l);
	json_decref(decision);
}

static void a_host_of_scans_is_linked_or_forgotten(void **state)
{
	struct sample_server *s = *state;
	char target[64], uid[SUT_UID_LEN + 1], body[64];

	sample_machine(s, alpha(s), "db1", 0);
	sample_machine_uid("db1", uid);
	sample_sql(
		s,
		"INSERT INTO hosts (uid, tenant, hostname, scanner, scanned_at, created, updated)"
		" SELECT '7f3k9m2q4r8s1t5v', id, 'other', 'trivy', 9, 1, 1 FROM tenants"
		" WHERE name = 'alpha'");
	sample_sql(s, "INSERT INTO hosts (uid, tenant, hostname, created, updated)"
		      " SELECT '7f3k9m2q4r8s1t5w', id, 'third', 1, 1 FROM tenants"
		      " WHERE name = 'alpha'");
	(void)snprintf(body, sizeof(body), "{\"system_id\":\"%s\"}", uid);
	sample_call(s, "POST", "/v1/systems/7f3k9m2q4r8s1t5v/link",
		    s->tenant[1].token[SAMPLE_OPERATOR], body);
	assert_status(s, 404);
	sample_call(s, "POST", "/v1/systems/7f3k9m2q4r8s1t5v/link",
		    alpha(s)->token[SAMPLE_OPERATOR], "{\"system_id\":\"7f3k9m2q4r8s1t5x\"}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "POST", "/v1/systems/7f3k9m2q4r8s1t5v/link",
		    alpha(s)->token[SAMPLE_OPERATOR], body);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "scanner"), "trivy");
	assert_string_equal(sample_text(s, "matched_by"), "linked");
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM hosts"), 2);
	/* What the portal knows is not forgotten here. */
	(void)snprintf(target, sizeof(target), "/v1/systems/%s", uid);
	sample_call(s, "DELETE", target, alpha(s)->token[SAMPLE_OPERATOR], NULL);
	assert_problem(s, 409, "registered");
	sample_call(s, "DELETE", "/v1/systems/7f3k9m2q4r8s1t5w", alpha(s)->token[SAMPLE_OPERATOR],
		    NULL);
	assert_status(s, 204);
}

/* One letter for each role of sample_server.h that may: v o r k a d. */
static void access_by_role(void **state)
{
	static const struct {
		const char *method, *target, *body, *who;
	} calls[] = {
		{"GET", "/v1/systems", NULL, "vokad"},
		{"GET", "/v1/systems/7f3k9m2q4r8s1t5v", NULL, "vokad"},
		{"GET", "/v1/systems/7f3k9m2q4r8s1t5v/timeline", NULL, "vokad"},
		{"POST", "/v1/systems/7f3k9m2q4r8s1t5v/link", "{}", "oa"},
		{"DELETE", "/v1/systems/7f3k9m2q4r8s1t5v", NULL, "oa"},
		{"GET", "/v1/portal", NULL, "vokad"},
		{"PUT", "/v1/portal", "{}", "a"},
		{"POST", "/v1/portal/sync", "{}", "oka"},
		{"GET", "/v1/keys", NULL, "kad"},
		{"POST", "/v1/keys", "{}", "ka"},
		{"GET", "/v1/keys/7f3k9m2q4r8s1t5v", NULL, "kad"},
		{"POST", "/v1/keys/7f3k9m2q4r8s1t5v/revoke", "{}", "ka"},
		{"GET", "/v1/enrolments", NULL, "kad"},
		{"GET", "/v1/enrolments/7f3k9m2q4r8s1t5v", NULL, "kad"},
		{"POST", "/v1/enrolments", "{}", "ka"},
	};
	static const char letters[] = {
		[SAMPLE_VIEWER] = 'v', [SAMPLE_OPERATOR] = 'o', [SAMPLE_RELEASE] = 'r',
		[SAMPLE_KEYS] = 'k',   [SAMPLE_ADMIN] = 'a',	[SAMPLE_AUDITOR] = 'd'};
	struct sample_server *s = *state;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(calls); i++) {
		sample_call(s, calls[i].method, calls[i].target, NULL, calls[i].body);
		assert_status(s, 401);
		for (size_t k = 0; k < SAMPLE_ROLES; k++) {
			bool may = strchr(calls[i].who, letters[k]) != NULL;

			sample_call(s, calls[i].method, calls[i].target, alpha(s)->token[k],
				    calls[i].body);
			if (may == (s->status == 403))
				fail_msg("%s %s by %c: %d", calls[i].method, calls[i].target,
					 letters[k], s->status);
		}
	}
}

static void without_a_portal_it_says_so(void **state)
{
	struct sample_server *s = *state;
	const char *keys = alpha(s)->token[SAMPLE_KEYS];

	sample_call(s, "GET", "/v1/portal", keys, NULL);
	assert_string_equal(sample_text(s, "state"), "unset");
	sample_call(s, "POST", "/v1/keys", keys, "{\"note\":\"x\"}");
	assert_problem(s, 409, "portal-unset");
	sample_call(s, "POST", "/v1/enrolments", keys, "{\"key\":\"7f3k9m2q4r8s1t5v\"}");
	assert_problem(s, 409, "portal-unset");
	sample_call(s, "POST", "/v1/enrolments", keys,
		    "{\"key\":\"7f3k9m2q4r8s1t5v\",\"hostname\":\"x\",\"machine_id\":\"short\"}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "PUT", "/v1/portal", alpha(s)->token[SAMPLE_ADMIN],
		    "{\"url\":\"http://x;reboot\",\"token\":\"t\"}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "PUT", "/v1/portal", alpha(s)->token[SAMPLE_ADMIN],
		    "{\"url\":\"http://127.0.0.1:9\",\"token\":\"t\",\"ca\":\"nonsense\"}");
	assert_problem(s, 422, "invalid-field");
	sample_call(s, "PUT", "/v1/portal", alpha(s)->token[SAMPLE_ADMIN],
		    "{\"url\":\"http://127.0.0.1:9\",\"token\":\"t\"}");
	assert_problem(s, 503, "portal-away");
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}
	static const struct sample_server_case cases[] = {
		CASE(filters_and_orders),
		CASE(mistakes_are_named),
		CASE(worst_first_with_its_numbers),
		CASE(one_tells_why_it_is_not_patched),
		CASE(held_patches_are_reasons),
		CASE(a_host_of_scans_is_linked_or_forgotten),
		CASE(access_by_role),
		CASE(without_a_portal_it_says_so),
	};

	return SAMPLE_CONSOLE_RUN(cases);
}
