/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/checkin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/str.h"
#include "fleet/credential.h"
#include "fleet/decision.h"
#include "fleet/library.h"
#include "fleet/pace.h"
#include "fleet/report.h"
#include "fleet/store.h"
#include "portal.h"

enum { LIBRARIES_TOLD_MAX = 16 }; /* in an entry of the history */

/* One check-in of the group. */
struct visit {
	struct web_req *q;
	struct web_resp *r;
	struct report report;
	bool parsed;
	struct store_slot *slot;
	enum line_verdict verdict;
	bool answer; /* nothing stands against an answer */
};

/* Who comes next sees what this one has changed. */
static int set_text(char **at, const char *s, struct sut_err *err)
{
	char *copy;

	if (sut_streq(*at, s))
		return 0;
	copy = strdup(s);
	if (!copy)
		return sut_err_oom(err);
	free(*at);
	*at = copy;
	return 0;
}

/* --- who it is --- */

static int promote(struct visit *v, struct store *st, struct sut_err *err)
{
	struct fleet_system *s = &v->slot->s;
	int x = credential_retire(v->q->db, s->credential, v->q->now, "replaced", err);

	if (x >= 0)
		x = sut_db_exec(
			v->q->db,
			"UPDATE systems SET credential = credential_next, credential_next = NULL,"
			" credential_next_at = NULL WHERE id = $1 AND tenant = $2",
			SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(s->tenant)), NULL, err);
	if (x >= 0)
		x = store_event(st, s->id, v->q->now, "credential-replaced",
				json_pack("{s:s, s:s}", "address", v->q->peer, "previous_address",
					  s->text[SYS_ADDRESS]),
				err);
	if (x >= 0)
		x = web_event(v->q, s->tenant, "system.credential-replaced",
			      json_pack("{s:s, s:s, s:s, s:s}", "system", s->text[SYS_UID],
					"hostname", s->text[SYS_HOSTNAME], "address", v->q->peer,
					"previous_address", s->text[SYS_ADDRESS]),
			      err);
	if (x < 0)
		return x;
	memcpy(s->credential, s->credential_next, sizeof(s->credential));
	s->has_next = false;
	return 0;
}

/* Another enrolment's credential that nobody came with: it was a mistake or a replay. */
static int lapse(struct visit *v, struct sut_err *err)
{
	struct fleet_system *s = &v->slot->s;

	s->has_next = false;
	return sut_db_exec(v->q->db,
			   "UPDATE systems SET credential_next = NULL, credential_next_at = NULL"
			   " WHERE id = $1 AND tenant = $2",
			   SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(s->tenant)), NULL, err);
}

/* The machine says otherwise who it is than when it enrolled, and it may. */
static int rename_machine(struct visit *v, struct store *st, struct sut_err *err)
{
	struct fleet_system *s = &v->slot->s;
	const char *uuid =
		v->report.product_uuid[0] ? v->report.product_uuid : s->text[SYS_PRODUCT_UUID];
	int x = system_instance(v->q->db, s->tenant, v->report.machine_id, uuid, &s->instance, err);

	if (x >= 0)
		x = sut_db_exec(
			v->q->db,
			"UPDATE systems SET machine_id = $3, product_uuid = $4, instance = $5"
			" WHERE id = $1 AND tenant = $2",
			SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(s->tenant),
				    SUT_DB_T(v->report.machine_id), SUT_DB_T(uuid),
				    SUT_DB_I(s->instance)),
			NULL, err);
	if (x >= 0)
		x = store_event(st, s->id, v->q->now, "identity",
				json_pack("{s:s, s:s}", "machine_id", v->report.machine_id,
					  "product_uuid", uuid),
				err);
	if (x >= 0)
		x = set_text(&s->text[SYS_MACHINE_ID], v->report.machine_id, err);
	if (x >= 0)
		x = set_text(&s->text[SYS_PRODUCT_UUID], uuid, err);
	return x;
}

/* Is it another machine, by what does not change in the life of one? */
static bool other_machine(const struct fleet_system *s, const struct report *rep)
{
	const char *uuid = s->text[SYS_PRODUCT_UUID];

	if (uuid[0] && rep->product_uuid[0])
		return strcmp(uuid, rep->product_uuid) != 0;
	return strcmp(s->text[SYS_MACHINE_ID], rep->machine_id) != 0;
}

