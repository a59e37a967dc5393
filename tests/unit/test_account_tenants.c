// SPDX-License-Identifier: Apache-2.0
/* Tenants and the audit log; and for all routes of accounts: who may, and nobody into another tenant. */
#include "unit.h"

#include <string.h>

#include "sample_portal.h"

#include "accounts.h"

static const char *admin(const struct sample_server *s)
{
	return s->tenant[0].token[SAMPLE_ADMIN];
}

static void a_tenant_is_made_with_its_first_admin(void **state)
{
	struct sample_server *s = *state;
	char once[64], session[SUT_TOKEN_MAX];
	const json_t *first;

	sample_call(s, "POST", "/v1/tenants", s->staff,
		    "{\"name\":\"gamma\",\"title\":\"Gamma Inc.\",\"admin\":\"gina\"}");
	assert_status(s, 201);
	assert_string_equal(sample_answer_header(s, "Location"), "/v1/tenants/gamma");
	assert_string_equal(s->r.etag, "\"v1\"");
	first = json_object_get(s->json, "admin");
	assert_string_equal(json_string_value(json_object_get(first, "name")), "gina");
	(void)snprintf(once, sizeof(once), "%s",
		       json_string_value(json_object_get(first, "password")));
	account_login(s, "gina", once);
	assert_status(s, 201);
	assert_string_equal(sample_text(s, "tenant"), "gamma");
	account_keep(s, "token", session, sizeof(session));
	account_call(s, "POST", "/v1/password", session, "{\"old\":\"%s\",\"new\":\"%s\"}", once,
		     ACCOUNT_PASSWORD);
	sample_call(s, "GET", "/v1/users", session, NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 1);
	sample_call(s, "GET", "/v1/tenants", session, NULL);
	assert_problem(s, 403, "staff-only");
	account_not_stored(s, once);
}

static void a_taken_name_leaves_nothing(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "POST", "/v1/tenants", s->staff, "{\"name\":\"alpha\"}");
	assert_problem(s, 409, "exists");
	sample_call(s, "POST", "/v1/tenants", s->staff,
		    "{\"name\":\"gamma\",\"admin\":\"alpha-admin\"}");
	assert_problem(s, 409, "exists");
	sample_call(s, "GET", "/v1/tenants/gamma", s->staff, NULL);
	assert_problem(s, 404, "not-found");
}

static void a_title_is_changed_and_a_tenant_disabled_and_enabled(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "PATCH", "/v1/tenants/alpha", s->staff, "{\"title\":\"A\"}");
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "title"), "A");
	sample_header(s, "If-Match: \"v1\"");
	sample_call(s, "PATCH", "/v1/tenants/alpha", s->staff, "{\"disabled\":true}");
	assert_problem(s, 412, "changed");
	sample_header(s, "If-Match: \"v2\"");
	sample_call(s, "PATCH", "/v1/tenants/alpha", s->staff, "{\"disabled\":true}");
	assert_status(s, 200);
	sample_call(s, "GET", "/v1/whoami", admin(s), NULL);
	assert_problem(s, 403, "tenant-disabled");
	sample_call(s, "GET", "/v1/whoami", s->tenant[1].token[SAMPLE_ADMIN], NULL);
	assert_status(s, 200);
	sample_call(s, "PATCH", "/v1/tenants/alpha", s->staff, "{\"disabled\":false}");
	assert_status(s, 200);
	sample_call(s, "GET", "/v1/whoami", admin(s), NULL);
	assert_status(s, 200);
}

static void staff_cannot_lock_themselves_out(void **state)
{
	struct sample_server *s = *state;

	sample_call(s, "PATCH", "/v1/tenants/default", s->staff, "{\"disabled\":true}");
	assert_problem(s, 409, "has-staff");
	sample_call(s, "DELETE", "/v1/tenants/default", s->staff, NULL);
	assert_problem(s, 409, "has-staff");
}

