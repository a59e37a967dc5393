// SPDX-License-Identifier: Apache-2.0
#include "act.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "boot.h"
#include "common/conf.h"
#include "common/history.h"
#include "guard.h"
#include "kernel/exit.h"
#include "kernel/report.h"
#include "preflight.h"
#include "stage.h"
#include "state.h"
#include "truth/truth.h"

enum { PROBATION_DEFAULT_S = 900 };

struct act {
	struct apply *a;
	const struct act_opts *o;
	struct machine_kernel k;
	struct guard g;
	struct sut_loaded *l; /* apply */
	struct sut_trust trust;
	struct machine_patch before;
	struct sut_report rep;
	json_t *checks;
};

static void act_release(struct act *t)
{
	sut_loaded_free(t->l);
	machine_patch_release(&t->before);
	sut_report_release(&t->rep);
	json_decref(t->checks);
}

static int begin(struct act *t, struct sut_err *err)
{
	struct apply *a = t->a;
	int r = a->machine.kernel(a->machine.ctx, &t->k, err);

	if (r == 0)
		r = apply_recover(a, &t->k, &t->g, err);
	if (r == 0)
		r = a->machine.patch(a->machine.ctx, &t->before, err);
	return r;
}

/* What happened, for the history. That it cannot be written changes nothing of what happened. */
static void history(struct act *t, const char *event, const char *id, uint32_t level,
		    const char *detail)
{
	const struct history_entry e = {.at = t->a->now(),
					.event = event,
					.id = id,
					.level = level,
					.build_id = t->k.build_id,
					.by = t->o->by,
					.detail = detail};
	struct sut_err err = {0};

	if (history_add(t->a->root, &e, &err) < 0)
		apply_log(LOG_WARNING, "the history cannot be written: %s", err.msg);
}

static void publish(struct apply *a)
{
	struct sut_err err = {0};

	if (state_publish(a, &err) < 0)
		apply_log(LOG_WARNING, "%s", err.msg);
}

/* The report as the caller gets it; NULL when memory is short: what was done is done. */
static json_t *result(const struct act *t)
{
	json_t *j = sut_report_result(&t->rep), *steps = apply_steps(t->a);

	if (j && steps)
		(void)!json_object_set(j, "steps", steps);
	if (j && t->checks)
		(void)!json_object_set(j, "checks", t->checks);
	json_decref(steps);
	return j;
}

/* The failure into report and *err, in whichever of both it began. */
static int failed(struct act *t, int r, struct sut_err *why, struct sut_err *err)
{
	if (!why->code)
		*why = t->rep.err;
	if (!why->code)
		(void)!sut_err_set(why, -r, "%s", strerror(-r));
	t->rep.err = *why;
	t->rep.outcome = NULL;
	t->rep.exit = sut_report_exit(why);
	if (err)
		*err = *why;
	return -why->code;
}

/* What is refused as it should be is no failure that somebody has to see to. */
static bool is_failure(const struct sut_err *e)
{
	static const char *const refusals[] = {"lower-level", "not-staged", "locked", "interrupted",
					       "nothing-applied"};
	int exit = sut_report_exit(e);

	if (exit == SUT_EXIT_HELD || exit == SUT_EXIT_QUARANTINED)
		return false;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(refusals); i++)
		if (sut_streq(e->reason, refusals[i]))
			return false;
	return true;
}

/* ------------------------------------------------------------------ */
/* apply                                                               */

/* Is this very file in force? The engine knows id and level, the guard the file. */
static bool is_applied(const struct act *t, const char *sha256)
{
	const struct guard_patch *of[] = {&t->g.now, &t->g.good};

	for (size_t i = 0; t->before.applied && i < SUT_ARRAY_SIZE(of); i++)
		if (sut_streq(of[i]->sha256, sha256) && sut_streq(of[i]->id, t->before.id) &&
		    of[i]->level == t->before.level)
			return true;
	return false;
}

static int check_level(const struct act *t, struct sut_err *err)
{
	const struct sut_manifest *m = t->l->manifest;

	if (!t->before.applied || t->o->down || m->level > t->before.level ||
	    (m->level == t->before.level && sut_streq(m->id, t->before.id)))
		return 0;
	return sut_err_reason(err, EEXIST, "lower-level",
			      "%s (level %u) is applied and %s has level %u: fixes that are live "
			      "could be lost. Name the level with 'suture update --to' if that is "
			      "meant",
			      t->before.id, t->before.level, m->id, m->level);
}

