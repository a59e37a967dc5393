/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/enrolment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fleet/pace.h"
#include "portal.h"

/* Enrolling again is an entry in the history at most this often, so that nobody fills it. */
enum { AGAIN_EVENT_SEC = 3600 };

void enrolment_release(struct enrolment *e)
{
	free(e->uid);
	free(e->feed);
	free(e->key);
	free(e->external_id);
	*e = (struct enrolment){0};
}

static int fill(struct enrolment *e, bool created, int64_t serial, const char *uid,
		const char *feed, const char *key, const char *external_id, struct sut_err *err)
{
	_cleanup_enrolment_ struct enrolment n = {
		.created = created,
		.serial = serial,
		.uid = strdup(uid),
		.feed = strdup(feed),
		.key = strdup(key),
		.external_id = external_id ? strdup(external_id) : NULL,
	};

	if (!n.uid || !n.feed || !n.key || (external_id && !n.external_id))
		return sut_err_oom(err);
	*e = n;
	n = (struct enrolment){0};
	return 0;
}

/* Is there another system of the tenant with this external id? 0, a problem, < 0. */
static int external_id_free(struct web_req *q, struct web_resp *r, int64_t tenant, int64_t self,
			    const char *external_id, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = sut_db_one(
		q->db,
		"SELECT uid FROM systems WHERE tenant = $1 AND external_id = $2 AND id <> $3",
		SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(external_id), SUT_DB_I(self)), &rows, err);

	if (x <= 0)
		return x;
	/* Which one has it is for users of the tenant to see, not for whoever has a key. */
	return web_problem(
		r, 409, "external-id-taken",
		"another system of this tenant has this external_id: look for it with GET /v1/systems?external_id=, then delete it or choose another name");
}

/* A credential that the caller made must be nobody else's. *ret_own: it is that of `self` already. */
static int credential_free(struct web_req *q, struct web_resp *r, const struct credential *c,
			   int64_t self, bool *ret_own, struct sut_err *err)
{
	int64_t owner = 0;
	int x;

	*ret_own = false;
	if (c->text[0]) /* made just now */
		return 0;
	x = credential_owner(q->db, c->hash, &owner, err);
	if (x == -ESTALE)
		return web_problem(r, 409, "credential-retired",
				   "this credential was given up before: make a fresh one");
	if (x > 0 && owner == self)
		*ret_own = true;
	else if (x > 0)
		return web_problem(r, 409, "credential-taken",
				   "another system has this credential: make a fresh one");
	return x < 0 ? x : 0;
}

struct row {
	int64_t tenant, instance, parent;
	const char *external_id;
	const struct fleet_system *like; /* feed and policy; NULL: the key's */
	char uid[SUT_UID_LEN + 1];
};

/* 1 and the row id; 0: the identity is there already, or is just coming by another portal. */
static int insert(struct web_req *q, const struct enrolment_in *in, const struct row *w,
		  int64_t *ret, struct sut_err *err)
{
	const struct machine *m = in->machine;
	const struct fleet_system *like = w->like;
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int x = sut_db_one(
		q->db,
		"INSERT INTO systems (uid, tenant, key_id, external_id, machine_id, product_uuid,"
		" instance, hostname, address, credential, clone_of, arch, release, build_id, kernel_id,"
		" agent, feed, delay_hours, pin, hold, hold_reason, hold_until, registered, updated)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,"
		" $19, $20, $21, $22, $23, $23)"
		" ON CONFLICT (tenant, machine_id, product_uuid, instance) DO NOTHING RETURNING id",
		SUT_DB_ARGS(SUT_DB_T(w->uid), SUT_DB_I(w->tenant), SUT_DB_I(in->key->id),
			    SUT_DB_T(w->external_id), SUT_DB_T(m->machine_id),
			    SUT_DB_T(m->product_uuid), SUT_DB_I(w->instance), SUT_DB_T(m->hostname),
			    /* That of a platform is not the system's. */
			    SUT_DB_T(in->trusted ? "" : q->peer),
			    SUT_DB_B(in->credential->hash, SUT_TOKEN_HASH),
			    SUT_DB_I_IF(w->parent, w->parent), SUT_DB_T(m->kernel.arch),
			    SUT_DB_T(m->kernel.release), SUT_DB_T(m->kernel.build_id),
			    SUT_DB_T(m->kernel.kernel_id), SUT_DB_T(m->agent),
			    SUT_DB_I_IF(like && like->text[SYS_OWN_FEED], like ? like->feed : 0),
			    SUT_DB_I_IF(like && like->own_delay >= 0, like ? like->own_delay : 0),
			    SUT_DB_T(like ? like->text[SYS_OWN_PIN] : NULL),
			    SUT_DB_I(like && like->hold),
			    SUT_DB_T(like ? like->text[SYS_HOLD_REASON] : ""),
			    SUT_DB_I_IF(like && like->hold_until, like ? like->hold_until : 0),
			    SUT_DB_I(q->now)),
		&rows, err);

	if (x > 0)
		*ret = sut_db_int(rows, 0);
	return x;
}