static void only_a_tenant_without_keys_and_systems_is_deleted(void **state)
{
	struct sample_server *s = *state;

	sample_sql(s, "INSERT INTO keys (uid, tenant, kind, feed, created, created_by) "
		      "SELECT 'k', t.id, 'random', f.id, 1, 'x' FROM tenants t, feeds f "
		      "WHERE t.name = 'alpha' AND f.name = 'stable'");
	sample_call(s, "DELETE", "/v1/tenants/alpha", s->staff, NULL);
	assert_problem(s, 409, "not-empty");
	assert_non_null(strstr(sample_text(s, "detail"), "1 keys"));
	sample_sql(s, "DELETE FROM keys");
	sample_call(s, "DELETE", "/v1/tenants/alpha", s->staff, NULL);
	assert_status(s, 204);
	/* Users and tokens went along; those of others did not. */
	sample_call(s, "GET", "/v1/whoami", admin(s), NULL);
	assert_problem(s, 401, "token-unknown");
	sample_call(s, "GET", "/v1/whoami", s->tenant[1].token[SAMPLE_ADMIN], NULL);
	assert_status(s, 200);
	sample_call(s, "GET", "/v1/tenants", s->staff, NULL);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), 2);
}

static size_t entries(struct sample_server *s, const char *target, const char *token)
{
	sample_call(s, "GET", target, token, NULL);
	assert_status(s, 200);
	return json_array_size(json_object_get(s->json, "items"));
}

static void the_audit_log_is_filtered_and_newest_first(void **state)
{
	struct sample_server *s = *state;
	char target[512];
	const json_t *items;

	for (int i = 0; i < 5; i++) {
		s->now += 60;
		account_call(s, "PATCH", "/v1/users/alpha-viewer", admin(s), "{\"title\":\"%d\"}",
			     i);
		assert_status(s, 200);
	}
	sample_call(s, "POST", "/v1/tokens", s->tenant[0].token[SAMPLE_VIEWER], "{\"name\":\"x\"}");
	assert_int_equal(entries(s, "/v1/audit", admin(s)), 6);
	items = json_object_get(s->json, "items");
	assert_string_equal(json_string_value(json_object_get(json_array_get(items, 0), "action")),
			    "token.create");
	assert_string_equal(json_string_value(json_object_get(json_array_get(items, 5), "at")),
			    "2026-11-18T11:07:40Z");
	assert_int_equal(entries(s, "/v1/audit?action=user.change", admin(s)), 5);
	assert_int_equal(entries(s, "/v1/audit?actor=alpha-viewer", admin(s)), 1);
	assert_int_equal(entries(s, "/v1/audit?object=alpha-viewer&actor=alpha-admin", admin(s)),
			 5);
	assert_int_equal(entries(s, "/v1/audit?object=nothing", admin(s)), 0);
	/* from is in it, to is not */
	assert_int_equal(
		entries(s, "/v1/audit?from=2026-11-18T11:08:40Z&to=2026-11-18T11:10:40Z", admin(s)),
		2);
	assert_int_equal(entries(s, "/v1/audit?limit=4", admin(s)), 4);
	(void)snprintf(target, sizeof(target), "/v1/audit?limit=4&cursor=%s",
		       sample_text(s, "next"));
	assert_int_equal(entries(s, target, admin(s)), 2);
	assert_true(json_is_null(json_object_get(s->json, "next")));
	items = json_object_get(s->json, "items");
	assert_string_equal(json_string_value(json_object_get(json_array_get(items, 1), "at")),
			    "2026-11-18T11:07:40Z");
	sample_call(s, "GET", "/v1/audit?from=yesterday", admin(s), NULL);
	assert_status(s, 400);
	sample_call(s, "GET", "/v1/audit?scope=all", admin(s), NULL);
	assert_status(s, 400);
	sample_call(s, "GET", "/v1/audit?who=me", admin(s), NULL);
	assert_problem(s, 400, "unknown-argument");
	/* A quote in an argument is an argument. */
	assert_int_equal(entries(s, "/v1/audit?object=%27%20OR%201=1%20--", admin(s)), 0);
}

static void the_portals_own_log_is_for_staff(void **state)
{
	struct sample_server *s = *state;

	account_login(s, "no-such-user", "x");
	assert_int_equal(entries(s, "/v1/audit?scope=portal", s->staff), 1);
	assert_int_equal(entries(s, "/v1/audit", s->staff), 0);
	sample_call(s, "GET", "/v1/audit?scope=portal", admin(s), NULL);
	assert_problem(s, 403, "staff-only");
}

