/* SPDX-License-Identifier: Apache-2.0 */
/* What a registered system calls: check-in, split, unregister, self. docs/formats/checkin.md */
#include <errno.h>
#include <string.h>

#include "api/api.h"
#include "base/str.h"
#include "fleet/checkin.h"
#include "fleet/credential.h"
#include "fleet/enrolment.h"
#include "fleet/machine.h"
#include "fleet/system.h"

static int checkin(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	int ret = 0, x = checkin_many(&q, &r, &ret, 1, err);

	return x < 0 ? x : ret;
}

/* The calling system: 0, a problem, < 0. */
static int caller(struct web_req *q, struct web_resp *r, struct fleet_system *ret,
		  struct sut_err *err)
{
	int x = system_by_id(q->db, q->who.tenant, q->who.system_id, ret, err);

	if (x < 0)
		return x;
	return x ? 0
		 : web_problem(r, 410, "system-deleted",
			       "this system was deleted: enrol again if that was a mistake");
}

static int self(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system s = {0};
	json_t *j = NULL;
	int x = caller(q, r, &s, err);

	if (!x)
		x = system_json(q->db, &s, true, q->now, &j, err);
	return x ? x : web_json(r, 200, j, err);
}

static int unregister(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system s = {0};
	int x = web_take(q, r, NULL, 0);

	if (!x)
		x = caller(q, r, &s, err);
	if (!x)
		x = system_delete(q->db, &s, q->now, "unregistered", err);
	if (!x)
		x = web_audit(q, "system.unregister", "system", s.text[SYS_UID],
			      json_pack("{s:s, s:s}", "hostname", s.text[SYS_HOSTNAME], "key",
					s.text[SYS_KEY]),
			      err);
	if (!x)
		x = web_event(q, s.tenant, "system.unregistered",
			      json_pack("{s:s, s:s, s:s*}", "system", s.text[SYS_UID], "hostname",
					s.text[SYS_HOSTNAME], "external_id",
					s.text[SYS_EXTERNAL_ID]),
			      err);
	return x ? x : web_no_content(r);
}

/* A clone that made its credential itself and asks once more gets the same answer. 1: so it is. */
static int split_before(struct web_req *q, const struct fleet_system *parent,
			const struct credential *c, struct enrolment *ret, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system s = {0};
	int64_t owner = 0;
	int x = c->text[0] ? 0 : credential_owner(q->db, c->hash, &owner, err);

	if (x == -ESTALE)
		return 0;
	if (x > 0)
		x = system_by_id(q->db, parent->tenant, owner, &s, err);
	if (x <= 0 || !sut_streq(s.text[SYS_CLONE_OF], parent->text[SYS_UID]))
		return x < 0 ? x : 0;
	ret->serial = s.line.serial;
	ret->uid = sut_steal(s.text[SYS_UID]);
	ret->feed = sut_steal(s.text[SYS_FEED]);
	ret->key = sut_steal(s.text[SYS_KEY]);
	return 1;
}

static int take_split(struct web_req *q, struct web_resp *r, struct machine *ret_machine,
		      struct credential *ret, struct sut_err *err)
{
	json_t *hash = json_object_get(q->body, "credential_sha256"), *rest;
	struct check bad = {0};
	int x;

	if (hash && !json_is_null(hash) && !json_is_string(hash))
		return web_bad_field(r, "/credential_sha256", "must be a string");
	rest = json_is_object(q->body) ? json_copy(q->body) : json_object();
	if (!rest)
		return sut_err_oom(err);
	json_object_del(rest, "credential_sha256");
	x = machine_parse(rest, "", ret_machine, &bad);
	json_decref(rest);
	if (x == -ENOMEM)
		return sut_err_oom(err);
	if (x)
		return web_bad_field(r, bad.pointer, "%s", bad.detail);
	return credential_take(json_string_value(hash), r, ret, err);
}

/* 0: free; a problem; < 0. */
static int not_taken(struct web_req *q, struct web_resp *r, const struct credential *c,
		     struct sut_err *err)
{
	int64_t owner = 0;
	int x = c->text[0] ? 0 : credential_owner(q->db, c->hash, &owner, err);

	if (x == -ESTALE)
		return web_problem(r, 409, "credential-retired",
				   "this credential was given up before: make a fresh one");
	if (x > 0)
		return web_problem(r, 409, "credential-taken",
				   "a system has this credential: make a fresh one");
	return x;
}

static int split(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system parent = {0};
	_cleanup_machine_ struct machine machine = {0};
	_cleanup_credential_ struct credential credential = {0};
	_cleanup_key_ struct fleet_key key = {0};
	_cleanup_enrolment_ struct enrolment out = {0};
	struct enrolment_in in = {.key = &key, .machine = &machine, .credential = &credential};
	int x = take_split(q, r, &machine, &credential, err);

	if (!x)
		x = caller(q, r, &parent, err);
	if (x)
		return x;
	x = split_before(q, &parent, &credential, &out, err);
	if (x)
		return x < 0 ? x : web_json(r, 200, enrolment_json(q, &out, &credential), err);
	if (parent.line.told_at <= q->now - LINE_WINDOW_SEC) /* 0: never */
		return web_problem(
			r, 409, "not-cloned",
			"no machine was told lately that it is a clone of this system: check in first, and split when the answer is \"cloned\"");
	x = not_taken(q, r, &credential, err);
	if (x)
		return x;
	x = fleet_key_by_id(q->db, parent.tenant, parent.key_id, &key, err);
	if (x <= 0)
		return x < 0 ? x : sut_err_set(err, EIO, "a system without a key");
	x = fleet_key_refuse(&key, q->now, 0, r);
	if (x)
		return x;
	/* A stolen credential is no way around the networks of the key. */
	if (!fleet_key_network(&key, q->peer))
		return web_problem(
			r, 403, "key-network",
			"a new system may not come by this system's registration key from %s: have a key-manager add the network, or transfer the system to another key",
			q->peer);
	x = enrol_clone(q, r, &parent, &in, &out, err);
	if (x)
		return x;
	return web_created(r, enrolment_json(q, &out, &credential), err, "/v1/systems/%s", out.uid);
}

const struct web_route api_checkin[] = {
	{"POST", "/v1/checkin", WEB_AGENT, WEB_WRITE, checkin, NULL, NULL, checkin_many},
	{"POST", "/v1/split", WEB_AGENT, WEB_WRITE | WEB_SECRET, split, NULL, NULL, NULL},
	{"POST", "/v1/unregister", WEB_AGENT, WEB_WRITE, unregister, NULL, NULL, NULL},
	{"GET", "/v1/self", WEB_AGENT, 0, self, NULL, NULL, NULL},
	{0},
};