/* told: when the last one was. */
static int cloned(struct visit *v, struct store *st, int64_t told, const char *why,
		  struct sut_err *err)
{
	struct fleet_system *s = &v->slot->s;
	int x = 0;

	v->slot->beat = true;
	(void)web_problem(
		v->r, 409, "cloned",
		"another machine uses this System ID (%s): call POST /v1/split with this credential to get one of your own",
		why);
	if (told <= v->q->now - SYSTEM_TELL_SEC)
		x = store_event(st, s->id, v->q->now, "clone-told",
				json_pack("{s:s, s:s, s:s}", "why", why, "address", v->q->peer,
					  "other_address", s->text[SYS_ADDRESS]),
				err);
	return x;
}

/* Sets v->verdict and v->answer, or answers with a problem. */
static int identify(struct visit *v, struct store *st, struct sut_err *err)
{
	struct fleet_system *s = v->slot ? &v->slot->s : NULL;
	uint8_t hash[SUT_TOKEN_HASH];
	int64_t told;
	bool next;
	int x = 0;

	if (!s || !v->slot->found) {
		(void)web_problem(v->r, 410, "system-deleted",
				  "this system was deleted: enrol again if that was a mistake");
		return 0;
	}
	if (!credential_of(v->q, hash))
		return sut_err_set(err, EIO, "a system without credential got here");
	next = CRYPTO_memcmp(hash, s->credential, sizeof(hash)) != 0;
	if (next && (!s->has_next || CRYPTO_memcmp(hash, s->credential_next, sizeof(hash)))) {
		(void)web_problem(
			v->r, 401, "credential-replaced",
			"this system enrolled again and uses another credential: use that, or enrol again");
		return 0;
	}
	told = s->line.told_at;
	if (other_machine(s, &v->report)) {
		line_told(&s->line, v->q->now);
		return cloned(v, st, told, "it is another machine than the one that enrolled", err);
	}
	if (next) {
		x = promote(v, st, err);
		/* Whatever it was before, there is one line from here on: this one. */
		line_restart(&s->line, v->report.serial, v->report.nonce);
		v->verdict = LINE_ON;
	} else {
		if (s->has_next && s->next_at < v->q->now - CREDENTIAL_NEXT_SEC)
			x = lapse(v, err);
		v->verdict = line_step(&s->line, v->report.serial, v->report.nonce, v->q->now);
		if (x >= 0 && v->verdict == LINE_CLONED)
			return cloned(v, st, told, "both check in with the same identity", err);
		if (x >= 0 && v->verdict == LINE_CONFLICT)
			x = store_event(st, s->id, v->q->now, "conflict",
					json_pack("{s:I, s:s, s:s}", "serial",
						  (json_int_t)v->report.serial, "address",
						  v->q->peer, "other_address",
						  s->text[SYS_ADDRESS]),
					err);
	}
	v->answer = true;
	if (x >= 0 && (strcmp(s->text[SYS_MACHINE_ID], v->report.machine_id) ||
		       (v->report.product_uuid[0] &&
			strcmp(s->text[SYS_PRODUCT_UUID], v->report.product_uuid))))
		x = rename_machine(v, st, err);
	return x;
}

/* --- what it reports --- */

static bool note_text(json_t *to, const char *name, const char *from, const char *is)
{
	return sut_streq(from, is) ||
	       !json_object_set_new(to, name, json_pack("{s:s, s:s}", "from", from, "to", is));
}

static bool note_int(json_t *to, const char *name, int64_t from, int64_t is)
{
	return from == is || !json_object_set_new(to, name,
						  json_pack("{s:I, s:I}", "from", (json_int_t)from,
							    "to", (json_int_t)is));
}

/* What the history calls it: the most telling of what changed. */
static const char *event_type(const struct fleet_system *s, const json_t *changes)
{
	if (!s->has_report)
		return "first-checkin";
	if (json_object_get(changes, "build_id"))
		return "kernel";
	if (json_object_get(changes, "boot_id"))
		return "reboot";
	if (json_object_get(changes, "state"))
		return "state";
	if (json_object_get(changes, "level"))
		return "level";
	if (json_object_get(changes, "libraries"))
		return "libraries";
	return "report";
}