static void staff_act_in_another_tenant_by_a_header(void **state)
{
	struct sample_server *s = *state;

	sample_header(s, "Suture-Tenant: alpha");
	sample_call(s, "GET", "/v1/users", s->staff, NULL);
	assert_status(s, 200);
	assert_int_equal(json_array_size(json_object_get(s->json, "items")), SAMPLE_ROLES);
	sample_header(s, "Suture-Tenant: alpha");
	sample_call(s, "PATCH", "/v1/users/alpha-viewer", s->staff, "{\"title\":\"V\"}");
	assert_status(s, 200);
	/* It is in the log of that tenant. */
	assert_int_equal(entries(s, "/v1/audit?actor=root", admin(s)), 1);
	sample_header(s, "Suture-Tenant: alpha");
	sample_call(s, "GET", "/v1/users", s->tenant[1].token[SAMPLE_ADMIN], NULL);
	assert_problem(s, 403, "staff-only");
}

/* --- every route of accounts --- */

enum { V = 1, O = 2, R = 4, K = 8, A = 16, U = 32, ALL = 63, NOBODY = 0 };

static const struct {
	const char *method, *target, *body;
	unsigned int roles; /* who may, by enum sample_role */
	bool staff;	    /* only staff */
	bool own;	    /* names a thing of alpha: 404 for beta */
} routes[] = {
	{"GET", "/v1/whoami", NULL, ALL, false, false},
	{"GET", "/v1/users", NULL, A | U, false, false},
	{"POST", "/v1/users", "{\"name\":\"n%d\",\"roles\":[\"viewer\"],\"service\":true}", A,
	 false, false},
	{"GET", "/v1/users/target", NULL, A | U, false, true},
	{"PATCH", "/v1/users/target", "{\"title\":\"t\"}", A, false, true},
	{"POST", "/v1/users/target/reset-password", "", A, false, true},
	{"GET", "/v1/tokens", NULL, ALL, false, false},
	{"POST", "/v1/tokens", "{\"name\":\"n%d\"}", ALL, false, false},
	{"GET", "/v1/tokens/TOKEN", NULL, A | U, false, true},
	{"GET", "/v1/audit", NULL, A | U, false, false},
	{"GET", "/v1/webhooks", NULL, ALL, false, false},
	{"POST", "/v1/webhooks", "{\"url\":\"https://hooks.example/%d\"}", O | A, false, false},
	{"GET", "/v1/webhooks/HOOK", NULL, ALL, false, true},
	{"PATCH", "/v1/webhooks/HOOK", "{\"note\":\"n\"}", O | A, false, true},
	{"POST", "/v1/webhooks/HOOK/test", "", O | A, false, true},
	{"GET", "/v1/webhooks/HOOK/deliveries", NULL, ALL, false, true},
	{"GET", "/v1/tenants", NULL, NOBODY, true, false},
	{"POST", "/v1/tenants", "{\"name\":\"n%d\"}", NOBODY, true, false},
	{"GET", "/v1/tenants/alpha", NULL, NOBODY, true, false},
	{"PATCH", "/v1/tenants/alpha", "{\"title\":\"t\"}", NOBODY, true, false},
	/* what takes things away comes last */
	{"DELETE", "/v1/webhooks/HOOK", NULL, O | A, false, true},
	{"DELETE", "/v1/tokens/TOKEN", NULL, A, false, true},
	{"DELETE", "/v1/users/target", NULL, A, false, true},
	{"DELETE", "/v1/tenants/gone", NULL, NOBODY, true, false},
};

struct things {
	char token[32], hook[32];
	int n;
};

static void make_things(struct sample_server *s, struct things *t)
{
	char once[64];

	account_make(s, admin(s), "target", "[\"viewer\"]", once);
	sample_call(s, "POST", "/v1/tokens", admin(s), "{\"name\":\"x\",\"user\":\"target\"}");
	account_keep(s, "id", t->token, sizeof(t->token));
	sample_call(s, "POST", "/v1/webhooks", admin(s), "{\"url\":\"https://hooks.example/x\"}");
	assert_status(s, 201);
	account_keep(s, "id", t->hook, sizeof(t->hook));
	sample_call(s, "POST", "/v1/tenants", s->staff, "{\"name\":\"gone\"}");
	assert_status(s, 201);
}

