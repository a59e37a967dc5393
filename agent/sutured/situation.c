// SPDX-License-Identifier: Apache-2.0
#include "sutured/situation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "common/when.h"
#include "json/parse.h"
#include "sutured/apply.h"
#include "sutured/checkin.h"
#include "sutured/look.h"

enum {
	HELD_MAX = 64,
	CVES_MAX = 16384, /* of all that is held */
	CLOCK_OLD = 7 * 24 * 3600,
};

static int64_t int_of(const json_t *j, const char *member)
{
	return (int64_t)json_integer_value(json_object_get(j, member));
}

/* ------------------------------------------------------------------ */
/* What is told                                                         */

static enum decide_told told_of(const json_t *told)
{
	static const struct {
		const char *word;
		enum decide_told told;
	} words[] = {{"none", DECIDE_TOLD_NONE},
		     {"keep", DECIDE_TOLD_KEEP},
		     {"apply", DECIDE_TOLD_APPLY},
		     {"unload", DECIDE_TOLD_UNLOAD}};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(words); i++)
		if (sut_streq(words[i].word, sut_json_text(told, "action")))
			return words[i].told;
	return DECIDE_TOLD_NOTHING;
}

static int read_held(struct situation *s)
{
	const json_t *j, *cve;
	size_t i, k, n = 0, ncves = 0;

	json_array_foreach(s->told_held, i, j)
		ncves += json_array_size(json_object_get(j, "cves"));
	if (ncves > CVES_MAX)
		ncves = CVES_MAX;
	s->held = calloc(HELD_MAX, sizeof(*s->held));
	s->cves = calloc(ncves + 1, sizeof(*s->cves));
	if (!s->held || !s->cves)
		return -ENOMEM;
	json_array_foreach(s->told_held, i, j) {
		struct decide_told_held *h = &s->held[s->in.nheld];

		if (s->in.nheld == HELD_MAX)
			break;
		/* About a library: sutured/library.h. */
		if (json_object_get(j, "build_id"))
			continue;
		*h = (struct decide_told_held){
			.id = sut_json_text(j, "patchset"),
			.level = (uint32_t)int_of(j, "level"),
			.reason = sut_json_text(j, "reason"),
			.detail = sut_json_text(j, "detail"),
			.cves = s->cves + n,
		};
		if (!when_parse(sut_json_text(j, "until"), &h->until))
			h->until = 0;
		json_array_foreach(json_object_get(j, "cves"), k, cve)
			if (n < ncves && json_is_string(cve)) {
				s->cves[n++] = json_string_value(cve);
				h->ncves++;
			}
		s->in.nheld++;
	}
	s->in.held = s->held;
	return 0;
}

static int read_told(struct net *n, struct situation *s)
{
	struct decide_in *in = &s->in;

	s->told = state_get(n, "told");
	s->told_held = state_get(n, "held");
	in->registered = identity_registered(&n->id);
	in->trouble = n->id.trouble;
	in->heard = n->id.heard_at;
	in->grace_s = n->conf.grace_s;
	if (!in->registered)
		return 0;
	in->told = told_of(s->told);
	in->told_id = sut_json_text(s->told, "patchset");
	in->told_path = sut_json_text(s->told, "path");
	in->told_sha256 = sut_json_text(s->told, "sha256");
	in->told_level = (uint32_t)int_of(s->told, "level");
	in->told_length = int_of(s->told, "length");
	return read_held(s);
}

/* ------------------------------------------------------------------ */
/* What this machine says, and what it remembers                        */

static void read_half(struct net *n, struct situation *s, bool ask_half)
{
	json_t *state = NULL;
	struct sut_err err;

	if (apply_state(n, ask_half, &state, &err) < 0 || half_read(state, &s->half, &err) < 0) {
		s->half = (struct half){0};
		net_log(NET_DEBUG, "the state of suture-apply is not known: %s", err.msg);
	}
	json_decref(state);
	s->in.half = s->half.h;
	s->in.choice = &s->half.choice;
}

/* Seconds since a moment of this boot that was noted; -1 when it was another boot. */
static int64_t boot_since(struct net *n, const struct situation *s, const json_t *note)
{
	int64_t at = int_of(note, "boot_s"), now = net_boot_s(n);

	if (!s->half.boot_id[0] || !sut_streq(sut_json_text(note, "boot_id"), s->half.boot_id) ||
	    at > now)
		return -1;
	return now - at;
}

static int64_t retry_after(int64_t tries)
{
	int64_t s = SITUATION_RETRY_FIRST;

	while (--tries > 0 && s < SITUATION_RETRY_MAX)
		s *= 2;
	return s < SITUATION_RETRY_MAX ? s : SITUATION_RETRY_MAX;
}

