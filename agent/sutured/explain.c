// SPDX-License-Identifier: Apache-2.0
/* Why is this kernel not patched further, and what became of one hole in it? */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "sutured/apply.h"
#include "sutured/situation.h"

enum { CVE_MAX = 32 };

/* What is known of one CVE. */
struct cve {
	const char *id;
	bool fixed;			     /* what runs fixes it */
	const struct decide_level *first;    /* the lowest level that does */
	const struct decide_told_held *held; /* the portal has it, and holds it back */
};

static bool names(const char *const *cves, size_t n, const char *cve)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(cves[i], cve))
			return true;
	return false;
}

static bool runs_fix(struct net *n, const char *cve)
{
	json_t *state = NULL;
	const json_t *j;
	bool found = false;
	size_t i;

	if (apply_state(n, false, &state, NULL) < 0)
		return false;
	json_array_foreach(json_object_get(json_object_get(state, "patch"), "cves"), i, j)
		if (json_is_string(j) && !strcasecmp(json_string_value(j), cve))
			found = true;
	json_decref(state);
	return found;
}

static void look_up(struct net *n, const struct situation *s, struct cve *c)
{
	const struct decide_in *in = &s->in;

	c->fixed = runs_fix(n, c->id);
	for (size_t i = 0; i < in->nlevels; i++) {
		const struct decide_level *l = &in->levels[i];

		if (!names(l->cves, l->ncves, c->id))
			continue;
		if (!c->first || l->level < c->first->level)
			c->first = l;
		/* The list of an entry may be cut; what runs and is not below it has it all the same. */
		if (s->half.h.patch.id[0] && s->half.h.patch.level >= l->level)
			c->fixed = true;
	}
	for (size_t i = 0; i < in->nheld && !c->held; i++)
		if (names(in->held[i].cves, in->held[i].ncves, c->id))
			c->held = &in->held[i];
}

static json_t *reason(const char *code, const char *advice, char *text)
{
	json_t *j = text ? json_pack("{s:s, s:s, s:s, s:n, s:b}", "code", code, "text", text,
				     "advice", advice, "until", "blocks", 0)
			 : NULL;

	free(text);
	return j;
}

static json_t *cve_reason(const struct situation *s, const struct cve *c)
{
	const struct decide_half *h = &s->half.h;

	if (c->fixed)
		return reason("cve-fixed", "",
			      sut_sprintf("%s is fixed here: %s (level %u) runs", c->id,
					  h->patch.id, h->patch.level));
	if (c->first)
		return reason("cve-in-level",
			      "the reasons below say why that does not run; 'suture update' tries",
			      sut_sprintf("%s is fixed from %s (level %u) on, and level %u runs",
					  c->id, c->first->id, c->first->level,
					  h->patch.id[0] ? h->patch.level : 0));
	if (c->held)
		return reason(
			"cve-in-level", "the reasons below say why that does not run",
			sut_sprintf("%s is fixed by %s (level %u), which the portal holds back",
				    c->id, c->held->id, c->held->level));
	return reason("cve-not-fixed",
		      "if this kernel has it, an ordinary update and a reboot help; 'suture cves' "
		      "lists what is fixed",
		      sut_sprintf("no live patch for this kernel fixes %s", c->id));
}

static json_t *levels_json(const struct situation *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->in.nlevels; i++) {
		const struct decide_level *l = &s->in.levels[i];
		json_t *cves = json_array();

		for (size_t k = 0; k < l->ncves; k++)
			(void)json_array_append_new(cves, json_string(l->cves[k]));
		(void)json_array_append_new(list,
					    json_pack("{s:s, s:I, s:o}", "patchset", l->id, "level",
						      (json_int_t)l->level, "cves", cves));
	}
	return list;
}

bool explain_is_cve(const char *s)
{
	return !strncasecmp(s, "CVE-", 4) && strlen(s) <= CVE_MAX && s[4] &&
	       strspn(s + 4, "0123456789-") == strlen(s + 4);
}

void verb_explain(struct net *n, struct task *t)
{
	_cleanup_(situation_freep) struct situation *s = NULL;
	const json_t *asked = json_object_get(t->request, "cve");
	struct cve c = {.id = json_string_value(asked)};
	json_t *reasons, *answer, *first;
	struct sut_err err = {0};

	if (asked && !json_is_null(asked) && (!c.id || !explain_is_cve(c.id))) {
		sut_err_reason(&err, EINVAL, "request", "\"cve\" is a name as CVE-2026-1234");
		task_fail(t, &err, NULL);
		return;
	}
	if (situation_new(n, NULL, false, &s, &err) < 0) {
		task_fail(t, &err, NULL);
		return;
	}
	situation_publish(n, s);
	reasons = situation_reasons(s);
	answer = json_pack("{s:s, s:o, s:o}", "state", s->out.state, "reasons", reasons, "levels",
			   levels_json(s));
	if (c.id && answer) {
		look_up(n, s, &c);
		first = cve_reason(s, &c);
		(void)json_object_set_new(answer, "cve",
					  json_pack("{s:s, s:s, s:I}", "id", c.id, "state",
						    c.fixed		? "fixed"
						    : c.first || c.held ? "in-level"
									: "not-fixed",
						    "level",
						    (json_int_t)(c.first  ? c.first->level
								 : c.held ? c.held->level
									  : 0)));
		if (first)
			(void)json_array_insert_new(reasons, 0, first);
	}
	task_ok(t, answer);
}