/* What belongs to a new system beside its row. */
static int complete(struct web_req *q, const struct enrolment_in *in, const struct row *w,
		    int64_t id, const json_t *tags, const char *type, struct sut_err *err)
{
	_cleanup_(sut_freep) char *facts = json_dumps(in->machine->facts, JSON_COMPACT);
	const char *by = q->who.kind == WEB_USER ? q->who.name : "key";
	int x;

	if (!facts)
		return sut_err_oom(err);
	x = sut_db_exec(q->db,
			"INSERT INTO system_details (system, facts, report) VALUES ($1, $2, '{}')",
			SUT_DB_ARGS(SUT_DB_I(id), SUT_DB_T(facts)), NULL, err);
	if (x >= 0 && json_object_size(tags))
		x = system_set_tags(q->db, w->tenant, id, tags, err);
	if (x >= 0)
		x = system_event(q->db, id, q->now, type,
				 json_pack("{s:s, s:s, s:s}", "key", in->key->uid, "address",
					   q->peer, "by", by),
				 err);
	if (x >= 0)
		x = web_event(q, w->tenant, w->parent ? "system.cloned" : "system.enrolled",
			      json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "system", w->uid, "hostname",
					in->machine->hostname, "key", in->key->uid, "external_id",
					w->external_id, "clone_of",
					w->like ? w->like->text[SYS_UID] : NULL),
			      err);
	if (x >= 0 && q->who.kind == WEB_USER)
		x = web_audit(q, "system.enroll", "system", w->uid,
			      json_pack("{s:s, s:s}", "key", in->key->uid, "hostname",
					in->machine->hostname),
			      err);
	return x;
}

/* 1: created; 0: it was there after all. With *ret_problem: r has a problem, return what this did. */
static int create(struct web_req *q, struct web_resp *r, const struct enrolment_in *in,
		  struct enrolment *ret, bool *ret_problem, struct sut_err *err)
{
	struct row w = {.tenant = in->key->tenant, .external_id = in->external_id};
	int64_t id = 0;
	int x = sut_uid_make(w.uid, err);

	*ret_problem = false;
	if (x >= 0 && in->external_id) {
		x = external_id_free(q, r, w.tenant, 0, in->external_id, err);
		*ret_problem = x > 0;
		if (x)
			return x;
	}
	if (x >= 0)
		x = insert(q, in, &w, &id, err);
	if (x <= 0)
		return x;
	x = fleet_key_take(q, r, in->key, err);
	*ret_problem = x > 0;
	if (x)
		return x;
	x = complete(q, in, &w, id, in->key->tags, "enrolled", err);
	if (x >= 0)
		x = fill(ret, true, 1, w.uid, in->key->feed_name, in->key->uid, w.external_id, err);
	return x < 0 ? x : 1;
}

static int set_external_id(struct web_req *q, struct web_resp *r, const struct fleet_system *s,
			   const char *external_id, struct sut_err *err)
{
	int x = external_id_free(q, r, s->tenant, s->id, external_id, err);

	if (x)
		return x;
	return sut_db_exec(q->db,
			   "UPDATE systems SET external_id = $3, version = version + 1"
			   " WHERE id = $1 AND tenant = $2",
			   SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(s->tenant), SUT_DB_T(external_id)),
			   NULL, err);
}

/* The system is known: it gets a second credential, which takes the place of the first when it is used. */
static int again(struct web_req *q, struct web_resp *r, const struct enrolment_in *in,
		 const struct fleet_system *s, struct enrolment *ret, struct sut_err *err)
{
	const char *external_id = s->text[SYS_EXTERNAL_ID];
	bool own = false;
	int x = credential_free(q, r, in->credential, s->id, &own, err);

	if (x)
		return x;
	/* Whoever has a key and knows a machine_id may not rename what the platform named. */
	if (in->external_id && !sut_streq(in->external_id, external_id) && in->trusted) {
		x = set_external_id(q, r, s, in->external_id, err);
		if (x)
			return x;
		external_id = in->external_id;
	}
	if (!own) {
		x = sut_db_exec(q->db,
				"UPDATE systems SET credential_next = $3, credential_next_at = $4"
				" WHERE id = $1 AND tenant = $2",
				SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(s->tenant),
					    SUT_DB_B(in->credential->hash, SUT_TOKEN_HASH),
					    SUT_DB_I(q->now)),
				NULL, err);
		if (x >= 0 && (!s->has_next || s->next_at < q->now - AGAIN_EVENT_SEC))
			x = system_event(q->db, s->id, q->now, "enrolled-again",
					 json_pack("{s:s, s:s, s:s}", "key", in->key->uid,
						   "address", q->peer, "by",
						   q->who.kind == WEB_USER ? q->who.name : "key"),
					 err);
		if (x >= 0 && q->who.kind == WEB_USER)
			x = web_audit(q, "system.enroll-again", "system", s->text[SYS_UID],
				      json_pack("{s:s}", "key", in->key->uid), err);
		if (x < 0)
			return x;
	}
	return fill(ret, false, s->line.serial, s->text[SYS_UID], s->text[SYS_FEED],
		    s->text[SYS_KEY], external_id, err);
}

