// SPDX-License-Identifier: Apache-2.0
#include "verb.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "act.h"
#include "base/file.h"
#include "base/str.h"
#include "boot.h"
#include "engine.h"
#include "errors.h"
#include "library/act.h"
#include "library/verb.h"
#include "preflight.h"
#include "stage.h"
#include "state.h"
#include "switch.h"
#include "truth/truth.h"

enum { BY_MAX = 100, REASON_MAX = 500 };

/* ------------------------------------------------------------------ */
/* what was asked                                                      */

static int bad(const char *name, const char *what, struct sut_err *err)
{
	return sut_err_reason(
		err, EINVAL, "request",
		"'%s' of the request must be %s. Are all programs of the agent of the "
		"same version?",
		name, what);
}

int verb_flag(const struct verb_call *c, const char *name, bool *ret, struct sut_err *err)
{
	const json_t *v = json_object_get(c->request, name);

	if (v && !json_is_boolean(v))
		return bad(name, "true or false", err);
	*ret = json_is_true(v);
	return 0;
}

int verb_sha256(const struct verb_call *c, bool optional, char ret[static SUT_SHA256_HEX],
		struct sut_err *err)
{
	const json_t *v = json_object_get(c->request, "sha256");
	const char *s = json_string_value(v);

	if (optional && (!v || json_is_null(v))) {
		*ret = 0;
		return 0;
	}
	if (!s || strlen(s) != SUT_SHA256_HEX - 1 ||
	    strspn(s, "0123456789abcdef") != SUT_SHA256_HEX - 1)
		return bad("sha256", "64 lower-case hexadecimal digits", err);
	memcpy(ret, s, SUT_SHA256_HEX);
	return 0;
}

/* For people to read later: a short printable text, NULL when there is none. */
static const char *plain(const struct verb_call *c, const char *name, size_t max)
{
	const char *s = json_string_value(json_object_get(c->request, name));

	if (!s || !*s || strlen(s) > max)
		return NULL;
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			return NULL;
	return s;
}

void verb_state(struct apply *a, json_t *answer)
{
	json_t *state = NULL;
	struct sut_err err = {0};

	if (state_json(a, &state, &err) < 0)
		apply_log(LOG_WARNING, "the state cannot be told: %s", err.msg);
	else
		(void)!json_object_set_new(answer, "state", state);
}

/* ------------------------------------------------------------------ */
/* the verbs                                                           */

static int verb_status(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	const json_t *said = json_object_get(c->request, "agent");
	struct sut_err why = {0};
	json_t *state = NULL;
	bool ours = apply_lock(a, 0, NULL) == 0;
	int r;

	/* Who asks is answered, also while somebody else is at work. */
	if (ours && apply_settle(a, &why) < 0)
		apply_log(LOG_WARNING, "the probation cannot be ended: %s", why.msg);
	if (ours && library_settle(a, &why) < 0)
		apply_log(LOG_WARNING, "the probation cannot be ended: %s", why.msg);
	r = state_json(a, &state, err);
	if (r < 0)
		return r;
	/* What others are told expires, so sutured comes by now and then. */
	if (ours && json_is_object(said) && truth_said(a->root, said, &why) < 0)
		apply_log(LOG_WARNING, "%s", why.msg);
	if (ours && state_tell(a, state, &why) < 0)
		apply_log(LOG_WARNING, "the state cannot be told: %s", why.msg);
	r = json_object_update(answer, state) < 0 ? sut_err_oom(err) : 0;
	json_decref(state);
	return r;
}

/* What is needed no longer makes room for it. */
static void tidy(struct apply *a, const json_t *facts, const char *sha256)
{
	const char *library = json_string_value(json_object_get(facts, "build_id"));
	_cleanup_(sut_freep) struct guard *g = calloc(1, sizeof(*g));
	struct machine_kernel k;

	if (!g)
		return;
	if (library && store_read(a, library, g, NULL) == 0)
		store_tidy(a, library, g, sha256);
	else if (!library && a->machine.kernel(a->machine.ctx, &k, NULL) == 0 &&
		 guard_read(a->root, k.build_id, g, NULL) == 0)
		stage_tidy(a, g, sha256);
}

static int verb_stage(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	char sha256[SUT_SHA256_HEX];
	json_t *facts = NULL;
	bool insecure = false;
	int r = verb_sha256(c, false, sha256, err);

	if (r == 0)
		r = verb_flag(c, "insecure_local", &insecure, err);
	if (r == 0 && insecure && !c->root)
		r = sut_err_reason(err, EACCES, "not-root",
				   "only root may apply what nobody vouches for");
	if (r == 0)
		r = stage_put(a, c->fds.v[0], c->fds.v[1], sha256, insecure, &facts, err);
	if (r < 0)
		return r;
	tidy(a, facts, sha256);
	return json_object_set_new(answer, "patch", facts) < 0 ? sut_err_oom(err) : 0;
}