/* Whatever is wrong is found here, while nothing has happened yet. */
static int look(struct act *t, const char *sha256, struct sut_err *err)
{
	int r = stage_open(t->a, sha256, &t->l, &t->trust, err);

	if (r < 0)
		return r;
	t->rep.loaded = t->l;
	t->rep.trust = &t->trust;
	snprintf(t->rep.before.id, sizeof(t->rep.before.id), "%s",
		 t->before.applied ? t->before.id : "");
	t->rep.before.level = t->before.level;
	r = check_level(t, err);
	if (r < 0)
		return r;
	apply_step(t->a, "preflight", "begin", "%s (level %u)", t->l->manifest->id,
		   t->l->manifest->level);
	t->checks = json_array();
	r = t->checks ? preflight_run(t->a, &t->k, &t->g, t->l, t->o, &t->rep, t->checks, err)
		      : sut_err_oom(err);
	apply_step(t->a, "preflight", "end", "%s", r < 0 && err ? err->msg : "all is well");
	return r;
}

static int64_t probation(const struct apply *a)
{
	struct agent_conf *c = calloc(1, sizeof(*c));
	int64_t s = PROBATION_DEFAULT_S;

	if (c && agent_conf_read(a->root, c, NULL) == 0)
		s = c->probation_s;
	free(c);
	return s;
}

/* The step that says what went before it in the report goes again through it. */
static void report_again(struct act *t)
{
	sut_conflicts_release(&t->rep.conflicts);
	t->rep.result = (struct suture_result){0};
	t->rep.err = (struct sut_err){0};
	t->rep.outcome = NULL;
}

static int switch_over(struct act *t, struct sut_err *err)
{
	struct apply *a = t->a;
	int r;

	apply_step(a, "switch", "begin", "%s", t->l->manifest->id);
	report_again(t);
	r = a->machine.apply(a->machine.ctx, t->l, t->o->down, t->o->dry_run, &t->rep);
	if (r < 0) {
		*err = t->rep.err;
		apply_step(a, "switch", "end", "%s", err->msg);
		return r;
	}
	apply_step(a, "switch", "end", "%s, pause %llu us", t->rep.outcome,
		   (unsigned long long)t->rep.result.pause_ns / 1000);
	return 0;
}

/* The guard after the switch. It is applied already: what fails here is mended by apply_recover(). */
static void enter_probation(struct act *t)
{
	struct machine_kernel k;
	struct sut_err err = {0};
	struct apply *a = t->a;

	if (a->machine.kernel(a->machine.ctx, &k, &err) < 0)
		k = t->k;
	guard_applied(&t->g, k.uptime_s, probation(a));
	if (guard_write(a->root, k.build_id, &t->g, &err) < 0) {
		apply_log(LOG_ERR, "the patch is applied, and that cannot be noted yet: %s",
			  err.msg);
		apply_step(a, "guard", "note", "%s", err.msg);
		return;
	}
	apply_step(a, "guard", "note", "on probation for %lld s", (long long)t->g.probation_s);
}

static void leave_applying(struct act *t)
{
	struct sut_err err = {0};

	guard_failed(&t->g);
	if (guard_write(t->a->root, t->k.build_id, &t->g, &err) < 0)
		apply_log(LOG_ERR, "nothing was applied, and that cannot be noted yet: %s",
			  err.msg);
}

static int guarded(struct act *t, struct sut_err *err)
{
	struct apply *a = t->a;
	const struct sut_manifest *m = t->l->manifest;
	struct guard_patch p;
	int r = 0;

	/* Others hear of less before it is less. */
	if (t->before.applied && m->level < t->before.level)
		r = truth_withdraw(a->root, err);
	if (r < 0)
		return r;
	stage_guard_patch(t->l, &p);
	guard_begin(&t->g, &p, t->k.boot_id, a->now(), t->k.uptime_s);
	r = guard_write(a->root, t->k.build_id, &t->g, err);
	if (r < 0)
		return sut_err_prefix(err, "nothing was applied, because it cannot be noted first");
	apply_step(a, "guard", "note", "noted that %s gets applied", m->id);
	r = switch_over(t, err);
	if (r < 0) {
		leave_applying(t);
		history(t, "failed", m->id, m->level, err->msg);
		return r;
	}
	enter_probation(t);
	history(t, "applied", m->id, m->level, NULL);
	apply_log(LOG_NOTICE, "applied %s (level %u), by %s, pause %llu us", m->id, m->level,
		  t->o->by, (unsigned long long)t->rep.result.pause_ns / 1000);
	stage_tidy(a, &t->g, NULL);
	return 0;
}

static int apply(struct act *t, const char *sha256, struct sut_err *err)
{
	int r = begin(t, err);

	if (r < 0)
		return r;
	if (is_applied(t, sha256)) {
		t->rep.outcome = "already-applied";
		snprintf(t->rep.before.id, sizeof(t->rep.before.id), "%s", t->before.id);
		t->rep.before.level = t->before.level;
		return 0;
	}
	r = look(t, sha256, err);
	if (r < 0)
		return r;
	return t->o->dry_run ? switch_over(t, err) : guarded(t, err);
}

int act_apply(struct apply *a, const char *sha256, const struct act_opts *o, json_t **ret_result,
	      struct sut_err *err)
{
	struct act t = {
		.a = a, .o = o, .rep = {.command = "apply", .json = true, .dry_run = o->dry_run}};
	struct sut_err why = {0};
	int r = apply(&t, sha256, &why);
	const char *id = t.l && t.l->manifest ? t.l->manifest->id : "";

