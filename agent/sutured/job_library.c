// SPDX-License-Identifier: Apache-2.0
#include "sutured/job_library.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "sutured/apply.h"
#include "sutured/checkin.h"
#include "sutured/library.h"
#include "tuf/json.h"

/* A level, or a patchset, that is said of all kernels says nothing of libraries. */
static const struct sut_job_target *target_of(const struct sut_job *j, const char *build_id)
{
	const struct sut_job_target *t = sut_job_target(j, build_id);

	return t && (t->build_id[0] || t->goal == SUT_JOB_LATEST) ? t : NULL;
}

bool job_library_named(struct net *n, const struct sut_job *j)
{
	_cleanup_strv_ struct sut_strv all = {0};
	json_t *apply = NULL;
	bool named = false;

	if (!j->library || !n->conf.libraries)
		return false;
	for (size_t i = 0; i < j->ntargets; i++)
		named = named ||
			(!j->targets[i].build_id[0] && j->targets[i].goal == SUT_JOB_LATEST);
	if (apply_state(n, false, &apply, NULL) < 0)
		apply = NULL;
	if (!named && library_each(n, apply, &all) == 0)
		for (size_t i = 0; i < all.n; i++)
			named = named || target_of(j, all.v[i]);
	json_decref(apply);
	return named;
}

/* ------------------------------------------------------------------ */

struct asking {
	const struct sut_job *j;
	const char *by;
	bool dry;
	struct update_ask ask; /* of the library that is asked about */
};

static const struct update_ask *ask_of(void *ctx, const char *build_id)
{
	struct asking *a = ctx;
	const struct sut_job_target *t = target_of(a->j, build_id);

	if (!t)
		return NULL;
	a->ask = (struct update_ask){
		.asks = DECIDE_ASKS_ROOT,
		.level = t->goal == SUT_JOB_LEVEL ? t->level : 0,
		.id = t->goal == SUT_JOB_PATCHSET ? t->patchset : NULL,
		.sha256 = *t->sha256 ? t->sha256 : NULL,
		.no_down = !a->j->down,
		.dry_run = a->dry,
		.by = a->by,
	};
	return &a->ask;
}

/* Of an answer of library_update(). */
static const char *outcome_of(const json_t *answer, bool dry)
{
	const json_t *e = json_object_get(answer, "error");
	const char *word = sut_json_text(json_object_get(answer, "result"), "outcome");

	if (json_is_object(e))
		return *sut_json_text(e, "reason") ? sut_json_text(e, "reason") : "error";
	if (sut_streq(sut_json_text(answer, "action"), "none"))
		return "current";
	if (dry)
		return "ready";
	return *word ? word : "applied";
}

static json_t *told(const json_t *answer, bool dry)
{
	const json_t *result = json_object_get(answer, "result");

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:O?, s:O?}", "build_id",
		sut_json_text(answer, "build_id"), "name", sut_json_text(answer, "name"), "outcome",
		outcome_of(answer, dry), "patchset", sut_json_text(result, "id"), "level",
		json_integer_value(json_object_get(result, "level")), "processes",
		json_integer_value(json_object_get(result, "processes")), "patched",
		json_integer_value(json_object_get(result, "patched")), "reasons",
		json_object_get(result, "reasons"), "error", json_object_get(answer, "error"));
}

/* What was done goes before what was not to be done. */
static json_t *told_all(const json_t *answers, bool dry, const char **ret_outcome)
{
	json_t *list = json_array(), *a;
	size_t i;

	*ret_outcome = "current";
	for (int idle = 0; list && idle < 2; idle++)
		json_array_foreach(answers, i, a) {
			const char *word = outcome_of(a, dry);

			if (sut_streq(word, "current") != (idle == 1))
				continue;
			if (!idle && !json_is_object(json_object_get(a, "error")))
				*ret_outcome = dry ? "ready" : "applied";
			if (json_array_size(list) < JOB_LIBRARIES_MAX)
				(void)json_array_append_new(list, told(a, dry));
		}
	return list;
}

static int update(struct net *n, struct task *t, const struct sut_job *j, const char *by,
		  json_t **ret, const char **ret_outcome, struct sut_err *err)
{
	struct asking a = {.j = j, .by = by, .dry = j->dry_run || j->action == SUT_JOB_PREFLIGHT};
	const struct library_asks asks = {ask_of, &a};
	json_t *answers = NULL;
	int r = library_update(n, t, &asks, NULL, &answers, err);

	*ret = told_all(answers, a.dry, ret_outcome);
	json_decref(answers);
	return r;
}

static bool any_runs(struct net *n)
{
	const json_t *l;
	json_t *apply = NULL;
	bool any = false;
	size_t i;

	if (apply_state(n, false, &apply, NULL) < 0)
		return false;
	json_array_foreach(json_object_get(apply, "libraries"), i, l)
		any = any || json_integer_value(json_object_get(l, "level")) > 0;
	json_decref(apply);
	return any;
}

static int unload(struct net *n, struct task *t, const struct sut_job *j, const char *by,
		  json_t **ret, const char **ret_outcome, struct sut_err *err)
{
	json_t *result = NULL;
	int r;

	*ret = json_array();
	*ret_outcome = "nothing-applied";
	if (!any_runs(n))
		return 0;
	*ret_outcome = j->dry_run ? "ready" : "reverted";
	if (j->dry_run)
		return 0;
	r = library_unload(n, t, NULL, by, j->issuer, &result, err);
	json_decref(result);
	checkin_soon(n);
	return r;
}

int job_library_run(struct net *n, struct task *t, const struct sut_job *j, const char *by,
		    json_t **ret, const char **ret_outcome, struct sut_err *err)
{
	*ret = NULL;
	*ret_outcome = "";
	switch (j->action) {
	case SUT_JOB_APPLY:
	case SUT_JOB_PREFLIGHT:
		return update(n, t, j, by, ret, ret_outcome, err);
	case SUT_JOB_UNLOAD:
		return unload(n, t, j, by, ret, ret_outcome, err);
	case SUT_JOB_VERIFY:
	case SUT_JOB_CHECK:
		break;
	}
	return 0;
}