static void read_memory(struct net *n, struct situation *s)
{
	struct decide_in *in = &s->in;
	json_t *unloaded = state_get(n, "_unloaded"), *clock = state_get(n, "_clock");
	int64_t since;

	s->attempt = state_get(n, "_attempt");
	in->failed_sha256 = sut_json_text(s->attempt, "sha256");
	in->failed_code = sut_json_text(s->attempt, "code");
	in->failed_text = sut_json_text(s->attempt, "text");
	since = boot_since(n, s, s->attempt);
	if (since >= 0 && *in->failed_code)
		in->retry_s = retry_after(int_of(s->attempt, "tries")) - since;
	if (in->retry_s < 0)
		in->retry_s = 0;
	in->unloaded_by_us = json_is_true(json_object_get(unloaded, "by_us"));
	since = boot_since(n, s, clock);
	if (since >= 0 && since < CLOCK_OLD && int_of(clock, "date") > 0)
		in->clock = int_of(clock, "date") + since;
	json_decref(unloaded);
	json_decref(clock);
}

static void read_repository(struct net *n, struct situation *s)
{
	struct decide_in *in = &s->in;
	struct published *p = &s->published;
	json_t *doc = state_get(n, "_repository");
	struct sut_err err;

	if (published_read(doc, p, &err) < 0) {
		net_log(NET_INFO, "%s", err.msg);
		(void)!published_read(NULL, p, &err);
	}
	json_decref(doc);
	in->repository_set = look_where(n);
	s->check = state_get(n, "_check");
	in->check_code = sut_json_text(s->check, "code");
	in->check_text = sut_json_text(s->check, "text");
	in->expires = p->expires;
	in->near = p->near;
	in->stop = p->stop;
	in->stop_reason = p->stop_reason;
	/* What was read for another kernel says nothing about this one. */
	if (!p->snapshot || !sut_streq(p->build_id, s->half.h.build_id)) {
		in->repository = DECIDE_REPO_NEVER;
		in->stop = DECIDE_STOP_NONE;
	} else if (in->now >= p->expires || sut_streq(in->check_code, "expired")) {
		in->repository = DECIDE_REPO_EXPIRED;
	} else {
		in->repository = DECIDE_REPO_GOOD;
	}
	if (sut_streq(in->check_code, "expired") && in->repository == DECIDE_REPO_NEVER)
		in->repository = DECIDE_REPO_EXPIRED;
	if (in->repository != DECIDE_REPO_NEVER && p->snapshot) {
		in->levels = p->levels;
		in->nlevels = sut_streq(p->build_id, s->half.h.build_id) ? p->nlevels : 0;
	}
	/* Nothing was signed before it was made. */
	in->floor = p->read_at;
	for (size_t i = 0; i < in->nlevels; i++)
		if (in->levels[i].created > in->floor)
			in->floor = in->levels[i].created;
}

int situation_new(struct net *n, const struct update_ask *ask, bool ask_half,
		  struct situation **ret, struct sut_err *err)
{
	struct situation *s = calloc(1, sizeof(*s));
	const struct agent_policy *p;

	if (!s)
		return sut_err_oom(err);
	s->in.now = net_now(n);
	read_half(n, s, ask_half);
	if (read_told(n, s) < 0) {
		situation_free(s);
		return sut_err_oom(err);
	}
	read_memory(n, s);
	read_repository(n, s);
	p = agent_conf_policy(&n->conf, n->id.feed);
	s->in.policy = p;
	s->in.window_open =
		agent_window_open(p->windows, p->nwindows, s->in.now, &s->in.window_opens);
	if (ask) {
		s->in.asks = ask->asks;
		s->in.ask_level = ask->level;
		s->in.ask_id = ask->id;
	}
	decide(&s->in, &s->out);
	*ret = s;
	return 0;
}

void situation_free(struct situation *s)
{
	if (!s)
		return;
	published_release(&s->published);
	free(s->held);
	free(s->cves);
	json_decref(s->told);
	json_decref(s->told_held);
	json_decref(s->attempt);
	json_decref(s->check);
	free(s);
}

void situation_freep(struct situation **s)
{
	situation_free(*s);
}

/* ------------------------------------------------------------------ */
/* What others see of it                                                */

json_t *situation_cves(const char *const *cves, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string(cves[i]));
	return list;
}

json_t *situation_reasons(const struct situation *s)
{
	return situation_reasons_of(&s->out);
}

