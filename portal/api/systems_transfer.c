/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/systems/{system}/transfer: to another key, or another tenant. */
#include <errno.h>
#include <string.h>

#include "api/systems.h"
#include "fleet/key.h"

static int tenant_find(struct web_req *q, struct web_resp *r, const char *name, int64_t *ret,
		       struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x;

	if (!name || !strcmp(name, q->who.tenant_name)) {
		*ret = q->who.tenant;
		return 0;
	}
	if (!q->who.staff)
		return web_problem(
			r, 403, "staff-only",
			"only the staff of this portal may move a system to another tenant: leave \"tenant\" out, or ask them");
	x = sut_db_one(q->db, "SELECT id FROM tenants WHERE name = $1", SUT_DB_ARGS(SUT_DB_T(name)),
		       &rows, err);
	if (x <= 0)
		return x < 0 ? x : web_bad_field(r, "/tenant", "there is no tenant \"%s\"", name);
	*ret = sut_db_int(rows, 0);
	return 0;
}

static int move(struct web_req *q, struct web_resp *r, const struct fleet_system *s,
		const struct fleet_key *to, struct sut_err *err)
{
	bool other = to->tenant != s->tenant;
	int64_t instance = s->instance, n = 1;
	int x = 0;

	if (other)
		x = system_instance(q->db, to->tenant, s->text[SYS_MACHINE_ID],
				    s->text[SYS_PRODUCT_UUID], &instance, err);
	if (x >= 0)
		x = sut_db_exec(
			q->db,
			/* A feed of its own that the new tenant does not see is given up. */
			"UPDATE systems SET tenant = $3, key_id = $4, instance = $5,"
			" feed = (SELECT f.id FROM feeds f WHERE f.id = systems.feed"
			" AND (f.tenant = 0 OR f.tenant = $3)), version = version + 1"
			" WHERE id = $1 AND tenant = $2 AND key_id = $6",
			SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(s->tenant), SUT_DB_I(to->tenant),
				    SUT_DB_I(to->id), SUT_DB_I(instance), SUT_DB_I(s->key_id)),
			&n, err);
	if (x >= 0 && n != 1)
		return sut_err_set(err, EAGAIN, "the system was changed at the same time");
	if (x == -EEXIST)
		return web_problem(
			r, 409, "external-id-taken",
			"another system of the tenant has this system's external_id: change one of the two first");
	return x;
}

/* In the logs of both tenants, when there are two. */
static int tell_transfer(struct web_req *q, const struct fleet_system *s,
			 const struct fleet_key *to, struct sut_err *err)
{
	int64_t own = q->who.tenant;
	int x = 0;

	for (int i = 0; x >= 0 && i < (to->tenant != s->tenant ? 2 : 1); i++) {
		int64_t tenant = i ? to->tenant : s->tenant;

		q->who.tenant = tenant;
		x = web_audit(q, "system.transfer", "system", s->text[SYS_UID],
			      json_pack("{s:s, s:s, s:s}", "from_key", s->text[SYS_KEY], "to_key",
					to->uid, "to_tenant", to->tenant_name),
			      err);
		if (x >= 0)
			x = web_event(q, tenant, "system.transferred",
				      json_pack("{s:s, s:s, s:s, s:s}", "system", s->text[SYS_UID],
						"hostname", s->text[SYS_HOSTNAME], "key", to->uid,
						"tenant", to->tenant_name),
				      err);
	}
	q->who.tenant = own;
	return x;
}

int systems_transfer(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system s = {0}, moved = {0};
	_cleanup_key_ struct fleet_key to = {0};
	const char *key = NULL, *name = NULL;
	const struct web_field fields[] = {
		{"key", WEB_T_STRING, WEB_REQUIRED, 0, SUT_UID_LEN, &key, NULL},
		{"tenant", WEB_T_NAME, 0, 0, 0, &name, NULL},
	};
	int64_t tenant = 0;
	json_t *j = NULL;
	int x = WEB_TAKE(q, r, fields);

	if (!x)
		x = systems_find(q, r, &s, err);
	if (!x)
		x = tenant_find(q, r, name, &tenant, err);
	if (x)
		return x;
	x = fleet_key_by_uid(q->db, tenant, key, &to, err);
	if (x <= 0)
		return x < 0 ? x
			     : web_bad_field(
				       r, "/key",
				       "there is no key \"%s\" in that tenant: see GET /v1/keys",
				       key);
	x = fleet_key_refuse(&to, q->now, 0, r);
	if (!x && to.id != s.key_id) {
		x = fleet_key_take(q, r, &to, err);
		if (!x)
			x = move(q, r, &s, &to, err);
		if (!x)
			x = fleet_key_give(q->db, s.tenant, s.key_id, 1, err);
		if (!x)
			x = system_event(q->db, s.id, q->now, "transferred",
					 json_pack("{s:s, s:s, s:s}", "from_key", s.text[SYS_KEY],
						   "to_key", to.uid, "by", q->who.name),
					 err);
		if (!x)
			x = tell_transfer(q, &s, &to, err);
	}
	if (x)
		return x;
	x = system_by_id(q->db, tenant, s.id, &moved, err);
	if (x <= 0)
		return x < 0 ? x : sut_err_set(err, EIO, "the moved system is not there");
	x = system_json(q->db, &moved, true, q->now, &j, err);
	if (x < 0)
		return x;
	web_version(r, moved.version);
	return web_json(r, 200, j, err);
}