int verb_act_options(const struct verb_call *c, struct act_opts *ret, struct sut_err *err)
{
	struct act_opts o = {.by = c->by, .reason = plain(c, "reason", REASON_MAX)};
	int r = verb_flag(c, "dry_run", &o.dry_run, err);

	if (r == 0)
		r = verb_flag(c, "down", &o.down, err);
	if (r == 0)
		r = verb_flag(c, "force", &o.force, err);
	if (r == 0 && o.force && !c->root)
		return sut_err_reason(err, EACCES, "not-root",
				      "only root may apply in spite of mode, pin and hold. Run it "
				      "with sudo");
	if (r == 0)
		*ret = o;
	return r;
}

static int verb_preflight(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	_cleanup_(sut_report_release) struct sut_report rep = {.command = "verify", .json = true};
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	char sha256[SUT_SHA256_HEX];
	struct machine_kernel k;
	struct sut_trust trust;
	struct act_opts o = {0};
	struct sut_err no = {0};
	struct guard g;
	json_t *checks;
	int r = verb_sha256(c, false, sha256, err);

	if (r == 0)
		r = verb_act_options(c, &o, err);
	if (r == 0)
		r = a->machine.kernel(a->machine.ctx, &k, err);
	if (r == 0)
		r = apply_recover(a, &k, &g, err);
	if (r == 0)
		r = stage_open(a, sha256, &l, &trust, err);
	if (r < 0)
		return r;
	checks = json_array();
	if (!checks || json_object_set_new(answer, "checks", checks) < 0)
		return sut_err_oom(err);
	rep.trust = &trust;
	/* A check that fails is the answer, not a failure of the question. */
	r = preflight_run(a, &k, &g, l, &o, &rep, checks, &no);
	if (r == -ENOMEM && !json_array_size(checks)) {
		if (err)
			*err = no;
		return r;
	}
	return json_object_set_new(answer, "why", r < 0 ? wire_error_json(&no) : json_null()) < 0 ||
			       json_object_set_new(answer, "fits", json_boolean(r == 0)) < 0
		       ? sut_err_oom(err)
		       : 0;
}

static int verb_apply(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	char sha256[SUT_SHA256_HEX];
	struct act_opts o = {0};
	json_t *result = NULL;
	int r = verb_sha256(c, false, sha256, err);

	if (r == 0)
		r = verb_act_options(c, &o, err);
	if (r < 0)
		return r;
	r = act_apply(a, sha256, &o, &result, err);
	if (result)
		(void)!json_object_set_new(answer, "result", result);
	verb_state(a, answer);
	return r;
}

static int verb_unload(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	struct act_opts o = {0};
	json_t *result = NULL;
	int r = verb_act_options(c, &o, err);

	if (r < 0)
		return r;
	o.on_purpose = true;
	r = act_unload(a, &o, &result, err);
	if (result)
		(void)!json_object_set_new(answer, "result", result);
	verb_state(a, answer);
	return r;
}

/* The patch whose bytes are compared: what is applied, else the last good one. */
static int which(struct apply *a, struct sut_loaded **ret, struct sut_trust *ret_trust,
		 struct sut_err *err)
{
	_cleanup_(machine_patch_release) struct machine_patch p = {0};
	char sha256[SUT_SHA256_HEX] = "";
	struct machine_kernel k;
	struct guard g;
	int r = a->machine.kernel(a->machine.ctx, &k, err);

	if (r == 0)
		r = a->machine.patch(a->machine.ctx, &p, err);
	if (r == 0 && p.applied)
		r = stage_find(a, p.id, p.level, sha256, err);
	else if (r == 0) {
		r = guard_read(a->root, k.build_id, &g, err);
		memcpy(sha256, g.good.sha256, r == 0 ? sizeof(sha256) : 0);
	}
	if (r < 0)
		return r;
	if (!*sha256)
		return sut_err_reason(
			err, ENOENT, "nothing-applied",
			"no patch is applied and none was: there is nothing to compare "
			"with");
	return stage_open(a, sha256, ret, ret_trust, err);
}

/* Code that was changed behind the patch is an error until it is found to be in order: others must not believe it. */
static void note(struct apply *a, const struct sut_loaded *l, const struct sut_err *e)
{
	_cleanup_(machine_patch_release) struct machine_patch p = {0};
	bool changed = sut_streq(e->reason, "changed") || sut_streq(e->reason, "mismatch");
	const char *id = l->manifest->id;
	struct sut_err err = {0};

	if (a->machine.patch(a->machine.ctx, &p, &err) < 0 || !p.applied || (e->code && !changed))
		return;
	if (changed) {
		state_failed(a, e, id);
	} else {
		bool dropped = errors_drop(errors_of(a), "changed", id);

		if (!errors_drop(errors_of(a), "mismatch", id) && !dropped)
			return;
	}
	if (state_publish(a, &err) < 0)
		apply_log(LOG_WARNING, "%s", err.msg);
}