/* Facts and hostname come when they changed, and may come again. */
static bool new_facts(const struct fleet_system *s, const struct report *n)
{
	return n->facts && (!s->has_facts || memcmp(s->facts_hash, n->facts_hash, REPORT_HASH));
}

static bool new_libraries(const struct fleet_system *s, const struct report *n)
{
	return s->has_libraries ? memcmp(s->libraries_hash, n->libraries_hash, REPORT_HASH) != 0
				: n->has_libraries;
}

/* For the history: the first of them, without what is in their rows. */
static json_t *libraries_said(const json_t *list)
{
	json_t *ret = json_array(), *e;
	size_t i;

	json_array_foreach(list, i, e) {
		if (i == LIBRARIES_TOLD_MAX)
			break;
		if (json_array_append_new(ret, json_pack("{s:O?, s:O?, s:O?, s:O?, s:O?}", "name",
							 json_object_get(e, "name"), "level",
							 json_object_get(e, "level"), "processes",
							 json_object_get(e, "processes"), "patched",
							 json_object_get(e, "patched"), "state",
							 json_object_get(e, "state")))) {
			json_decref(ret);
			return NULL;
		}
	}
	return ret;
}

static int tell_changes(struct visit *v, struct store *st, struct sut_err *err)
{
	const struct fleet_system *s = &v->slot->s;
	const struct report *n = &v->report;
	json_t *errors = json_object_get(v->q->body, "errors"), *c = json_object();
	int x = 0;

	if (!c || !note_text(c, "state", s->text[SYS_STATE], n->state) ||
	    !note_text(c, "release", s->text[SYS_RELEASE], n->kernel.release) ||
	    !note_text(c, "build_id", s->text[SYS_BUILD_ID], n->kernel.build_id) ||
	    !note_text(c, "boot_id", s->text[SYS_BOOT_ID], n->boot_id) ||
	    !note_text(c, "patchset", s->text[SYS_PATCHSET], n->patchset) ||
	    !note_text(c, "agent", s->text[SYS_AGENT], n->agent) ||
	    !note_int(c, "level", s->level, n->level) ||
	    (n->hostname && !note_text(c, "hostname", s->text[SYS_HOSTNAME], n->hostname)) ||
	    (n->errors && json_object_set(c, "errors", errors)) ||
	    (new_libraries(s, n) &&
	     json_object_set_new(c, "libraries",
				 libraries_said(json_object_get(v->q->body, "libraries")))) ||
	    (new_facts(s, n) && json_object_set_new(c, "facts", json_true()))) {
		json_decref(c);
		return sut_err_oom(err);
	}
	if (json_object_get(c, "state") || json_object_get(c, "level"))
		x = web_event(v->q, s->tenant, "system.state",
			      json_pack("{s:s, s:s, s:s*, s:s, s:s, s:I, s:I, s:s, s:s}", "system",
					s->text[SYS_UID], "hostname",
					n->hostname ? n->hostname : s->text[SYS_HOSTNAME],
					"external_id", s->text[SYS_EXTERNAL_ID], "previous_state",
					s->text[SYS_STATE], "state", n->state, "previous_level",
					(json_int_t)s->level, "level", (json_int_t)n->level,
					"patchset", n->patchset, "build_id", n->kernel.build_id),
			      err);
	if (x < 0) {
		json_decref(c);
		return x;
	}
	return store_event(st, s->id, v->q->now, event_type(s, c), c, err);
}

/* Has it changed too often of late to be written down? Counts this change. */
static bool chatters(struct visit *v)
{
	struct fleet_system *s = &v->slot->s;
	int64_t calm = (v->q->now - s->updated) / SYSTEM_CHATTER_SEC;

	s->chatter = calm >= s->chatter ? 0 : s->chatter - (calm > 0 ? calm : 0);
	if (s->chatter >= SYSTEM_CHATTER_MAX)
		return true;
	s->chatter++;
	return false;
}