/* 1: it is known; 0; < 0. */
static int find(struct web_req *q, const struct enrolment_in *in, struct fleet_system *ret,
		struct sut_err *err)
{
	const struct machine *m = in->machine;
	int64_t tenant = in->key->tenant;

	/* Of several equal ones it is the one that it says it was. */
	if (in->system_id && sut_uid_ok(in->system_id)) {
		_cleanup_system_ struct fleet_system s = {0};
		int x = system_by_uid(q->db, tenant, in->system_id, &s, err);

		if (x < 0)
			return x;
		if (x && !strcmp(s.text[SYS_MACHINE_ID], m->machine_id) &&
		    !strcmp(s.text[SYS_PRODUCT_UUID], m->product_uuid)) {
			*ret = s;
			s = (struct fleet_system){0};
			return 1;
		}
	}
	return system_by_machine(q->db, tenant, m->machine_id, m->product_uuid, ret, err);
}

int enrol(struct web_req *q, struct web_resp *r, const struct enrolment_in *in,
	  struct enrolment *ret, struct sut_err *err)
{
	/* Twice, because another portal may register the same machine between a look and the deed. */
	for (int i = 0; i < 2; i++) {
		_cleanup_system_ struct fleet_system s = {0};
		bool own, problem;
		int x = find(q, in, &s, err);

		if (x < 0)
			return x;
		if (x)
			return again(q, r, in, &s, ret, err);
		x = credential_free(q, r, in->credential, 0, &own, err);
		if (x)
			return x;
		x = create(q, r, in, ret, &problem, err);
		if (problem)
			return x;
		/* Credential or external id came to another system just now. */
		if (x == -EEXIST)
			return sut_err_set(
				err, EAGAIN,
				"two enrolments at once: the same again gives the answer");
		if (x < 0)
			return x;
		if (x)
			return 0;
	}
	return sut_err_set(err, EAGAIN, "two enrolments at once: the same again gives the answer");
}

int enrol_clone(struct web_req *q, struct web_resp *r, const struct fleet_system *parent,
		const struct enrolment_in *in, struct enrolment *ret, struct sut_err *err)
{
	struct row w = {.tenant = parent->tenant, .parent = parent->id, .like = parent};
	json_t *tags;
	int64_t id = 0;
	int x = system_instance(q->db, w.tenant, in->machine->machine_id, in->machine->product_uuid,
				&w.instance, err);

	if (x >= 0)
		x = sut_uid_make(w.uid, err);
	if (x >= 0)
		x = insert(q, in, &w, &id, err);
	if (x == 0 || x == -EEXIST)
		return sut_err_set(err, EAGAIN,
				   "two clones at once: the same again gives the answer");
	if (x < 0)
		return x;
	x = fleet_key_take(q, r, in->key, err);
	if (x)
		return x;
	tags = json_object();
	if (!tags)
		return sut_err_oom(err);
	x = complete(q, in, &w, id, tags, "split", err);
	json_decref(tags);
	if (x >= 0)
		x = sut_db_exec(
			q->db,
			"INSERT INTO system_tags (system, name, value)"
			" SELECT CAST($1 AS BIGINT), name, value FROM system_tags WHERE system ="
			" (SELECT id FROM systems WHERE id = $2 AND tenant = $3)",
			SUT_DB_ARGS(SUT_DB_I(id), SUT_DB_I(parent->id), SUT_DB_I(w.tenant)), NULL,
			err);
	if (x >= 0)
		x = system_event(q->db, parent->id, q->now, "clone-split",
				 json_pack("{s:s, s:s, s:s}", "system", w.uid, "hostname",
					   in->machine->hostname, "address", q->peer),
				 err);
	if (x < 0)
		return x;
	return fill(ret, true, 1, w.uid, parent->text[SYS_FEED], in->key->uid, NULL, err);
}

json_t *enrolment_json(const struct web_req *q, const struct enrolment *e,
		       const struct credential *c)
{
	const char *url = portal_of(q->server)->conf.s.url ? portal_of(q->server)->conf.s.url : "";
	int len = (int)strlen(url);
	_cleanup_(sut_freep) char *checkin = NULL, *repo = NULL;

	while (len > 0 && url[len - 1] == '/')
		len--;
	checkin = sut_sprintf("%.*s/v1/checkin", len, url);
	repo = sut_sprintf("%.*s/repo/", len, url);
	if (!checkin || !repo)
		return NULL;
	return json_pack("{s:s, s:s*, s:s, s:s, s:s*, s:s, s:s, s:I, s:I}", "system_id", e->uid,
			 "credential", c->text[0] ? c->text : NULL, "feed", e->feed, "key", e->key,
			 "external_id", e->external_id, "checkin_url", checkin, "repository_url",
			 repo, "next_checkin_s", (json_int_t)pace_first(), "serial",
			 (json_int_t)e->serial);
}
