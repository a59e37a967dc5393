// SPDX-License-Identifier: Apache-2.0
#include "suture-apply/library/state.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "common/choice.h"
#include "common/when.h"
#include "json/parse.h"
#include "kernel/report.h"
#include "suture-apply/errors.h"
#include "suture-apply/library/daemon.h"
#include "suture-apply/library/store.h"
#include "suture-apply/switch.h"

enum { REASONS_MAX = 64, WORD_MAX = 40 };

static json_t *when_json(int64_t t)
{
	char text[WHEN_MAX];

	when_text(t, text);
	return json_string(text);
}

json_t *library_reasons(const json_t *told)
{
	json_t *ret = json_object(), *v;
	const char *word;

	json_object_foreach(json_object_get(told, "reasons"), word, v)
		if (json_is_integer(v) && json_integer_value(v) > 0 && strlen(word) < WORD_MAX &&
		    json_object_size(ret) < REASONS_MAX && json_object_set(ret, word, v) < 0) {
			json_decref(ret);
			return NULL;
		}
	return ret;
}

static json_int_t count_of(const json_t *told, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(told, name));

	return n > 0 ? n : 0;
}

/* ------------------------------------------------------------------ */

static json_t *daemon_json(const char *state, const char *text, const char *watch)
{
	return json_pack("{s:s,s:o,s:s}", "state", state, "text", sut_report_text(text), "watch",
			 watch);
}

static const char *watch_word(const json_t *answer)
{
	static const char *const words[] = {"on", "off", "failed"};
	const char *is = sut_json_text(json_object_get(answer, "watch"), "state");

	for (size_t i = 0; i < SUT_ARRAY_SIZE(words); i++)
		if (sut_streq(is, words[i]))
			return words[i];
	return "off";
}

/* any: something is to run. *ret_answer: what it said, the caller's; NULL when it said nothing. */
static json_t *ask(struct apply *a, bool any, json_t **ret_answer)
{
	struct sut_err why = {0};
	int r = daemon_ask(a, json_pack("{s:s}", "verb", "status"), DAEMON_SHORT_MS, ret_answer,
			   &why);

	if (r == 0)
		return daemon_json("running",
				   sut_json_text(json_object_get(*ret_answer, "watch"), "text"),
				   watch_word(*ret_answer));
	*ret_answer = NULL;
	if (!any && (r == -ENOENT || r == -ECONNREFUSED))
		return daemon_json("off", "nothing is to run", "off");
	return daemon_json("failed", why.msg, "off");
}

/* ------------------------------------------------------------------ */

static json_t *probation_json(const struct guard *g, const struct machine_kernel *k)
{
	int64_t left = g->since_uptime_s + g->probation_s - k->uptime_s;

	if (g->phase != GUARD_PROBATION || !sut_streq(g->boot_id, k->boot_id))
		return json_null();
	return json_pack("{s:o,s:I,s:I}", "since", when_json(g->since), "seconds_left",
			 (json_int_t)(left > 0 ? left : 0), "seconds", (json_int_t)g->probation_s);
}

static json_t *fact(const json_t *facts, const char *name)
{
	json_t *v = json_object_get(facts, name);

	return json_is_string(v) ? json_incref(v) : json_string("");
}

/* Of what was unloaded its names stay, so that it can be told which library that is. */
static json_t *entry(struct apply *a, const struct machine_kernel *k, const char *build_id,
		     const struct guard *g, const json_t *told)
{
	const struct guard_patch *want = store_wanted(g), *about = want->id[0] ? want : &g->good;
	bool runs = want->id[0], probation = runs && g->phase != GUARD_IDLE && want == &g->now;
	json_t *facts = NULL, *cves, *one, *more;

	if (about->id[0] && store_facts(a, build_id, about->sha256, &facts, NULL) < 0)
		facts = NULL;
	cves = runs ? json_object_get(facts, "cves") : NULL;
	one = json_pack("{s:s,s:o,s:o,s:o,s:o,s:s,s:I,s:o,s:s}", "build_id", build_id, "name",
			fact(facts, "soname"), "file", fact(facts, "file"), "package",
			fact(facts, "package"), "package_version", fact(facts, "package_version"),
			"id", want->id, "level", (json_int_t)want->level, "cves",
			cves ? json_copy(cves) : json_array(), "sha256", want->sha256);
	more = json_pack("{s:o,s:o,s:I,s:I,s:o,s:s,s:o,s:b}", "applied_at",
			 runs ? when_json(probation ? g->since : g->good_since) : json_null(),
			 "signed_by", runs ? fact(facts, "signed_by") : json_string(""),
			 "processes", count_of(told, "processes"), "patched",
			 count_of(told, "patched"), "reasons", library_reasons(told), "phase",
			 !runs	     ? "none"
			 : probation ? "probation"
				     : "good",
			 "probation", probation ? probation_json(g, k) : json_null(), "unloaded",
			 g->unloaded);
	json_decref(facts);
	if (one && (!more || json_object_update(one, more) < 0)) {
		json_decref(one);
		one = NULL;
	}
	json_decref(more);
	return one;
}

