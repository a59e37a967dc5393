// SPDX-License-Identifier: Apache-2.0
#include "suture-apply/library/act.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/file.h"
#include "common/conf.h"
#include "kernel/exit.h"
#include "suture-apply/boot.h"
#include "suture-apply/errors.h"
#include "suture-apply/library/daemon.h"
#include "suture-apply/library/state.h"
#include "suture-apply/library/watch.h"
#include "suture-apply/preflight.h"
#include "suture-apply/recover.h"
#include "suture-apply/settings.h"
#include "suture-apply/state.h"
#include "truth/truth.h"

struct lib_act {
	struct apply *a;
	const struct act_opts *o;
	struct machine_kernel k;
	char build_id[STORE_BUILD_ID];
	struct guard g;
	struct sut_loaded *l;
	struct sut_trust trust;
	json_t *answer; /* of suture-process */
};

static void act_free(struct lib_act *t)
{
	sut_loaded_free(t->l);
	json_decref(t->answer);
	free(t);
}

static void act_freep(struct lib_act **t)
{
	if (*t)
		act_free(*t);
}

/* A guard is 40 KB: not on the stack. */
static struct lib_act *act_new(struct apply *a, const struct act_opts *o)
{
	struct lib_act *t = calloc(1, sizeof(*t));

	if (t) {
		t->a = a;
		t->o = o;
	}
	return t;
}

void library_tell(struct apply *a, const char *build_id, const char *by, const char *event,
		  const struct guard_patch *p, const char *detail)
{
	struct machine_kernel k = {.build_id = ""};

	/* It is that of the library here. */
	snprintf(k.build_id, sizeof(k.build_id), "%s", build_id);
	recover_tell(a, &k, by, event, p, detail);
}

static json_t *count_of(const json_t *told, const char *name)
{
	json_t *v = json_object_get(told, name);

	return json_is_integer(v) && json_integer_value(v) >= 0 ? json_incref(v) : json_integer(0);
}

static json_t *result(const struct lib_act *t, const char *outcome, const struct guard_patch *p)
{
	const json_t *told = daemon_library(t->answer, t->build_id);
	json_t *reasons = library_reasons(told);

	return json_pack("{s:s,s:s,s:s,s:I,s:o,s:o,s:o}", "outcome", outcome, "build_id",
			 t->build_id, "id", p->id, "level", (json_int_t)p->level, "processes",
			 count_of(told, "processes"), "patched", count_of(told, "patched"),
			 "reasons", reasons);
}

/* ------------------------------------------------------------------ */
/* apply                                                               */

/* What keeps the kernel's patches away for good reasons keeps these away; the engine of the kernel is not needed. */
static int check_machine(const struct lib_act *t, struct sut_err *err)
{
	enum machine_support s = MACHINE_SUPPORTED;
	char what[256] = "";
	int r = t->a->machine.support(t->a->machine.ctx, &s, what, err);

	if (r < 0)
		return r;
	if (s == MACHINE_CONTAINER || s == MACHINE_ARCH)
		return sut_err_reason(err, EOPNOTSUPP, "unsupported",
				      "this machine cannot be patched: %s", what);
	return 0;
}

static int check_level(const struct lib_act *t, struct sut_err *err)
{
	const struct sut_manifest *m = t->l->manifest;
	const struct guard_patch *now = store_wanted(&t->g);

	if (!now->id[0] || t->o->down || m->level > now->level ||
	    (m->level == now->level && sut_streq(m->id, now->id)))
		return 0;
	return sut_err_reason(err, EEXIST, "lower-level",
			      "%s (level %u) of %s is applied and %s has level %u: fixes that are "
			      "live could be lost. Name the level with 'suture lib update --to' if "
			      "that is meant",
			      now->id, now->level, m->target.soname, m->id, m->level);
}

/* Whatever is wrong is found here, while nothing has happened yet. */
static int look(struct lib_act *t, const char *sha256, struct sut_err *err)
{
	struct apply *a = t->a;
	int r = store_find(a, sha256, t->build_id, err);

	if (r == 0)
		r = library_recover(a, &t->k, t->build_id, &t->g, err);
	if (r == 0)
		r = store_open(a, t->build_id, sha256, &t->l, &t->trust, NULL, err);
	if (r < 0)
		return r;
	apply_step(a, "preflight", "begin", "%s (level %u) for %s", t->l->manifest->id,
		   t->l->manifest->level, t->l->manifest->target.soname);
	r = check_machine(t, err);
	if (r == 0)
		r = preflight_quarantine(&t->g, sha256, err);
	if (r == 0)
		r = preflight_library(a, &t->k, t->o, err);
	if (r == 0)
		r = check_level(t, err);
	apply_step(a, "preflight", "end", "%s", r < 0 && err ? err->msg : "all is well");
	return r;
}