static int call_route(struct sample_server *s, struct things *t, size_t i, const char *token)
{
	const char *from = routes[i].target, *name = strstr(from, "TOKEN"), *id = t->token;
	char target[256], body[256];

	if (!name) {
		name = strstr(from, "HOOK");
		id = t->hook;
	}
	if (name)
		(void)snprintf(target, sizeof(target), "%.*s%s%s", (int)(name - from), from, id,
			       strchr(name, '/') ? strchr(name, '/') : "");
	else
		(void)snprintf(target, sizeof(target), "%s", from);
	if (!routes[i].body || !routes[i].body[0])
		return sample_call(s, routes[i].method, target, token, NULL);
	(void)snprintf(body, sizeof(body), "%s", routes[i].body);
	if (strstr(body, "%d")) {
		char *at = strstr(body, "%d");
		char rest[200];

		(void)snprintf(rest, sizeof(rest), "%d%s", t->n++, at + 2);
		(void)snprintf(at, sizeof(body) - (size_t)(at - body), "%s", rest);
	}
	return sample_call(s, routes[i].method, target, token, body);
}

static void every_role_may_do_what_is_written_and_no_more(void **state)
{
	struct sample_server *s = *state;
	struct things t = {.n = 1};

	make_things(s, &t);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(routes); i++) {
		/* An admin last: he may take the thing away. */
		static const int order[] = {SAMPLE_VIEWER,  SAMPLE_RELEASE,  SAMPLE_KEYS,
					    SAMPLE_AUDITOR, SAMPLE_OPERATOR, SAMPLE_ADMIN};

		call_route(s, &t, i, NULL);
		assert_problem(s, 401, "token-missing");
		for (size_t k = 0; k < SUT_ARRAY_SIZE(order); k++) {
			int role = order[k];
			bool may = routes[i].roles >> role & 1;

			call_route(s, &t, i, s->tenant[0].token[role]);
			if (strcmp(routes[i].method, "DELETE") == 0 && may) {
				if (s->status != 204 && s->status != 404)
					fail_msg("%s %s as %d: %d", routes[i].method,
						 routes[i].target, role, s->status);
			} else if (strncmp(routes[i].target, "/v1/tokens/", 11) == 0 && !may) {
				assert_status(s, 404); /* another's */
			} else if (may != (s->status < 300) || (!may && s->status != 403)) {
				fail_msg("%s %s as %d: %d %s", routes[i].method, routes[i].target,
					 role, s->status, sut_buf_str(&s->r.raw));
			}
		}
		if (routes[i].staff) {
			call_route(s, &t, i, s->staff);
			assert_true(s->status < 300);
		}
	}
}

static void nothing_of_another_tenant_exists(void **state)
{
	struct sample_server *s = *state;
	struct things t = {.n = 1};

	make_things(s, &t);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(routes); i++) {
		if (routes[i].own) {
			call_route(s, &t, i, s->tenant[1].token[SAMPLE_ADMIN]);
			assert_problem(s, 404, "not-found");
			continue;
		}
		if (routes[i].staff || strcmp(routes[i].method, "GET") != 0)
			continue;
		call_route(s, &t, i, s->tenant[1].token[SAMPLE_ADMIN]);
		assert_status(s, 200);
		assert_null(strstr(sut_buf_str(&s->r.raw), "alpha"));
		assert_null(strstr(sut_buf_str(&s->r.raw), "target"));
	}
	/* And it is all still there. */
	sample_call(s, "GET", "/v1/users/target", admin(s), NULL);
	assert_status(s, 200);
	assert_string_equal(sample_text(s, "title"), "");
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}
	static const struct sample_server_case cases[] = {
		CASE(a_tenant_is_made_with_its_first_admin),
		CASE(a_taken_name_leaves_nothing),
		CASE(a_title_is_changed_and_a_tenant_disabled_and_enabled),
		CASE(staff_cannot_lock_themselves_out),
		CASE(only_a_tenant_without_keys_and_systems_is_deleted),
		CASE(the_audit_log_is_filtered_and_newest_first),
		CASE(the_portals_own_log_is_for_staff),
		CASE(staff_act_in_another_tenant_by_a_header),
		CASE(every_role_may_do_what_is_written_and_no_more),
		CASE(nothing_of_another_tenant_exists),
	};

	return SAMPLE_PORTAL_RUN(cases);
}
