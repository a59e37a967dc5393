/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/systems: the registered servers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/systems.h"
#include "base/str.h"
#include "feed/pin.h"
#include "fleet/check.h"
#include "fleet/decision.h"
#include "fleet/key.h"
#include "fleet/library.h"
#include "fleet/system.h"
#include "portal.h"

enum {
	READERS = SUT_ROLE_VIEWER | SUT_ROLE_OPERATOR | SUT_ROLE_RELEASE | SUT_ROLE_KEYS |
		  SUT_ROLE_AUDITOR
};

int systems_find(struct web_req *q, struct web_resp *r, struct fleet_system *ret,
		 struct sut_err *err)
{
	int x = sut_uid_ok(q->params[0])
			? system_by_uid(q->db, q->who.tenant, q->params[0], ret, err)
			: 0;

	if (x < 0)
		return x;
	return x ? 0 : web_not_found(r, "system", q->params[0]);
}

static int answer(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system s = {0};
	json_t *j = NULL;
	int x = systems_find(q, r, &s, err);

	if (!x)
		x = system_json(q->db, &s, true, q->now, &j, err);
	if (x)
		return x;
	web_version(r, s.version);
	return web_json(r, 200, j, err);
}

static int no_args(struct web_req *q, struct web_resp *r)
{
	static const char *const none[] = {NULL};

	return web_only_args(q, r, none);
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	int x = no_args(q, r);

	return x ? x : answer(q, r, err);
}

/* --- changes --- */

struct change {
	json_t *tags;
	const char *feed, *pin, *hold_reason, *external_id;
	int64_t delay_hours, hold_until, feed_id;
	bool hold;
	bool has_tags, has_feed, has_delay, has_pin, has_hold, has_reason, has_until, has_external;
};

static int take_change(struct web_req *q, struct web_resp *r, struct change *c, struct sut_err *err)
{
	const struct web_field fields[] = {
		{"tags", WEB_T_OBJECT, 0, 0, 0, &c->tags, &c->has_tags},
		{"feed", WEB_T_NAME, WEB_NULLABLE, 0, 0, &c->feed, &c->has_feed},
		{"delay_hours", WEB_T_INT, WEB_NULLABLE, 0, 8760, &c->delay_hours, &c->has_delay},
		{"pin", WEB_T_STRING, WEB_NULLABLE, 0, FEED_PIN_MAX, &c->pin, &c->has_pin},
		{"hold", WEB_T_BOOL, 0, 0, 0, &c->hold, &c->has_hold},
		{"hold_reason", WEB_T_STRING, WEB_EMPTY_OK, 0, 0, &c->hold_reason, &c->has_reason},
		{"hold_until", WEB_T_TIME, WEB_NULLABLE, 0, 0, &c->hold_until, &c->has_until},
		{"external_id", WEB_T_STRING, WEB_NULLABLE, 0, FLEET_EXTERNAL_ID_MAX,
		 &c->external_id, &c->has_external},
	};
	struct check bad = {0};
	struct sut_err wrong = {0};
	struct feed_pin pin;
	int x = WEB_TAKE(q, r, fields);

	if (x)
		return x;
	if (check_tags(&bad, "/tags", c->tags))
		return web_bad_field(r, bad.pointer, "%s", bad.detail);
	if (c->pin && feed_pin_parse(c->pin, &pin, &wrong) < 0)
		return web_bad_field(r, "/pin", "%s", wrong.msg);
	if (c->external_id && !check_printable(c->external_id, strlen(c->external_id)))
		return web_bad_field(r, "/external_id", "may hold printable characters only");
	if (c->feed) {
		x = fleet_feed_find(q->db, q->who.tenant, c->feed, &c->feed_id, err);
		if (x == 0)
			return web_bad_field(r, "/feed",
					     "there is no feed \"%s\": see GET /v1/feeds", c->feed);
		if (x < 0)
			return x;
	}
	return 0;
}

/* Row id of the system's own feed; 0: it has none. */
static int64_t own_feed(const struct fleet_system *s)
{
	return s->text[SYS_OWN_FEED] ? s->feed : 0;
}