	if (r < 0)
		r = failed(&t, r, &why, err);
	if (ret_result)
		*ret_result = result(&t);
	if (!o->dry_run) {
		if (r < 0 && is_failure(&why))
			state_failed(a, &why, id);
		else if (r == 0)
			state_mended(a);
		publish(a);
	}
	if (r < 0)
		apply_log(LOG_WARNING, "not applied: %s", why.msg);
	act_release(&t);
	return r;
}

/* ------------------------------------------------------------------ */
/* unload                                                              */

static void set_residue(struct apply *a, const struct sut_report *found)
{
	struct agent_path file = agent_path(a->root, AGENT_RESIDUE);
	struct sut_err err = {0};

	apply_log(LOG_ERR, "the code is not what it was before the patch: %s", found->err.msg);
	if (sut_file_write(file.s, found->err.msg, strlen(found->err.msg), 0644, &err) < 0)
		apply_log(LOG_ERR, "%s", err.msg);
}

/* Is the code what it was? Known when the patch that was taken out is still there. */
static void check_residue(struct act *t)
{
	_cleanup_(sut_report_release) struct sut_report rep = {.command = "verify", .json = true};
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	char sha256[SUT_SHA256_HEX];
	struct sut_trust trust;

	if (stage_find(t->a, t->before.id, t->before.level, sha256, NULL) < 0 ||
	    stage_open(t->a, sha256, &l, &trust, NULL) < 0)
		return;
	if (t->a->machine.verify(t->a->machine.ctx, l, &rep) < 0 &&
	    (rep.result.outcome == SUTURE_E_MISMATCH || rep.result.outcome == SUTURE_E_CHANGED))
		set_residue(t->a, &rep);
}

/* What root wants is noted before it is done, and taken back when it could not be done. */
static int note_purpose(struct act *t, bool unloaded, struct sut_err *err)
{
	if (!t->o->on_purpose || t->g.unloaded == unloaded)
		return 0;
	t->g.unloaded = unloaded;
	return guard_write(t->a->root, t->k.build_id, &t->g, err);
}

static int take_out(struct act *t, struct sut_err *err)
{
	struct apply *a = t->a;
	struct sut_err why = {0};
	bool was = t->g.unloaded;
	int r = truth_withdraw(a->root, err);

	if (r == 0)
		r = note_purpose(t, true, err);
	if (r < 0)
		return r;
	apply_step(a, "switch", "begin", "back to the original code");
	r = a->machine.revert(a->machine.ctx, &t->rep);
	if (r < 0) {
		*err = t->rep.err;
		apply_step(a, "switch", "end", "%s", err->msg);
		if (note_purpose(t, was, &why) < 0)
			apply_log(LOG_ERR, "%s", why.msg);
		history(t, "failed", t->before.id, t->before.level, err->msg);
		return r;
	}
	apply_step(a, "switch", "end", "%s, pause %llu us", t->rep.outcome,
		   (unsigned long long)t->rep.result.pause_ns / 1000);
	check_residue(t);
	guard_reverted(&t->g, t->o->on_purpose);
	if (guard_write(a->root, t->k.build_id, &t->g, &why) < 0)
		apply_log(LOG_ERR, "the patch is out, and that cannot be noted yet: %s", why.msg);
	history(t, "reverted", t->before.id, t->before.level, t->o->reason);
	apply_log(LOG_NOTICE, "took out %s (level %u), by %s%s%s", t->before.id, t->before.level,
		  t->o->by, t->o->reason ? ": " : "", t->o->reason ? t->o->reason : "");
	return 0;
}

static int unload(struct act *t, struct sut_err *err)
{
	int r = begin(t, err);

	if (r < 0)
		return r;
	if (t->before.applied) {
		t->rep.outcome = "reverted";
		return t->o->dry_run ? 0 : take_out(t, err);
	}
	t->rep.outcome = "nothing-applied";
	return t->o->dry_run ? 0 : note_purpose(t, true, err);
}

int act_unload(struct apply *a, const struct act_opts *o, json_t **ret_result, struct sut_err *err)
{
	struct act t = {
		.a = a, .o = o, .rep = {.command = "revert", .json = true, .dry_run = o->dry_run}};
	struct sut_err why = {0};
	int r = unload(&t, &why);

	if (r < 0)
		r = failed(&t, r, &why, err);
	if (ret_result)
		*ret_result = result(&t);
	if (!o->dry_run) {
		if (r < 0 && is_failure(&why))
			state_failed(a, &why, t.before.id);
		publish(a);
	}
	if (r < 0)
		apply_log(LOG_WARNING, "not taken out: %s", why.msg);
	act_release(&t);
	return r;
}

bool act_residue(struct apply *a)
{
	struct agent_path file = agent_path(a->root, AGENT_RESIDUE);

	return sut_exists(file.s);
}
