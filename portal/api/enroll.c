/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/enroll: a system is registered, by itself or by a partner's platform. docs/internals/enrolment.md
 * has the rules and what they are good against.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fleet/credential.h"
#include "fleet/enrolment.h"
#include "fleet/key.h"
#include "fleet/machine.h"
#include "fleet/system.h"
#include "portal.h"
#include "api/api.h"

struct request {
	const char *key, *customer_id, *external_id, *credential_sha256, *system_id;
	json_t *facts;
	unsigned int products;
	struct machine machine;
	bool trusted; /* by the token of a user who may enrol for others */
};

static void request_release(struct request *e)
{
	machine_release(&e->machine);
}

/* 0, WEB_NO, < 0. */
static int take(struct web_req *q, struct web_resp *r, struct request *e, struct sut_err *err)
{
	json_t *products = NULL;
	const struct web_field fields[] = {
		{"key", WEB_T_STRING, 0, 0, SUT_TOKEN_MAX - 1, &e->key, NULL},
		{"customer_id", WEB_T_STRING, 0, 0, FLEET_CUSTOMER_ID_MAX, &e->customer_id, NULL},
		{"external_id", WEB_T_STRING, WEB_NULLABLE, 0, FLEET_EXTERNAL_ID_MAX,
		 &e->external_id, NULL},
		{"credential_sha256", WEB_T_STRING, WEB_NULLABLE, 0, 64, &e->credential_sha256,
		 NULL},
		{"system_id", WEB_T_STRING, WEB_NULLABLE, 0, SUT_UID_LEN, &e->system_id, NULL},
		{"products", WEB_T_ARRAY, 0, 0, 8, &products, NULL},
		{"system", WEB_T_OBJECT, WEB_REQUIRED, 0, 0, &e->facts, NULL},
	};
	struct check bad = {0};
	int x = WEB_TAKE(q, r, fields);

	if (x)
		return x;
	if (!e->key == !e->customer_id)
		return web_bad_field(r, "/key", "give either key or customer_id");
	if (e->external_id && !check_printable(e->external_id, strlen(e->external_id)))
		return web_bad_field(r, "/external_id", "may hold printable characters only");
	x = check_products(&bad, "", "products", products, &e->products);
	if (!x)
		x = machine_parse(e->facts, "/system", &e->machine, &bad);
	if (x == -ENOMEM)
		return sut_err_oom(err);
	return x ? web_bad_field(r, bad.pointer, "%s", bad.detail) : 0;
}

static int unknown_key(struct web_resp *r)
{
	return web_problem(
		r, 403, "key-unknown",
		"there is no such registration key: look whether it was copied whole, or have a key-manager make a new one");
}

/* The key, and whether the caller may use it from where it is. */
static int find_key(struct web_req *q, struct web_resp *r, struct request *e, struct fleet_key *ret,
		    struct sut_err *err)
{
	bool user = q->who.kind == WEB_USER;
	int x;

	e->trusted = user && (q->who.roles & (SUT_ROLE_KEYS | SUT_ROLE_ADMIN));
	if (e->key) {
		uint8_t hash[SUT_TOKEN_HASH];

		sut_token_hash(e->key, hash);
		x = fleet_key_by_hash(q->db, hash, ret, err);
		/* A platform that acts for a tenant does not enrol into another one by mistake. */
		if (x > 0 && e->trusted && ret->tenant != q->who.tenant) {
			fleet_key_release(ret);
			x = 0;
		}
	} else if (e->trusted) {
		x = fleet_key_by_customer(q->db, q->who.tenant, e->customer_id, ret, err);
	} else {
		x = fleet_key_by_any_customer(q->db, e->customer_id, ret, err);
		if (x == 0)
			return web_problem(
				r, 403, "customer-id-needs-token",
				"a customer_id is no secret: send it with an API token of a key-manager, or enrol with a random key");
	}
	if (x <= 0)
		return x < 0 ? x : unknown_key(r);
	if (e->trusted)
		return 0;
	if (ret->customer && !json_array_size(ret->networks))
		return web_problem(
			r, 403, "customer-id-needs-token",
			"a customer_id is no secret: send it with an API token of a key-manager, or have the key limited to networks");
	if (!fleet_key_network(ret, q->peer))
		return web_problem(
			r, 403, "key-network",
			"this registration key may not be used from %s: enrol from one of its networks, or have a key-manager add this one",
			q->peer);
	return 0;
}

static int enroll(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(request_release) struct request e = {0};
	_cleanup_key_ struct fleet_key key = {0};
	_cleanup_credential_ struct credential credential = {0};
	_cleanup_enrolment_ struct enrolment out = {0};
	struct enrolment_in in;
	json_t *j;
	int x = take(q, r, &e, err);

	if (!x)
		x = find_key(q, r, &e, &key, err);
	if (!x)
		x = fleet_key_refuse(&key, q->now, e.products, r);
	if (!x)
		x = credential_take(e.credential_sha256, r, &credential, err);
	if (x)
		return x;
	/* Who has the key speaks for its tenant from here on: the audit log says so. Also a user who may
	 * not enrol for others, of whatever tenant he is. */
	if (!e.trusted)
		q->who.tenant = key.tenant;
	in = (struct enrolment_in){
		.key = &key,
		.machine = &e.machine,
		.credential = &credential,
		.external_id = e.external_id,
		.system_id = e.system_id,
		.trusted = e.trusted,
	};
	x = enrol(q, r, &in, &out, err);
	if (x)
		return x;
	j = enrolment_json(q, &out, &credential);
	if (out.created)
		return web_created(r, j, err, "/v1/systems/%s", out.uid);
	return web_json(r, 200, j, err);
}

const struct web_route api_enroll[] = {
	{"POST", "/v1/enroll", WEB_PUBLIC, WEB_WRITE | WEB_SECRET, enroll, NULL, NULL, NULL},
	{0},
};