static int take_report(struct visit *v, struct store *st, struct sut_err *err)
{
	struct fleet_system *s = &v->slot->s;
	struct report *n = &v->report;
	bool booted = !sut_streq(s->text[SYS_BOOT_ID], n->boot_id) || !s->booted;
	const struct {
		enum system_text at;
		const char *text;
	} texts[] = {
		{SYS_STATE, n->state},
		{SYS_ARCH, n->kernel.arch},
		{SYS_RELEASE, n->kernel.release},
		{SYS_BUILD_ID, n->kernel.build_id},
		{SYS_KERNEL_ID, n->kernel.kernel_id},
		{SYS_PATCHSET, n->patchset},
		{SYS_AGENT, n->agent},
		{SYS_BOOT_ID, n->boot_id},
		{SYS_HOSTNAME, n->hostname ? n->hostname : s->text[SYS_HOSTNAME]},
	};
	int x = chatters(v) ? 0 : tell_changes(v, st, err);

	for (size_t i = 0; x >= 0 && i < SUT_ARRAY_SIZE(texts); i++)
		x = set_text(&s->text[texts[i].at], texts[i].text, err);
	if (x < 0)
		return x;
	s->level = n->level;
	s->errors = (int64_t)n->errors;
	s->last_pause_ns = n->last_pause_ns;
	if (booted && n->uptime_s >= 0)
		s->booted = v->q->now - n->uptime_s;
	memcpy(s->report_hash, n->hash, sizeof(s->report_hash));
	s->has_report = true;
	s->updated = v->q->now;
	free(v->slot->text);
	v->slot->text = sut_steal(n->text);
	if (new_libraries(s, n)) {
		json_t *list = json_object_get(v->q->body, "libraries");

		json_decref(v->slot->libraries);
		v->slot->libraries = json_is_array(list) ? json_incref(list) : json_array();
		if (!v->slot->libraries)
			return sut_err_oom(err);
		memcpy(s->libraries_hash, n->libraries_hash, sizeof(s->libraries_hash));
		s->has_libraries = true;
	}
	if (new_facts(s, n)) {
		memcpy(s->facts_hash, n->facts_hash, sizeof(s->facts_hash));
		s->has_facts = true;
		free(v->slot->facts);
		v->slot->facts = sut_steal(n->facts);
	}
	v->slot->reported = true;
	return 0;
}

static bool is_news(const struct fleet_system *s, const struct report *n)
{
	return !s->has_report || memcmp(s->report_hash, n->hash, REPORT_HASH) || new_facts(s, n) ||
	       (n->hostname && strcmp(n->hostname, s->text[SYS_HOSTNAME]));
}

static int visit_one(struct visit *v, struct store *st, struct sut_err *err)
{
	struct fleet_system *s;
	int x = identify(v, st, err);

	if (x < 0 || !v->answer)
		return x;
	/* What comes late says what was, not what is. */
	if (v->verdict == LINE_LATE)
		return 0;
	s = &v->slot->s;
	x = set_text(&s->text[SYS_ADDRESS], v->q->peer, err);
	if (x >= 0 && is_news(s, &v->report))
		x = take_report(v, st, err);
	s->checkin = v->q->now;
	v->slot->beat = true;
	return x;
}

/* --- what it is told --- */

static bool is_quarantined(const struct visit *v, const char *patchset)
{
	json_t *list = json_object_get(v->q->body, "quarantined"), *e;
	size_t i;

	json_array_foreach(list, i, e)
		if (sut_streq(json_string_value(e), patchset))
			return true;
	return false;
}

/* Its key covers them, and its agent looks after them. */
static bool wants_libraries(const struct visit *v)
{
	return (v->slot->s.products & FLEET_LIBRARY) &&
	       (!v->report.products || (v->report.products & FLEET_LIBRARY));
}