json_t *situation_reasons_of(const struct decide_out *out)
{
	json_t *list = json_array();

	for (size_t i = 0; i < out->nreasons; i++) {
		const struct decide_reason *r = &out->reasons[i];
		json_t *j = json_pack("{s:s, s:s, s:s, s:o, s:b}", "code", r->code, "text", r->text,
				      "advice", r->advice, "until", state_time_json(r->until),
				      "blocks", r->blocks);

		if (j && r->id)
			(void)json_object_update_new(
				j, json_pack("{s:s, s:I, s:o}", "patchset", r->id, "level",
					     (json_int_t)r->level, "cves",
					     situation_cves(r->cves, r->ncves)));
		(void)json_array_append_new(list, j);
	}
	return list;
}

/* "current" needs no why. */
json_t *situation_why(const struct decide_out *out)
{
	const struct decide_reason *why = NULL;

	for (size_t i = 0; i < out->nreasons && !why; i++)
		if (out->reasons[i].blocks)
			why = &out->reasons[i];
	if (!why && out->nreasons && !sut_streq(out->reasons[0].code, "current"))
		why = &out->reasons[0];
	return json_pack("{s:s, s:s, s:s}", "code", why ? why->code : "", "text",
			 why ? why->text : "", "advice", why ? why->advice : "");
}

/* For people: the word and the reason. */
static void publish_why(struct net *n, const struct situation *s)
{
	state_set(n, "state", json_string(s->out.state));
	state_set(n, "why", situation_why(&s->out));
}

/* What is wrong around this machine, and not with one patch: the portal hears of it as long as it is so. */
static void tell(struct net *n, const struct situation *s)
{
	static const char *const codes[] = {"portal-differs", "clock", "metadata-expired",
					    "repository-refused"};
	json_t *told = state_get(n, "_errors");

	for (size_t i = 0; i < SUT_ARRAY_SIZE(codes); i++) {
		const struct decide_reason *r = NULL;

		for (size_t k = 0; k < s->out.nreasons && !r; k++)
			if (sut_streq(s->out.reasons[k].code, codes[i]))
				r = &s->out.reasons[k];
		/* Once: the time of it is told, too. */
		if (r && !json_object_get(told, codes[i])) {
			checkin_error(n, codes[i], r->id ? r->id : "", r->text);
			checkin_soon(n);
		} else if (!r && json_object_get(told, codes[i])) {
			checkin_mended(n, codes[i]);
		}
	}
	json_decref(told);
}

void situation_publish(struct net *n, const struct situation *s)
{
	const struct decide_level *l = s->out.wanted ? s->out.wanted : s->out.available;
	const json_t *stop = json_object_get(s->published.doc, "stop");

	publish_why(n, s);
	tell(n, s);
	state_set(n, "available",
		  l ? json_pack("{s:s, s:I, s:o, s:s, s:o}", "id", l->id, "level",
				(json_int_t)l->level, "cves", situation_cves(l->cves, l->ncves),
				"sha256", l->sha256, "seen",
				state_time_json(decide_seen(l, s->in.now)))
		    : json_null());
	if (stop)
		state_set(n, "stop", json_deep_copy(stop));
	/* The reason ends, or something is to be tried again. */
	net_due_in(n, NET_DUE_APPLY, s->out.again_s > 0 ? s->out.again_s + 1 : -1);
	/* The file tells how long it was when it was written: what was set then is earlier. */
	if (s->half.probation)
		net_due_by(n, NET_DUE_SETTLE, s->half.probation_left_s + 1);
	else
		net_due_in(n, NET_DUE_SETTLE, -1);
}

/* ------------------------------------------------------------------ */

void situation_failed(struct net *n, const struct situation *s, const struct decide_level *l,
		      const char *code, const char *text)
{
	int64_t tries = sut_streq(s->in.failed_sha256, l->sha256) ? int_of(s->attempt, "tries") : 0;

	if (tries > 16)
		tries = 16;
	state_set(n, "_attempt",
		  json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:I}", "sha256", l->sha256, "id", l->id,
			    "code", code, "text", text, "tries", (json_int_t)tries + 1, "boot_id",
			    s->half.boot_id, "boot_s", (json_int_t)net_boot_s(n)));
	checkin_error(n, code, l->id, text);
	checkin_soon(n);
}

void situation_mended(struct net *n)
{
	char code[SUT_ERR_REASON_MAX];

	state_text(n, "_attempt", "code", code, sizeof(code));
	if (!code[0])
		return;
	state_set(n, "_attempt", json_object());
	checkin_mended(n, code);
}