static int add_quarantined(json_t *list, const char *build_id, const struct guard *g)
{
	for (size_t i = 0; list && i < g->nquarantined; i++) {
		const struct guard_quarantined *q = &g->quarantined[i];

		if (json_array_append_new(
			    list, json_pack("{s:s,s:I,s:s,s:o,s:s,s:s,s:s}", "id", q->patch.id,
					    "level", (json_int_t)q->patch.level, "sha256",
					    q->patch.sha256, "at", when_json(q->at), "why", q->why,
					    "detail", q->detail, "build_id", build_id)) < 0)
			return -ENOMEM;
	}
	return 0;
}

struct lib_state {
	struct apply *a;
	const struct machine_kernel *k;
	json_t *quarantined, *errors, *libraries, *answer;
	struct guard g;
	bool untold; /* something is to run that suture-process, which answers, does not know of */
};

/* all: of what is kept; first pass: is anything to run? */
static bool is_any(struct lib_state *s, const struct sut_strv *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (store_read(s->a, all->v[i], &s->g, NULL) == 0 && store_wanted(&s->g)->id[0])
			return true;
	return false;
}

/* Was suture-process told of it? Not by whoever applies it at this very moment. */
static bool is_untold(const struct lib_state *s, const char *build_id)
{
	const struct guard_patch *want = store_wanted(&s->g);
	const json_t *told = daemon_library(s->answer, build_id);

	return s->answer && want->id[0] && s->g.phase != GUARD_APPLYING &&
	       !sut_streq(sut_json_text(told, "sha256"), want->sha256);
}

/*
 * Started anew, and not fed since: then it would be told that none of no processes are unpatched, and nobody would look further. What a
 * switch keeps from running is not missing.
 */
static void tell_untold(const struct lib_state *s, json_t *daemon)
{
	struct switch_state sw;
	struct choice c;

	if (!s->untold || choice_read(s->a->root, &c, NULL) < 0)
		return;
	switch_read(s->a, s->k, &c, &sw);
	if (sw.mode != CHOICE_NORMAL)
		return;
	(void)!json_object_set_new(daemon, "state", json_string("failed"));
	(void)!json_object_set_new(
		daemon, "text",
		json_string("suture-process runs and was not told of all patches that are to run. "
			    "'systemctl start suture-libraries@started' tells it; if that fails, "
			    "'journalctl -u suture-libraries@started' says why"));
}

static int add(struct lib_state *s, const char *build_id)
{
	struct sut_err why = {0};
	int r = store_read(s->a, build_id, &s->g, &why);

	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		/* The kernel's guard is another one. */
		if (sut_streq(why.reason, "guard"))
			memcpy(why.reason, "library-guard", sizeof("library-guard"));
		if (s->errors)
			errors_add(s->errors, &why, "", s->a->now());
		return 0;
	}
	s->untold = s->untold || is_untold(s, build_id);
	r = add_quarantined(s->quarantined, build_id, &s->g);
	if (r < 0 || (!store_wanted(&s->g)->id[0] && !s->g.unloaded))
		return r;
	return json_array_append_new(s->libraries, entry(s->a, s->k, build_id, &s->g,
							 daemon_library(s->answer, build_id))) < 0
		       ? -ENOMEM
		       : 0;
}

int library_state(struct apply *a, const struct machine_kernel *k, json_t *quarantined,
		  json_t *errors, json_t **ret_libraries, json_t **ret_daemon)
{
	struct lib_state *s = calloc(1, sizeof(*s));
	_cleanup_strv_ struct sut_strv all = {0};
	json_t *daemon = NULL, *libraries = json_array();
	int r = s && libraries ? 0 : -ENOMEM;

	if (r == 0) {
		*s = (struct lib_state){.a = a,
					.k = k,
					.quarantined = quarantined,
					.errors = errors,
					.libraries = libraries};
		r = store_list(a, &all, NULL) == -ENOMEM ? -ENOMEM : 0;
	}
	if (r == 0)
		daemon = ask(a, is_any(s, &all), &s->answer);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		r = add(s, all.v[i]);
	if (r == 0 && daemon)
		tell_untold(s, daemon);
	if (s)
		json_decref(s->answer);
	free(s);
	if (r == 0 && !daemon)
		r = -ENOMEM;
	if (r < 0) {
		json_decref(daemon);
		json_decref(libraries);
		return r;
	}
	*ret_libraries = libraries;
	*ret_daemon = daemon;
	return 0;
}