static void enter_probation(struct lib_act *t)
{
	struct settings s;
	struct sut_err err = {0};

	settings_read(t->a, &s);
	guard_applied(&t->g, t->k.uptime_s, s.probation_s);
	if (store_write(t->a, t->build_id, &t->g, &err) < 0)
		apply_log(LOG_ERR, "the patch is applied, and that cannot be noted yet: %s",
			  err.msg);
}

/* What was there before is to run again; suture-process is told so as far as it hears it. */
static void leave_applying(struct lib_act *t, bool told)
{
	struct sut_err err = {0};

	guard_failed(&t->g);
	if (store_write(t->a, t->build_id, &t->g, &err) < 0)
		apply_log(LOG_ERR, "nothing was applied, and that cannot be noted yet: %s",
			  err.msg);
	else if (told && library_feed(t->a, &t->k, FEED_FORCE, NULL, &err) < 0)
		apply_log(LOG_WARNING, "%s", err.msg);
}

/* Did suture-process take it? One that leaves it out does not know it. */
static int check_answer(const struct lib_act *t, const char *sha256, struct sut_err *err)
{
	const json_t *told = daemon_library(t->answer, t->build_id);
	const char *is = json_string_value(json_object_get(told, "sha256"));

	if (is && sut_streq(is, sha256))
		return 0;
	return sut_err_reason(err, EPROTO, "no-daemon",
			      "suture-process was told of %s, and does not say that it runs. Is it "
			      "of the same version?",
			      t->l->manifest->id);
}

static int guarded(struct lib_act *t, struct sut_err *err)
{
	const struct guard_patch *now = store_wanted(&t->g);
	const struct sut_manifest *m = t->l->manifest;
	struct apply *a = t->a;
	struct guard_patch p;
	/* Others hear of less before it is less. */
	int r = now->id[0] && m->level < now->level ? truth_withdraw(a->root, err) : 0;

	if (r < 0)
		return r;
	stage_guard_patch(t->l, &p);
	guard_begin(&t->g, &p, t->k.boot_id, a->now(), t->k.uptime_s);
	r = store_write(a, t->build_id, &t->g, err);
	if (r < 0)
		return sut_err_prefix(err, "nothing was applied, because it cannot be noted first");
	apply_step(a, "switch", "begin", "%s into processes with %s", m->id, m->target.soname);
	r = library_feed(a, &t->k, t->o->force ? FEED_FORCE : FEED_START, &t->answer, err);
	if (r == 0)
		r = check_answer(t, p.sha256, err);
	if (r < 0) {
		apply_step(a, "switch", "end", "%s", err->msg);
		leave_applying(t, !sut_streq(err->reason, "no-daemon"));
		library_tell(a, t->build_id, t->o->by, "failed", &p, err->msg);
		return r;
	}
	enter_probation(t);
	apply_step(a, "switch", "end", "%s runs", m->id);
	watch_patched(a, t->build_id);
	library_tell(a, t->build_id, t->o->by, "applied", &p, m->target.soname);
	apply_log(LOG_NOTICE, "applied %s (level %u) to %s, by %s", m->id, m->level,
		  m->target.soname, t->o->by);
	store_tidy(a, t->build_id, &t->g, NULL);
	return 0;
}

/* Already: processes that were busy then may not be so now. */
static int again(struct lib_act *t, struct sut_err *err)
{
	return t->o->dry_run ? 0
			     : library_feed(t->a, &t->k, t->o->force ? FEED_FORCE : FEED_START,
					    &t->answer, err);
}

static int do_apply(struct lib_act *t, const char *sha256, json_t **ret_result, struct sut_err *err)
{
	bool already;
	struct guard_patch p;
	int r = t->a->machine.kernel(t->a->machine.ctx, &t->k, err);

	if (r == 0)
		r = look(t, sha256, err);
	if (r < 0)
		return r;
	stage_guard_patch(t->l, &p);
	already = sut_streq(store_wanted(&t->g)->sha256, sha256);
	if (already)
		r = again(t, err);
	else if (!t->o->dry_run)
		r = guarded(t, err);
	if (r == 0)
		*ret_result = result(t,
				     already	     ? "already-applied"
				     : t->o->dry_run ? "would-apply"
						     : "applied",
				     &p);
	return r;
}

/* What is refused as it should be is no failure that somebody has to see to. */
static bool is_failure(const struct sut_err *e)
{
	static const char *const refusals[] = {"lower-level", "not-staged", "locked"};
	int exit = sut_report_exit(e);

	for (size_t i = 0; i < SUT_ARRAY_SIZE(refusals); i++)
		if (sut_streq(e->reason, refusals[i]))
			return false;
	return exit != SUT_EXIT_HELD && exit != SUT_EXIT_QUARANTINED;
}