static int apply_change(struct web_req *q, struct web_resp *r, const struct fleet_system *s,
			const struct change *c, struct sut_err *err)
{
	int64_t feed = c->has_feed ? c->feed_id : own_feed(s);
	int64_t delay = c->has_delay ? (c->delay_hours >= 0 ? c->delay_hours : -1) : s->own_delay;
	bool hold = c->has_hold ? c->hold : s->hold;
	int64_t until = c->has_until ? c->hold_until : s->hold_until, n = 0;
	const char *reason = c->has_reason ? c->hold_reason : s->text[SYS_HOLD_REASON];
	int x;

	/* What ends a hold ends its reason, too. */
	if (!hold) {
		until = 0;
		reason = "";
	}
	x = sut_db_exec(
		q->db,
		"UPDATE systems SET feed = $4, delay_hours = $5, pin = $6, hold = $7, hold_reason = $8,"
		" hold_until = $9, external_id = $10, version = version + 1"
		" WHERE tenant = $1 AND id = $2 AND version = $3",
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(s->id), SUT_DB_I(s->version),
			    SUT_DB_I_IF(feed, feed), SUT_DB_I_IF(delay >= 0, delay),
			    SUT_DB_T(c->has_pin ? c->pin : s->text[SYS_OWN_PIN]), SUT_DB_I(hold),
			    SUT_DB_T(reason), SUT_DB_I_IF(until > 0, until),
			    SUT_DB_T(c->has_external ? c->external_id : s->text[SYS_EXTERNAL_ID])),
		&n, err);
	if (x == -EEXIST)
		return web_problem(
			r, 409, "external-id-taken",
			"another system of this tenant has this external_id: look for it with GET /v1/systems?external_id=");
	if (x >= 0 && n != 1)
		return sut_err_set(err, EAGAIN,
				   "the system was changed at the same time: do it again");
	if (x >= 0 && c->has_tags)
		x = system_set_tags(q->db, q->who.tenant, s->id, c->tags, err);
	return x;
}

static json_t *copy_of(const json_t *body)
{
	return body ? json_copy((json_t *)body) : json_object();
}

static int change(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system s = {0};
	struct change c = {.delay_hours = -1};
	int x = take_change(q, r, &c, err);

	if (!x)
		x = systems_find(q, r, &s, err);
	if (!x)
		x = web_if_match(q, r, s.version);
	if (!x)
		x = apply_change(q, r, &s, &c, err);
	if (!x)
		x = system_event(
			q->db, s.id, q->now, "changed",
			json_pack("{s:s, s:o}", "by", q->who.name, "change", copy_of(q->body)),
			err);
	if (!x)
		x = web_audit(q, "system.change", "system", s.text[SYS_UID], copy_of(q->body), err);
	return x ? x : answer(q, r, err);
}

static int remove_system(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_system_ struct fleet_system s = {0};
	int x = no_args(q, r);

	if (!x)
		x = systems_find(q, r, &s, err);
	if (!x)
		x = web_if_match(q, r, s.version);
	if (!x)
		x = system_delete(q->db, &s, q->now, "deleted", err);
	if (!x)
		x = web_audit(q, "system.delete", "system", s.text[SYS_UID],
			      json_pack("{s:s, s:s}", "hostname", s.text[SYS_HOSTNAME], "key",
					s.text[SYS_KEY]),
			      err);
	if (!x)
		x = web_event(q, s.tenant, "system.deleted",
			      json_pack("{s:s, s:s, s:s*}", "system", s.text[SYS_UID], "hostname",
					s.text[SYS_HOSTNAME], "external_id",
					s.text[SYS_EXTERNAL_ID]),
			      err);
	return x ? x : web_no_content(r);
}

/* --- history, decision --- */

static int events(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const names[] = {"limit", "cursor", NULL};
	_cleanup_system_ struct fleet_system s = {0};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct web_page page;
	json_t *items = NULL;
	int64_t last = 0;
	bool more = false;
	int x;

	if (web_only_args(q, r, names) || web_page_take(q, r, &page))
		return WEB_NO;
	x = systems_find(q, r, &s, err);
	if (x)
		return x;
	x = sut_db_query(q->db,
			 "SELECT e.id, e.at, e.type, e.data FROM system_events e"
			 " JOIN systems s ON s.id = e.system AND s.tenant = $1"
			 " WHERE e.system = $2 AND e.id > $3 ORDER BY e.id LIMIT $4",
			 SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(s.id), SUT_DB_I(page.after),
				     SUT_DB_I(page.limit + 1)),
			 &rows, err);
	if (x < 0)
		return x;
	items = json_array();
	while ((x = items ? sut_db_next(rows, err) : sut_err_oom(err)) > 0) {
		if (json_array_size(items) == (size_t)page.limit) {
			more = true;
			break;
		}
		last = sut_db_int(rows, 0);
		if (json_array_append_new(
			    items, json_pack("{s:o, s:s, s:o}", "at", web_time(sut_db_int(rows, 1)),
					     "type", sut_db_text(rows, 2), "data",
					     json_loads(sut_db_text(rows, 3), 0, NULL)))) {
			x = sut_err_oom(err);
			break;
		}
	}
	if (x < 0) {
		json_decref(items);
		return x;
	}
	return web_page_put(q, r, items, last, more, err);
}