static int answer(struct visit *v, struct sut_err *err)
{
	const struct portal_conf *conf = &portal_of(v->q->server)->conf;
	const struct fleet_system *s = &v->slot->s;
	json_t *kernel = NULL, *held = NULL, *notices = json_array(), *libraries = json_array();
	_cleanup_(decisions_putp) const struct feed_view *view = NULL;
	struct decide_out out;
	struct decide_in in;
	int x = notices && libraries ? system_decide(portal_of(v->q->server), v->q->db, s,
						     v->q->now, &view, &in, &out, err)
				     : sut_err_oom(err);

	/* What the key does not cover is nobody's business here. */
	if (x >= 0 && !(s->products & FLEET_KERNEL)) {
		out.action = s->level ? DECIDE_KEEP : DECIDE_NONE;
		out.target = NULL;
		out.level = (uint32_t)s->level;
		out.nheld = 0;
	}
	/* The machine took it out after it had gone down with it: it is not sent again. */
	if (x >= 0 && out.action == DECIDE_APPLY && out.target &&
	    is_quarantined(v, out.target->patchset)) {
		out.action = s->level ? DECIDE_KEEP : DECIDE_NONE;
		out.target = NULL;
		out.level = (uint32_t)s->level;
		if (json_array_append_new(notices, json_string("quarantined")))
			x = sut_err_oom(err);
	}
	if (x >= 0 && v->verdict == LINE_CONFLICT &&
	    json_array_append_new(notices, json_string("serial-conflict")))
		x = sut_err_oom(err);
	if (x >= 0)
		x = decide_json(&in, &out, &kernel, &held, err);
	if (x >= 0 && wants_libraries(v))
		x = library_decide(portal_of(v->q->server), v->q->db, s,
				   json_object_get(v->q->body, "libraries"),
				   json_object_get(v->q->body, "quarantined"), v->q->now,
				   &(const struct library_answer){libraries, held, notices}, err);
	if (x < 0) {
		json_decref(notices);
		json_decref(libraries);
		json_decref(kernel);
		json_decref(held);
		return x;
	}
	return web_json(v->r, 200,
			json_pack("{s:I, s:I, s:I, s:s, s:o, s:o, s:o, s:o}", "serial",
				  (json_int_t)s->line.serial, "next_checkin_s",
				  (json_int_t)pace(conf->checkin_sec), "next_check_s",
				  (json_int_t)pace(conf->check_sec), "feed", s->text[SYS_FEED],
				  "kernel", kernel, "libraries", libraries, "held", held, "notices",
				  notices),
			err);
}

/* --- all of them --- */

static int parse(struct visit *v)
{
	struct check bad = {0};
	int x = report_parse(v->q->body, &v->report, &bad);

	v->parsed = x == 0;
	if (x == -EINVAL)
		return web_bad_field(v->r, bad.pointer, "%s", bad.detail);
	return x;
}

static void visits_release(struct visit *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		report_release(&v[i].report);
	free(v);
}

static int run(struct visit *v, int *rets, size_t n, int64_t (*ids)[2], struct sut_err *err)
{
	_cleanup_store_ struct store st = {0};
	struct sut_db *db = v[0].q->db;
	size_t m = 0;
	int x;

	for (size_t i = 0; i < n; i++) {
		rets[i] = parse(&v[i]);
		if (rets[i] < 0)
			return sut_err_oom(err);
		if (!v[i].parsed)
			continue;
		ids[m][0] = v[i].q->who.system_id;
		ids[m++][1] = v[i].q->who.tenant;
	}
	if (!m)
		return 0;
	x = store_load(db, (const int64_t(*)[2])ids, m, &st, err);
	for (size_t i = 0; x >= 0 && i < n; i++) {
		if (!v[i].parsed)
			continue;
		v[i].slot = store_find(&st, v[i].q->who.system_id);
		x = visit_one(&v[i], &st, err);
	}
	if (x >= 0)
		x = store_save(db, &st, err);
	for (size_t i = 0; x >= 0 && i < n; i++)
		if (v[i].answer)
			x = answer(&v[i], err);
	return x;
}

int checkin_many(struct web_req **q, struct web_resp **r, int *rets, size_t n, struct sut_err *err)
{
	struct visit *v = calloc(n ? n : 1, sizeof(*v));
	int64_t(*ids)[2] = calloc(n ? n : 1, sizeof(*ids));
	int x = 0;

	if (!v || !ids)
		x = sut_err_oom(err);
	for (size_t i = 0; !x && i < n; i++) {
		v[i].q = q[i];
		v[i].r = r[i];
	}
	if (!x && n)
		x = run(v, rets, n, ids, err);
	free(ids);
	if (v)
		visits_release(v, n);
	return x < 0 ? x : 0;
}
