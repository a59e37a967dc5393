// SPDX-License-Identifier: Apache-2.0
/* What is to be done to one library now: the kernel's decision, with what is this library's in the place of what is the kernel's. */
#include "sutured/apply.h"
#include "sutured/library.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "common/when.h"
#include "tuf/json.h"

enum { HELD_MAX = 16, HELD_CVES_MAX = 1024 };

static int64_t int_of(const json_t *j, const char *member)
{
	return (int64_t)json_integer_value(json_object_get(j, member));
}

/* The entry of a list that is about this library. */
static json_t *of_library(const json_t *list, const char *build_id)
{
	json_t *e;
	size_t i;

	json_array_foreach(list, i, e)
		if (sut_streq(sut_json_text(e, "build_id"), build_id))
			return e;
	return NULL;
}

static void name_it(struct library *l, const json_t *apply, const json_t *used)
{
	const json_t *patched = of_library(json_object_get(apply, "libraries"), l->build_id);
	const char *path = sut_json_text(used, "path"), *slash = strrchr(path, '/');
	const char *name = sut_json_text(patched, "name");

	if (!*name)
		name = sut_json_text(l->there, "soname");
	if (!*name)
		name = slash ? slash + 1 : path;
	if (*name)
		snprintf(l->name, sizeof(l->name), "%s", name);
	else
		snprintf(l->name, sizeof(l->name), "%.12s…", l->build_id);
	sut_make_printable(l->name, "");
	l->processes = int_of(patched, "processes") ? int_of(patched, "processes")
						    : int_of(used, "processes");
}

/* ------------------------------------------------------------------ */

static void read_told(struct library *l, const struct situation *base, const json_t *told)
{
	static const struct {
		const char *word;
		enum decide_told told;
	} words[] = {{"keep", DECIDE_TOLD_KEEP},
		     {"apply", DECIDE_TOLD_APPLY},
		     {"unload", DECIDE_TOLD_UNLOAD}};
	struct decide_in *in = &l->in;

	in->told_id = in->told_path = in->told_sha256 = "";
	in->told_level = 0;
	in->told_length = 0;
	/* One that is not named is left as it is. */
	in->told = base->in.told == DECIDE_TOLD_NOTHING ? DECIDE_TOLD_NOTHING : DECIDE_TOLD_NONE;
	if (!in->registered || in->told == DECIDE_TOLD_NOTHING)
		return;
	l->told = json_incref(of_library(told, l->build_id));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(words); i++)
		if (sut_streq(words[i].word, sut_json_text(l->told, "action")))
			in->told = words[i].told;
	in->told_id = sut_json_text(l->told, "patchset");
	in->told_path = sut_json_text(l->told, "path");
	in->told_sha256 = sut_json_text(l->told, "sha256");
	in->told_level = (uint32_t)int_of(l->told, "level");
	in->told_length = int_of(l->told, "length");
}

/* Strings point into base->told_held, which is all that the portal holds back. */
static int read_held(struct library *l, const struct situation *base)
{
	const json_t *e, *cve;
	size_t i, k, n = 0;

	l->in.held = NULL;
	l->in.nheld = 0;
	l->held = calloc(HELD_MAX, sizeof(*l->held));
	l->cves = calloc(HELD_CVES_MAX, sizeof(*l->cves));
	if (!l->held || !l->cves)
		return -ENOMEM;
	json_array_foreach(base->told_held, i, e) {
		struct decide_told_held *h = &l->held[l->in.nheld];

		if (!sut_streq(sut_json_text(e, "build_id"), l->build_id) ||
		    l->in.nheld == HELD_MAX)
			continue;
		*h = (struct decide_told_held){
			.id = sut_json_text(e, "patchset"),
			.level = (uint32_t)int_of(e, "level"),
			.reason = sut_json_text(e, "reason"),
			.detail = sut_json_text(e, "detail"),
			.cves = l->cves + n,
		};
		if (!when_parse(sut_json_text(e, "until"), &h->until))
			h->until = 0;
		json_array_foreach(json_object_get(e, "cves"), k, cve)
			if (n < HELD_CVES_MAX && json_is_string(cve)) {
				l->cves[n++] = json_string_value(cve);
				h->ncves++;
			}
		l->in.nheld++;
	}
	l->in.held = l->held;
	return 0;
}

static void read_repository(struct library *l)
{
	struct decide_in *in = &l->in;
	struct sut_err err;

	in->levels = NULL;
	in->nlevels = 0;
	in->stop = DECIDE_STOP_NONE;
	in->stop_reason = in->near = "";
	if (published_read(l->there, &l->published, &err) < 0) {
		net_log(NET_INFO, "%s", err.msg);
		(void)!published_read(NULL, &l->published, &err);
	}
	/* What is not in the list is what the repository has nothing for; when it was read at all is the kernel's to know. */
	if (!l->published.snapshot || !sut_streq(l->published.build_id, l->build_id))
		return;
	in->levels = l->published.levels;
	in->nlevels = l->published.nlevels;
	in->stop = l->published.stop;
	in->stop_reason = l->published.stop_reason;
}

