// SPDX-License-Identifier: Apache-2.0
/* /v1/portal: where the portal is, and how it is. The portal is asked in `prepare`, outside the writer. */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "base/str.h"
#include "console.h"
#include "job/key.h"
#include "link/link.h"

static int no_args(struct web_req *q, struct web_resp *r)
{
	static const char *const none[] = {NULL};

	return web_only_args(q, r, none);
}

static int answer(struct web_req *q, struct web_resp *r, int status, struct sut_err *err)
{
	json_t *j = NULL, *key = NULL;
	int x = link_json(q->db, q->who.tenant, &j, err);

	if (x == 0)
		x = job_key_json(q->db, q->who.tenant, &key, err);
	if (x == 0 && json_object_set_new(j, "job_key", key))
		x = sut_err_oom(err);
	if (x < 0) {
		json_decref(j);
		return x;
	}
	return web_json(r, status, j, err);
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	int x = no_args(q, r);

	return x ? x : answer(q, r, 200, err);
}

/* --- PUT --- */

static int take(struct web_req *q, struct web_resp *r, struct link_settings *s)
{
	const struct web_field fields[] = {
		{"url", WEB_T_STRING, WEB_REQUIRED, 0, LINK_URL_MAX, &s->url, NULL},
		{"token", WEB_T_STRING, WEB_REQUIRED, 0, 255, &s->token, NULL},
		{"ca", WEB_T_STRING, WEB_NULLABLE | WEB_EMPTY_OK, 0, LINK_CA_MAX, &s->ca, NULL},
	};
	int x;

	s->ca = "";
	x = WEB_TAKE(q, r, fields);
	if (x)
		return x;
	if (*s->ca && !strstr(s->ca, "-----BEGIN CERTIFICATE-----"))
		return web_bad_field(r, "/ca",
				     "is no certificate in PEM: it begins with -----BEGIN "
				     "CERTIFICATE-----");
	return 0;
}

static int refused(struct web_resp *r, int rc, const struct sut_err *why)
{
	if (rc == -EACCES)
		return web_problem(r, 422, "portal-refused", "%s", why->msg);
	if (rc == -EINVAL)
		return web_bad_field(r, "/url", "%s", why->msg);
	return link_problem(r, rc, why);
}

/* What the console cannot do without: to see systems. Keys are another role's. */
static int check_roles(struct web_resp *r, const json_t *whoami)
{
	const json_t *role;
	bool reads = false;
	size_t i;

	json_array_foreach(json_object_get(whoami, "roles"), i, role) {
		const char *s = json_string_value(role);

		reads = reads || (s && strcmp(s, "release-manager") != 0);
	}
	if (reads)
		return 0;
	return web_problem(r, 422, "portal-refused",
			   "The token may not see systems: make one with the roles viewer and "
			   "key-manager at the portal");
}

static int put_prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const struct link_call call = {.method = "GET", .path = "/v1/whoami"};
	_cleanup_(link_client_freep) struct link_client *c = NULL;
	_cleanup_answer_ struct link_answer a = {0};
	struct link_settings s = {0};
	struct sut_err why = {0};
	int x = take(q, r, &s);

	if (x)
		return x;
	x = link_client_new(
		&(const struct link_client_opts){
			.url = s.url, .token = s.token, .ca = s.ca, .total_sec = LINK_CALL_SEC},
		&c, &why);
	if (x == 0)
		x = link_do(c, &call, &a, &why);
	if (x == -ENOMEM)
		return sut_err_oom(err);
	if (x < 0)
		return refused(r, x, &why);
	if (a.status != 200)
		return web_problem(r, 422, "portal-refused", "%s answers %d %s to GET /v1/whoami",
				   s.url, a.status, a.code);
	return check_roles(r, a.json);
}

static int put(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct link_settings s = {0};
	int x = take(q, r, &s);

	if (!x)
		x = link_save(q, &s, err);
	/* It goes to the systems: the page shows it from the beginning. */
	if (!x)
		x = job_key_ensure(console_of(q->server)->seal, q->db, q->who.tenant, q->now, err);
	if (!x)
		x = web_audit(q, "portal.set", "portal", s.url,
			      json_pack("{s:b}", "own_ca", *s.ca != '\0'), err);
	if (!x)
		x = web_touch(q, err);
	return x ? x : answer(q, r, 200, err);
}

/* --- POST /v1/portal/sync --- */

static int sync_now(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const struct web_field none[] = {{0}};
	json_t *j = NULL;
	int x = web_take(q, r, none, 0);

	if (!x)
		x = link_json(q->db, q->who.tenant, &j, err);
	if (x)
		return x;
	if (!json_is_true(json_object_get(j, "configured"))) {
		json_decref(j);
		return link_unset(r);
	}
	x = link_want(q, q->who.tenant, err);
	if (x < 0) {
		json_decref(j);
		return x;
	}
	return web_json(r, 202, j, err);
}

const struct web_route api_portal[] = {
	{"GET", "/v1/portal", API_READERS, 0, get, NULL, NULL, NULL},
	{"PUT", "/v1/portal", SUT_ROLE_ADMIN, WEB_WRITE | WEB_SECRET, put, put_prepare, NULL, NULL},
	{"POST", "/v1/portal/sync", SUT_ROLE_OPERATOR | SUT_ROLE_KEYS, WEB_WRITE, sync_now, NULL,
	 NULL, NULL},
	{0},
};
