// SPDX-License-Identifier: Apache-2.0
#include "change.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "applied.h"
#include "base/str.h"
#include "conflict.h"
#include "exit.h"
#include "insecure.h"
#include "kernel.h"
#include "session.h"

static int finish(struct sut_report *rep, int r)
{
	rep->exit = r < 0 ? sut_report_exit(&rep->err) : SUT_EXIT_OK;
	if (rep->result.outcome == SUTURE_E_MISMATCH || rep->result.outcome == SUTURE_E_CHANGED)
		sut_conflict_who_probes("", rep->result.func, rep->result.offset, rep->culprit,
					sizeof(rep->culprit));
	return r;
}

static int conflicts_found(size_t n, struct sut_err *err)
{
	return sut_err_reason(err, EBUSY, "conflict",
			      "%zu conflict%s with the patch. Remove what is listed below, then "
			      "try again",
			      n, n == 1 ? "" : "s");
}

static int compare(const struct sut_change *c, const struct sut_engine *e, struct sut_report *rep)
{
	const struct sut_expect_table *t = &c->patch->table;
	int r = sut_engine_verify(e, t->data, t->len, &rep->result, &rep->err);

	rep->verified = r == 0;
	rep->compared = rep->result.compared;
	rep->ignored = rep->result.ignored;
	return r;
}

/* ------------------------------------------------------------------ */
/* verify                                                              */

static int verify(const struct sut_change *c, struct sut_engine *e, struct sut_report *rep)
{
	size_t n;
	int r = sut_conflict_scan("", &c->patch->table, &rep->conflicts, &rep->err);

	if (r == 0)
		r = sut_session_need_root(
			"the file fits this kernel, but comparing the running code", &rep->err);
	if (r == 0)
		r = sut_engine_get(e, c->opts->engine, &rep->err);
	if (r == 0)
		r = compare(c, e, rep);
	n = sut_conflicts_fatal(&rep->conflicts);
	/* A mismatch names the byte, so it goes first; anything less does not. */
	if (n && rep->result.outcome == SUTURE_OK)
		return conflicts_found(n, &rep->err);
	if (r == 0)
		rep->outcome = "verified";
	return r;
}

int sut_change_verify(const struct sut_change *c, struct sut_report *rep)
{
	struct sut_engine e = SUT_ENGINE_INIT;
	int r = finish(rep, verify(c, &e, rep));

	sut_engine_put(&e, true);
	return r;
}

/* ------------------------------------------------------------------ */
/* apply                                                               */

struct apply {
	const struct sut_change *c;
	struct sut_report *rep;
	struct sut_engine engine;
	struct suture_status status; /* before */
};

static int check_engine(struct apply *a)
{
	const struct sut_manifest *m = a->c->patch->manifest;
	int r = sut_engine_get(&a->engine, a->c->opts->engine, &a->rep->err);

	if (r == 0)
		r = sut_engine_status(&a->engine, &a->status, &a->rep->err);
	if (r < 0)
		return r;
	if (m->engine_abi != a->status.abi)
		return sut_err_reason(&a->rep->err, EPROTONOSUPPORT, "abi",
				      "the patch was built for engine ABI %u and suture.ko has %u. "
				      "Get the patch of the version that is installed",
				      m->engine_abi, a->status.abi);
	if (a->status.applied) {
		snprintf(a->rep->before.id, sizeof(a->rep->before.id), "%s", a->status.id);
		a->rep->before.level = a->status.level;
	}
	return 0;
}

static bool is_applied(const struct apply *a)
{
	const struct sut_manifest *m = a->c->patch->manifest;

	return a->status.applied && a->status.level == m->level && sut_streq(a->status.id, m->id);
}

/* Patches are cumulative, so a lower level takes fixes away. The same level under
 * another name may too: nothing orders the two. */
static int check_level(struct apply *a)
{
	const struct sut_manifest *m = a->c->patch->manifest;

	if (!a->status.applied || a->c->force || m->level > a->status.level)
		return 0;
	return sut_err_reason(&a->rep->err, EEXIST, "lower-level",
			      "%s (level %u) is applied and the patch has level %u: fixes that are "
			      "live could be lost. Use --force if that is meant",
			      a->status.id, a->status.level, m->level);
}

static int check_conflicts(struct apply *a)
{
	struct sut_report *rep = a->rep;
	int r = sut_conflict_scan("", &a->c->patch->table, &rep->conflicts, &rep->err);
	size_t n;

	if (r < 0)
		return r;
	n = sut_conflicts_fatal(&rep->conflicts);
	return n ? conflicts_found(n, &rep->err) : 0;
}

static int attempt(const struct sut_engine *e, const void *arg, struct suture_result *ret,
		   struct sut_err *err)
{
	const struct apply *a = arg;

	return sut_engine_apply(e, a->c->patch->object->module, a->rep->dry_run, ret, err);
}

/* What applies that were killed have left; the payload in force stays. */
static int remove_leftovers(struct apply *a)
{
	const char *module = a->c->patch->object->module;
	size_t n;

	if (a->status.applied && sut_streq(a->status.module, module))
		return sut_err_reason(&a->rep->err, EEXIST, "same-module",
				      "the applied patch %s has a payload of the same name (%s). "
				      "Revert it first",
				      a->status.id, module);
	n = sut_engine_unload_idle(a->status.module);
	if (n)
		sut_report_progress("apply", "unloaded %zu idle payload%s of earlier attempts", n,
				    n == 1 ? "" : "s");
	return 0;
}