static void read_failure(struct net *n, struct library *l)
{
	struct decide_in *in = &l->in;
	_cleanup_json_ json_t *all = state_get(n, "_lib_attempts");
	_cleanup_json_ json_t *unloaded = state_get(n, "_lib_unloaded");
	int64_t tries, wait = SITUATION_RETRY_FIRST, at, now = net_boot_s(n);

	l->attempt = json_incref(json_object_get(all, l->build_id));
	in->failed_sha256 = sut_json_text(l->attempt, "sha256");
	in->failed_code = sut_json_text(l->attempt, "code");
	in->failed_text = sut_json_text(l->attempt, "text");
	in->retry_s = 0;
	in->unloaded_by_us = json_is_true(json_object_get(unloaded, l->build_id));
	at = int_of(l->attempt, "boot_s");
	if (!*in->failed_code || at > now || !l->half.boot_id[0] ||
	    !sut_streq(sut_json_text(l->attempt, "boot_id"), l->half.boot_id))
		return;
	for (tries = int_of(l->attempt, "tries"); tries > 1 && wait < SITUATION_RETRY_MAX; tries--)
		wait *= 2;
	if (wait > SITUATION_RETRY_MAX)
		wait = SITUATION_RETRY_MAX;
	in->retry_s = wait > now - at ? wait - (now - at) : 0;
}

int library_situation(struct net *n, const struct situation *base, const json_t *apply,
		      const struct update_ask *ask, const char *build_id, struct library **ret,
		      struct sut_err *err)
{
	_cleanup_(library_freep) struct library *l = calloc(1, sizeof(*l));
	_cleanup_json_ json_t *known = state_get(n, "_libraries"),
			      *told = state_get(n, "_told_libraries");
	int r = 0;

	if (!l)
		return sut_err_oom(err);
	snprintf(l->build_id, sizeof(l->build_id), "%s", build_id);
	l->there = json_incref(json_object_get(json_object_get(known, "there"), build_id));
	l->version = sut_json_text(l->there, "package_version");
	name_it(l, apply, json_object_get(json_object_get(known, "used"), build_id));
	l->half = base->half;
	if (apply && base->half.h.known)
		r = half_library(&base->half, apply, build_id, &l->half, err);
	if (r < 0)
		return r;
	l->in = base->in;
	l->in.library = l->name;
	l->in.half = l->half.h;
	/* Pins and levels to stick to are the kernel's alone: levels are those of one build. */
	l->choice = *base->in.choice;
	l->choice.pin = CHOICE_PIN_NONE;
	l->in.choice = &l->choice;
	l->policy = *base->in.policy;
	l->policy.sticky_level = 0;
	l->in.policy = &l->policy;
	read_told(l, base, told);
	if (read_held(l, base) < 0)
		return sut_err_oom(err);
	read_repository(l);
	read_failure(n, l);
	l->in.asks = ask ? ask->asks : DECIDE_ASKS_NOBODY;
	l->in.ask_level = ask ? ask->level : 0;
	l->in.ask_id = ask ? ask->id : NULL;
	decide(&l->in, &l->out);
	*ret = sut_steal(l);
	return 0;
}

void library_free(struct library *l)
{
	if (!l)
		return;
	published_release(&l->published);
	json_decref(l->there);
	json_decref(l->told);
	json_decref(l->attempt);
	free(l->held);
	free(l->cves);
	free(l);
}

void library_freep(struct library **l)
{
	library_free(*l);
}

/* ------------------------------------------------------------------ */
/* What others see of it                                                */

json_t *library_reasons(const struct library *l)
{
	return situation_reasons_of(&l->out);
}

static json_t *held_json(const struct library *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->in.nheld; i++) {
		const struct decide_told_held *h = &l->in.held[i];

		(void)json_array_append_new(list, json_pack("{s:s, s:I, s:s, s:o, s:o}", "patchset",
							    h->id, "level", (json_int_t)h->level,
							    "reason", h->reason, "until",
							    state_time_json(h->until), "cves",
							    situation_cves(h->cves, h->ncves)));
	}
	return list;
}

static json_t *level_json(const struct decide_level *l, int64_t now)
{
	return l ? json_pack("{s:s, s:I, s:o, s:s, s:o}", "id", l->id, "level",
			     (json_int_t)l->level, "cves", situation_cves(l->cves, l->ncves),
			     "sha256", l->sha256, "seen", state_time_json(decide_seen(l, now)))
		 : json_null();
}

json_t *library_status(const struct library *l)
{
	const struct decide_level *more = l->out.wanted ? l->out.wanted : l->out.available;

	return json_pack("{s:s, s:s, s:s, s:I, s:s, s:o, s:{s:s, s:s, s:I}, s:o, s:o}", "build_id",
			 l->build_id, "name", l->name, "version", l->version, "processes",
			 (json_int_t)l->processes, "state", l->out.state, "why",
			 situation_why(&l->out), "told", "action", sut_json_text(l->told, "action"),
			 "patchset", sut_json_text(l->told, "patchset"), "level",
			 (json_int_t)int_of(l->told, "level"), "available",
			 level_json(more, l->in.now), "held", held_json(l));
}

/* ------------------------------------------------------------------ */
/* All of them                                                          */

void library_moment_release(struct library_moment *m)
{
	situation_free(m->base);
	json_decref(m->apply);
	sut_strv_release(&m->all);
}

int library_moment_now(struct net *n, struct library_moment *ret, struct sut_err *err)
{
	struct library_moment m = {0};
	int r = situation_new(n, NULL, false, &m.base, err);

	if (r == 0 && apply_state(n, false, &m.apply, NULL) < 0)
		m.apply = NULL;
	if (r == 0 && library_each(n, m.apply, &m.all) < 0)
		r = sut_err_oom(err);
	if (r < 0) {
		library_moment_release(&m);
		return r;
	}
	*ret = m;
	return 0;
}