static int verb_verify(struct apply *a, struct verb_call *c _unused_, json_t *answer,
		       struct sut_err *err)
{
	_cleanup_(sut_report_release) struct sut_report rep = {.command = "verify", .json = true};
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_trust trust;
	json_t *result;
	int r = which(a, &l, &trust, err);

	if (r < 0)
		return r;
	rep.loaded = l;
	rep.trust = &trust;
	r = a->machine.verify(a->machine.ctx, l, &rep);
	if (r < 0 && err)
		*err = rep.err;
	note(a, l, &rep.err);
	result = sut_report_result(&rep);
	return !result || json_object_set_new(answer, "result", result) < 0 ? sut_err_oom(err) : r;
}

/* Where root said "off", nothing comes into the kernel. */
static int check_off(struct apply *a, struct sut_err *err)
{
	struct machine_kernel k;
	struct switch_state s;
	struct choice c;
	int r = a->machine.kernel(a->machine.ctx, &k, err);

	if (r == 0)
		r = choice_read(a->root, &c, err);
	if (r < 0)
		return r;
	switch_read(a, &k, &c, &s);
	return s.mode == CHOICE_OFF ? switch_check(&s, err) : 0;
}

static int verb_engine(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	struct machine_engine e;
	char sha256[SUT_SHA256_HEX];
	struct sut_err why = {0};
	int r = verb_sha256(c, false, sha256, err);

	if (r == 0)
		r = a->machine.engine(a->machine.ctx, &e, err);
	if (r == 0 && !e.loaded)
		r = check_off(a, err);
	if (r < 0)
		return r;
	if (!e.loaded) {
		r = engine_take(a, c->fds.v[0], c->fds.v[1], sha256, c->by, &why);
		if (r < 0) {
			state_failed(a, &why, "");
			if (err)
				*err = why;
		}
		if (state_publish(a, &why) < 0)
			apply_log(LOG_WARNING, "%s", why.msg);
	}
	verb_state(a, answer);
	return r;
}

/* ------------------------------------------------------------------ */

static const struct verb verbs[] = {
	{"apply", false, true, 0, verb_apply},
	{"choose", true, true, 0, verb_choose},
	{"engine", false, true, 2, verb_engine},
	{"forget", true, true, 0, verb_forget},
	{"lib-apply", false, true, 0, verb_lib_apply},
	{"lib-files", false, false, 0, verb_lib_files},
	{"lib-processes", false, false, 0, verb_lib_processes},
	{"lib-status", false, false, 0, verb_lib_status},
	{"lib-unload", false, true, 0, verb_lib_unload},
	{"preflight", false, true, 0, verb_preflight},
	{"release", true, true, 0, verb_release},
	{"settle", false, true, 0, verb_settle},
	{"stage", false, true, 2, verb_stage},
	{"status", false, false, 0, verb_status},
	{"unload", false, true, 0, verb_unload},
	{"verify", false, true, 0, verb_verify},
};

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; name && i < SUT_ARRAY_SIZE(verbs); i++)
		if (sut_streq(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

/* For history and log. On whose behalf sutured asks is what it says, and it has no rights: it is not "root" there. */
static void name_who(struct verb_call *c)
{
	c->by = plain(c, "by", BY_MAX);
	if (!c->by)
		c->by = c->root ? "root" : "sutured";
	if (c->root || sut_streq(c->by, "sutured"))
		return;
	snprintf(c->by_text, sizeof(c->by_text), "sutured, for %s", c->by);
	c->by = c->by_text;
}

int verb_run(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	const char *name = json_string_value(json_object_get(c->request, "verb"));
	const struct verb *v = verb_find(name);
	int r;

	if (!v)
		return sut_err_reason(err, EOPNOTSUPP, "request",
				      "suture-apply has no verb '%.40s'. Are all programs of the "
				      "agent of the same version?",
				      name ? name : "");
	if (v->root_only && !c->root)
		return sut_err_reason(err, EACCES, "not-root", "'%s' is for root. Run it with sudo",
				      v->name);
	if (c->fds.n != v->nfds)
		return sut_err_reason(err, EINVAL, "request", "'%s' takes %zu files, and %zu came",
				      v->name, v->nfds, c->fds.n);
	name_who(c);
	if (v->changes) {
		r = apply_lock(a, APPLY_LOCK_WAIT_MS, err);
		if (r < 0)
			return r;
	}
	r = v->run(a, c, answer, err);
	apply_unlock(a);
	return r;
}