/* What a decision comes to, as a sentence. */
static void explain(const struct fleet_system *s, const struct decide_in *in,
		    const struct decide_out *out, char *buf, size_t size)
{
	const char *patchset = out->target ? out->target->patchset : "";

	switch (out->action) {
	case DECIDE_APPLY:
		snprintf(
			buf, size,
			"It runs level %lld and is told to run level %u (%s), the highest that its feed %s allows.",
			(long long)s->level, out->level, patchset, s->text[SYS_FEED]);
		break;
	case DECIDE_KEEP:
		snprintf(
			buf, size,
			"It runs level %lld%s%s%s, which is right: its feed %s has nothing that goes before it.",
			(long long)s->level, patchset[0] ? " (" : "", patchset,
			patchset[0] ? ")" : "", s->text[SYS_FEED]);
		break;
	case DECIDE_UNLOAD:
		snprintf(
			buf, size,
			"It runs level %lld, which was withdrawn or lies beyond the pin, and there is nothing to take its place: it is told to unload it.",
			(long long)s->level);
		break;
	case DECIDE_NONE:
		if (!s->text[SYS_BUILD_ID][0])
			snprintf(
				buf, size,
				"It has not said which kernel it runs: it is told after its first check-in.");
		else if (!in->n)
			snprintf(buf, size,
				 "The feed %s has no patch for its kernel %s (build id %s).",
				 s->text[SYS_FEED], s->text[SYS_RELEASE], s->text[SYS_BUILD_ID]);
		else
			snprintf(buf, size,
				 "The feed %s has patches for its kernel, and none may be run now.",
				 s->text[SYS_FEED]);
		break;
	}
}

static json_t *policy_json(const struct fleet_system *s, const struct feed_view *view)
{
	const char *own = "system", *pin_from = "feed";
	int64_t delay = s->delay_hours >= 0 ? s->delay_hours : view->delay_sec / 3600;

	if (s->text[SYS_PIN])
		pin_from = s->text[SYS_OWN_PIN] ? own : "key";
	return json_pack("{s:s, s:s, s:I, s:s, s:s?, s:s, s:b, s:s, s:o}", "feed",
			 s->text[SYS_FEED], "feed_from", s->text[SYS_OWN_FEED] ? own : "key",
			 "delay_hours", (json_int_t)delay, "delay_from",
			 s->own_delay >= 0     ? own
			 : s->delay_hours >= 0 ? "key"
					       : "feed",
			 "pin", s->text[SYS_PIN], "pin_from", pin_from, "hold", s->hold,
			 "hold_reason", s->text[SYS_HOLD_REASON], "hold_until",
			 web_time(s->hold_until));
}

/* What it would be told of its libraries, at the next check-in. */
static int decide_libraries(struct web_req *q, const struct fleet_system *s, json_t *held,
			    json_t **ret, struct sut_err *err)
{
	json_t *list = json_array(), *notices = json_array(), *reported = NULL;
	int x = list && notices ? 0 : sut_err_oom(err);

	if (!x && (s->products & FLEET_LIBRARY))
		x = library_list(q->db, s->tenant, s->id, &reported, err);
	if (!x)
		x = library_decide(portal_of(q->server), q->db, s, reported, NULL, q->now,
				   &(const struct library_answer){list, held, notices}, err);
	json_decref(notices);
	json_decref(reported);
	if (x) {
		json_decref(list);
		return x;
	}
	*ret = list;
	return 0;
}

static int decision(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	_cleanup_(decisions_putp) const struct feed_view *view = NULL;
	_cleanup_system_ struct fleet_system s = {0};
	json_t *kernel = NULL, *held = NULL, *libraries = NULL, *until;
	struct decide_out out;
	struct decide_in in;
	char text[512];
	int x = no_args(q, r);

	if (!x)
		x = systems_find(q, r, &s, err);
	if (!x)
		x = system_decide(portal_of(q->server), q->db, &s, q->now, &view, &in, &out, err);
	if (!x)
		x = decide_json(&in, &out, &kernel, &held, err);
	if (!x)
		x = decide_libraries(q, &s, held, &libraries, err);
	if (x) {
		json_decref(kernel);
		json_decref(held);
		return x;
	}
	explain(&s, &in, &out, text, sizeof(text));
	until = out.valid_until == INT64_MAX ? json_null() : web_time(out.valid_until);
	return web_json(r, 200,
			json_pack("{s:s, s:s, s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "system",
				  s.text[SYS_UID], "state", s.text[SYS_STATE], "level",
				  (json_int_t)s.level, "patchset", s.text[SYS_PATCHSET],
				  "explanation", text, "kernel", kernel, "libraries", libraries,
				  "held", held, "policy", policy_json(&s, view), "valid_until",
				  until),
			err);
}

const struct web_route api_systems[] = {
	{"GET", "/v1/systems", READERS, 0, systems_list, NULL, NULL, NULL},
	{"GET", "/v1/systems/summary", READERS, 0, systems_summary, NULL, NULL, NULL},
	{"GET", "/v1/systems/{system}", READERS, 0, get, NULL, NULL, NULL},
	{"PATCH", "/v1/systems/{system}", SUT_ROLE_OPERATOR, WEB_WRITE, change, NULL, NULL, NULL},
	{"DELETE", "/v1/systems/{system}", SUT_ROLE_OPERATOR, WEB_WRITE, remove_system, NULL, NULL,
	 NULL},
	{"POST", "/v1/systems/{system}/transfer", SUT_ROLE_ADMIN, WEB_WRITE, systems_transfer, NULL,
	 NULL, NULL},
	{"GET", "/v1/systems/{system}/events", READERS, 0, events, NULL, NULL, NULL},
	{"GET", "/v1/systems/{system}/decision", READERS, 0, decision, NULL, NULL, NULL},
	{0},
};
