// SPDX-License-Identifier: Apache-2.0
/* What is asked about libraries from outside: an update now, and why something is as it is. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "json/parse.h"
#include "sutured/apply.h"
#include "sutured/library.h"

static int take_build_id(const struct task *t, const char **ret, struct sut_err *err)
{
	const json_t *j = json_object_get(t->request, "build_id");
	const char *s = json_string_value(j);

	if (j && !json_is_null(j) && (!s || !sut_is_hex(s, (size_t)2 * SUTURE_BUILD_ID_LEN)))
		return sut_err_reason(err, EINVAL, "request",
				      "\"build_id\" is 40 lower-case hexadecimal digits");
	*ret = s;
	return 0;
}

void verb_lib_update(struct net *n, struct task *t)
{
	struct sut_err err = {0}, silent = {0};
	const char *build_id = NULL;
	struct update_ask ask;
	struct library_asks asks;
	json_t *list = NULL, *answer;
	int k = update_read_ask(t, &ask, &err), l = 0;

	if (k == 0)
		k = take_build_id(t, &build_id, &err);
	if (k == 0 && !build_id && (ask.level || (ask.id && *ask.id)))
		k = sut_err_reason(
			&err, EINVAL, "request",
			"a level or a patchset is that of one library: name its build-id");
	if (k < 0) {
		task_fail(t, &err, NULL);
		return;
	}
	asks = library_ask_each(&ask);
	l = update_ask_portal(n, t, &silent);
	k = library_update(n, t, &asks, build_id, &list, &err);
	if (k == 0 && l < 0 && !ask.level && !ask.id && !json_array_size(list)) {
		k = l;
		err = silent;
	}
	answer = json_pack("{s:o, s:o}", "libraries", list ? list : json_array(), "status",
			   state_document(n));
	if (k < 0)
		task_fail(t, &err, answer);
	else
		task_ok(t, answer);
}

/* ---- explain ---- */

static bool names(const char *const *cves, size_t n, const char *cve)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(cves[i], cve))
			return true;
	return false;
}

static bool runs_fix(const json_t *apply, const char *build_id, const char *cve)
{
	const json_t *e, *c;
	size_t i, k;

	json_array_foreach(json_object_get(apply, "libraries"), i, e) {
		if (!sut_streq(sut_json_text(e, "build_id"), build_id))
			continue;
		json_array_foreach(json_object_get(e, "cves"), k, c)
			if (json_is_string(c) && !strcasecmp(json_string_value(c), cve))
				return true;
	}
	return false;
}

static json_t *cve_json(const struct library *l, const json_t *apply, const char *cve)
{
	const struct decide_level *first = NULL;
	bool fixed = runs_fix(apply, l->build_id, cve);
	uint32_t held = 0;

	for (size_t i = 0; i < l->in.nlevels; i++) {
		const struct decide_level *x = &l->in.levels[i];

		if (!names(x->cves, x->ncves, cve))
			continue;
		if (!first || x->level < first->level)
			first = x;
		/* The list of an entry may be cut; what runs and is not below it has it all the same. */
		fixed = fixed || (l->in.half.patch.id[0] && l->in.half.patch.level >= x->level);
	}
	for (size_t i = 0; i < l->in.nheld && !held; i++)
		if (names(l->in.held[i].cves, l->in.held[i].ncves, cve))
			held = l->in.held[i].level;
	return json_pack("{s:s, s:s, s:I}", "id", cve, "state",
			 fixed		 ? "fixed"
			 : first || held ? "in-level"
					 : "not-fixed",
			 "level", (json_int_t)(first ? first->level : held));
}

static json_t *levels_json(const struct library *l)
{
	json_t *list = json_array();

	for (size_t i = 0; i < l->in.nlevels; i++)
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:I, s:o}", "patchset", l->in.levels[i].id, "level",
				  (json_int_t)l->in.levels[i].level, "cves",
				  situation_cves(l->in.levels[i].cves, l->in.levels[i].ncves)));
	return list;
}

void verb_lib_explain(struct net *n, struct task *t)
{
	_cleanup_(library_moment_release) struct library_moment m = {0};
	const char *build_id = NULL, *cve = json_string_value(json_object_get(t->request, "cve"));
	json_t *list = json_array();
	struct sut_err err = {0};
	int k = take_build_id(t, &build_id, &err);

	if (k == 0 && cve && !explain_is_cve(cve))
		k = sut_err_reason(&err, EINVAL, "request", "\"cve\" is a name as CVE-2026-1234");
	if (k == 0)
		k = library_moment_now(n, &m, &err);
	for (size_t i = 0; k == 0 && i < m.all.n && i < LIBRARY_MAX; i++) {
		_cleanup_(library_freep) struct library *l = NULL;
		json_t *j;

		if (build_id && !sut_streq(build_id, m.all.v[i]))
			continue;
		k = library_situation(n, m.base, m.apply, NULL, m.all.v[i], &l, &err);
		if (k < 0)
			break;
		j = json_pack("{s:s, s:s, s:s, s:o, s:o}", "build_id", l->build_id, "name", l->name,
			      "state", l->out.state, "reasons", library_reasons(l), "levels",
			      levels_json(l));
		if (j && cve)
			(void)json_object_set_new(j, "cve", cve_json(l, m.apply, cve));
		(void)json_array_append_new(list, j);
	}
	if (k < 0) {
		json_decref(list);
		task_fail(t, &err, NULL);
		return;
	}
	task_ok(t, json_pack("{s:o}", "libraries", list));
}