static void unload_payload(struct apply *a)
{
	struct sut_err err = {0};

	if (sut_module_unload(a->c->patch->object->module, &err) < 0)
		sut_report_progress("apply", "%s; nothing uses it, remove it with rmmod", err.msg);
}

/* The payload that a switch has put out of use. */
static void unload_replaced(const char *command, const char *module)
{
	struct sut_err err = {0};

	/* One that asked to be kept is held by the engine. */
	if (sut_module_unload(module, &err) < 0 && err.code != EBUSY)
		sut_report_progress(command, "%s; nothing uses it", err.msg);
}

/* For `suture status`, and for those who read logs. The patch is applied whatever happens here. */
static void record(struct apply *a)
{
	const struct sut_loaded *patch = a->c->patch;
	const struct sut_manifest *m = patch->manifest;
	struct sut_applied rec = {.level = m->level, .trust = *a->c->trust};
	struct suture_status now;
	struct sut_err err = {0};
	int r = sut_engine_status(&a->engine, &now, &err);

	if (a->c->opts->insecure_local)
		sut_insecure_log("applied with --insecure-local", "patch %s, level %u, sha256 %s",
				 m->id, m->level, patch->sha256);
	else if (a->c->opts->keys)
		sut_insecure_log("applied with --keys",
				 "patch %s, level %u, sha256 %s, key %s of %s", m->id, m->level,
				 patch->sha256, a->c->trust->key, a->c->opts->keys);
	if (r == 0) {
		rec.applied_at = now.applied_at;
		snprintf(rec.id, sizeof(rec.id), "%s", m->id);
		snprintf(rec.sha256, sizeof(rec.sha256), "%s", patch->sha256);
		r = sut_applied_write(SUT_APPLIED_FILE, &rec, &err);
	}
	if (r < 0)
		sut_report_progress(
			"apply",
			"note: the patch is applied, but 'suture status' cannot say who "
			"signed it: %s",
			err.msg);
}

static int switch_over(struct apply *a)
{
	const struct sut_loaded *patch = a->c->patch;
	struct sut_report *rep = a->rep;
	bool ours;
	int r = remove_leftovers(a);

	if (r < 0)
		return r;
	r = sut_module_load(patch->object->payload, patch->payload->data, patch->payload->len,
			    &rep->err);
	ours = r == 0;
	/* One that is never unloaded is there from the last time it was applied. */
	if (r < 0 && !(r == -EEXIST && patch->object->keep))
		return r;
	r = sut_session_switch(rep, &a->engine, a->c->attempts, attempt, a);
	if (r == 0)
		rep->outcome = "applied";
	if (r == 0 && !rep->dry_run) {
		record(a);
		if (a->status.applied)
			unload_replaced("apply", a->status.module);
	} else if (ours)
		unload_payload(a);
	return r;
}

static int apply(struct apply *a)
{
	int r = check_engine(a);

	if (r < 0)
		return r;
	if (is_applied(a)) {
		a->rep->outcome = "already-applied";
		return 0;
	}
	r = check_level(a);
	if (r == 0)
		r = check_conflicts(a);
	if (r == 0)
		r = compare(a->c, &a->engine, a->rep);
	return r < 0 ? r : switch_over(a);
}

int sut_change_apply(const struct sut_change *c, struct sut_report *rep)
{
	struct apply a = {.c = c, .rep = rep, .engine = SUT_ENGINE_INIT};
	int r = finish(rep, apply(&a));

	/* The engine stays when it is in use, and when it was there before. */
	sut_engine_put(&a.engine, r < 0 || rep->dry_run);
	return r;
}

/* ------------------------------------------------------------------ */
/* revert                                                              */

static int attempt_revert(const struct sut_engine *e, const void *arg _unused_,
			  struct suture_result *ret, struct sut_err *err)
{
	return sut_engine_revert(e, ret, err);
}

static int revert(unsigned int attempts, struct sut_engine *e, struct sut_report *rep)
{
	struct suture_status st;
	int r = sut_engine_open(e, &rep->err);

	if (r == 0)
		r = sut_engine_status(e, &st, &rep->err);
	if (r == -ENOENT || (r == 0 && !st.applied)) {
		rep->err.code = 0;
		rep->outcome = "nothing-applied";
		return 0;
	}
	if (r < 0)
		return r;
	snprintf(rep->before.id, sizeof(rep->before.id), "%s", st.id);
	rep->before.level = st.level;
	r = sut_session_switch(rep, e, attempts, attempt_revert, NULL);
	if (r < 0)
		return r;
	rep->outcome = "reverted";
	/* One that stays is stale by its time. */
	(void)!unlink(SUT_APPLIED_FILE);
	unload_replaced("revert", st.module);
	return 0;
}

int sut_change_revert(unsigned int attempts, struct sut_report *rep)
{
	struct sut_engine e = SUT_ENGINE_INIT;
	int r = finish(rep, revert(attempts, &e, rep));

	sut_engine_put(&e, false);
	return r;
}