int library_apply(struct apply *a, const char *sha256, const struct act_opts *o,
		  json_t **ret_result, struct sut_err *err)
{
	_cleanup_(act_freep) struct lib_act *t = act_new(a, o);
	struct sut_err why = {0};
	json_t *done = NULL;
	const char *id;
	int r = t ? do_apply(t, sha256, &done, &why) : sut_err_oom(&why);

	id = t && t->l && t->l->manifest ? t->l->manifest->id : "";
	if (r < 0)
		apply_log(LOG_WARNING, "not applied: %s", why.msg);
	if (!o->dry_run) {
		if (r < 0 && is_failure(&why))
			state_failed(a, &why, id);
		else if (r == 0)
			state_mended_of(a, id);
		recover_publish(a);
	}
	if (ret_result)
		*ret_result = done;
	else
		json_decref(done);
	if (r < 0 && err)
		*err = why;
	return r;
}

/* ------------------------------------------------------------------ */
/* unload                                                              */

/* Those of all (or the one called build_id) that run, or are to. */
static int which(struct lib_act *t, const char *build_id, const struct sut_strv *all,
		 struct sut_strv *ret, struct sut_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->n; i++) {
		if (build_id && !sut_streq(build_id, all->v[i]))
			continue;
		r = library_recover(t->a, &t->k, all->v[i], &t->g, err);
		if (r == 0 && store_wanted(&t->g)->id[0] && sut_strv_add(ret, all->v[i]) < 0)
			r = sut_err_oom(err);
	}
	return r;
}

/* What root wants is noted before it is done. It stays noted when it cannot be done now: then it is done at the next feed. */
static int note(struct lib_act *t, const struct sut_strv *going, struct sut_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < going->n; i++) {
		r = store_read(t->a, going->v[i], &t->g, err);
		t->g.unloaded = true;
		if (r == 0)
			r = store_write(t->a, going->v[i], &t->g, err);
	}
	return r;
}

/* It is out: the probation ends with it. */
static void ended(struct lib_act *t, const char *build_id)
{
	struct guard_patch p;
	struct sut_err err = {0};
	int r = store_read(t->a, build_id, &t->g, &err);

	p = t->g.phase == GUARD_IDLE ? t->g.good : t->g.now;
	if (r == 0 && t->g.phase != GUARD_IDLE) {
		guard_reverted(&t->g, true);
		r = store_write(t->a, build_id, &t->g, &err);
	}
	if (r < 0)
		apply_log(LOG_ERR, "the patch is out, and that cannot be noted yet: %s", err.msg);
	library_tell(t->a, build_id, t->o->by, "reverted", &p, t->o->reason);
	state_mended_of(t->a, p.id);
	apply_log(LOG_NOTICE, "took out %s (level %u), by %s%s%s", p.id, p.level, t->o->by,
		  t->o->reason ? ": " : "", t->o->reason ? t->o->reason : "");
}

static int do_unload(struct lib_act *t, const char *build_id, const char **ret_outcome,
		     struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv all = {0}, going = {0};
	int r = t->a->machine.kernel(t->a->machine.ctx, &t->k, err);

	if (r == 0)
		r = store_list(t->a, &all, err);
	if (r == 0)
		r = which(t, build_id, &all, &going, err);
	if (r < 0 || t->o->dry_run || !all.n)
		return r;
	r = truth_withdraw(t->a->root, err);
	if (r == 0)
		r = note(t, &going, err);
	if (r < 0)
		return r;
	apply_step(t->a, "switch", "begin", "back to the original code");
	/* Also when nothing is going: what was noted before may not have been done then. */
	r = library_feed(t->a, &t->k, FEED_START, &t->answer, err);
	apply_step(t->a, "switch", "end", "%s", r < 0 ? err->msg : "original code");
	for (size_t i = 0; r == 0 && i < going.n; i++)
		ended(t, going.v[i]);
	if (r == 0 && going.n)
		*ret_outcome = "reverted";
	return r;
}

int library_unload(struct apply *a, const char *build_id, const struct act_opts *o,
		   json_t **ret_result, struct sut_err *err)
{
	_cleanup_(act_freep) struct lib_act *t = act_new(a, o);
	const char *outcome = "nothing-applied";
	const struct guard_patch nothing = {0};
	struct sut_err why = {0};
	int r = t ? do_unload(t, build_id, &outcome, &why) : sut_err_oom(&why);

	if (r < 0)
		apply_log(LOG_WARNING, "not taken out: %s", why.msg);
	if (!o->dry_run) {
		if (r < 0 && is_failure(&why))
			state_failed(a, &why, "");
		recover_publish(a);
	}
	if (ret_result && r == 0) {
		if (build_id)
			snprintf(t->build_id, sizeof(t->build_id), "%s", build_id);
		*ret_result = result(t, outcome, &nothing);
	}
	if (r < 0 && err)
		*err = why;
	return r;
}
