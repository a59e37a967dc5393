// SPDX-License-Identifier: Apache-2.0
/* What was decided about libraries, done: one after the other, and none waits for another. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sutured/apply.h"
#include "sutured/checkin.h"
#include "sutured/library.h"
#include "sutured/look.h"
#include "tuf/json.h"

enum { APPLY_MS = 20 * 60 * 1000 /* between two messages */ };

/* ------------------------------------------------------------------ */
/* What is remembered                                                   */

static void remember(struct net *n, const char *part, const char *build_id, json_t *value)
{
	json_t *all = state_get(n, part);

	if (!json_is_object(all)) {
		json_decref(all);
		all = json_object();
	}
	if (value)
		(void)json_object_set_new(all, build_id, value);
	else
		(void)json_object_del(all, build_id);
	state_set(n, part, all);
}

static void failed(struct net *n, const struct library *l, const char *id, const char *sha256,
		   const struct sut_err *e)
{
	const char *code = e->reason[0] ? e->reason : "error";
	json_int_t tries = sut_streq(l->in.failed_sha256, sha256)
				   ? json_integer_value(json_object_get(l->attempt, "tries"))
				   : 0;

	remember(n, "_lib_attempts", l->build_id,
		 json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:I}", "sha256", sha256, "id", id,
			   "code", code, "text", e->msg, "tries", tries < 16 ? tries + 1 : 16,
			   "boot_id", l->half.boot_id, "boot_s", (json_int_t)net_boot_s(n)));
	checkin_error(n, code, id, e->msg);
	checkin_soon(n);
}

static void mended(struct net *n, const struct library *l)
{
	if (!*l->in.failed_code)
		return;
	remember(n, "_lib_attempts", l->build_id, NULL);
	checkin_mended(n, l->in.failed_code);
}

/* ------------------------------------------------------------------ */
/* One of them                                                          */

struct done {
	const char *action;
	json_t *result, *staged;
};

static json_t *take_result(const json_t *answer)
{
	json_t *result = json_object_get(answer, "result");

	return json_is_object(result) ? json_incref(result) : NULL;
}

static bool needs_root(const struct library *l)
{
	return l->in.asks == DECIDE_ASKS_FORCE &&
	       (l->in.half.mode == DECIDE_SWITCH_NO_APPLY || choice_held(l->in.choice, l->in.now));
}

static int apply_it(struct net *n, struct task *t, struct repository *r, const struct library *l,
		    const struct update_ask *ask, struct done *ret, struct sut_err *err)
{
	const struct decide_level *level = l->out.target;
	struct sut_err e = {0};
	json_t *answer = NULL;
	int k = act_bring_patch(n, t, r, level, &e);

	if (k == 0 && needs_root(l)) {
		ret->action = "staged";
		ret->staged = json_pack("{s:s, s:s, s:I, s:b, s:s}", "sha256", level->sha256, "id",
					level->id, "level", (json_int_t)level->level, "down",
					l->out.down, "build_id", l->build_id);
		return ret->staged ? 0 : sut_err_oom(err);
	}
	if (k == 0)
		k = apply_call(n, t,
			       json_pack("{s:s, s:s, s:s, s:b, s:b}", "verb", "lib-apply", "sha256",
					 level->sha256, "by", ask->by, "dry_run", ask->dry_run,
					 "down", l->out.down),
			       NULL, APPLY_MS, &answer, &e);
	ret->action = "apply";
	ret->result = take_result(answer);
	json_decref(answer);
	if (k == 0 && !ask->dry_run) {
		mended(n, l);
		remember(n, "_lib_unloaded", l->build_id, NULL);
		repository_tidy(n, NULL);
		net_log(NET_INFO, "%s: applied %s (level %u)", l->name, level->id, level->level);
		checkin_soon(n);
	}
	if (k < 0) {
		if (!ask->dry_run)
			failed(n, l, level->id, level->sha256, &e);
		net_log(NET_WARNING, "%s: %s (level %u) was not applied: %s", l->name, level->id,
			level->level, e.msg);
		if (err)
			*err = e;
	}
	return k;
}

int library_unload(struct net *n, struct task *t, const char *build_id, const char *by,
		   const char *reason, json_t **ret_result, struct sut_err *err)
{
	json_t *request =
		json_pack("{s:s, s:s, s:s}", "verb", "lib-unload", "by", by, "reason", reason);
	json_t *answer = NULL;
	int k;

	if (request && build_id)
		(void)json_object_set_new(request, "build_id", json_string(build_id));
	k = apply_call(n, t, request, NULL, APPLY_MS, &answer, err);
	*ret_result = take_result(answer);
	json_decref(answer);
	return k;
}

static int unload_it(struct net *n, struct task *t, const struct library *l,
		     const struct update_ask *ask, struct done *ret, struct sut_err *err)
{
	bool flag = sut_streq(l->out.unload_by, "stop-flag") && l->in.stop_reason[0];
	struct sut_err e = {0};
	char reason[256];
	int k;

	ret->action = "unload";
	if (ask->dry_run)
		return 0;
	snprintf(reason, sizeof(reason), "%s%s%s", l->out.unload_by, flag ? ": " : "",
		 flag ? l->in.stop_reason : "");
	/* Before it happens: after a crash between the two it would look like root's doing. */
	remember(n, "_lib_unloaded", l->build_id, json_true());
	state_save(n);
	k = library_unload(n, t, l->build_id, ask->by, reason, &ret->result, &e);
	if (k == 0) {
		mended(n, l);
		net_log(NET_INFO, "%s: took out %s (level %u): %s", l->name, l->in.half.patch.id,
			l->in.half.patch.level, reason);
	} else {
		failed(n, l, l->in.half.patch.id, l->in.half.patch.sha256, &e);
		net_log(NET_WARNING, "%s: %s (level %u) was not taken out: %s", l->name,
			l->in.half.patch.id, l->in.half.patch.level, e.msg);
		if (err)
			*err = e;
	}
	checkin_soon(n);
	return k;
}

/* The strongest reason of those that keep something back; NULL when there is nothing to keep back. */
static const struct decide_reason *what_blocks(const struct library *l)
{
	for (size_t i = 0; l->out.wants && i < l->out.nreasons; i++)
		if (l->out.reasons[i].blocks)
			return &l->out.reasons[i];
	return NULL;
}

/* Is what would run then what was meant? */
static int is_meant(const struct library *l, const struct update_ask *ask, struct sut_err *err)
{
	const char *sha256 =
		l->out.action == DECIDE_APPLY ? l->out.target->sha256 : l->in.half.patch.sha256;

	if (ask->sha256 && l->out.action != DECIDE_UNLOAD && !sut_streq(ask->sha256, sha256))
		return sut_err_reason(
			err, EXDEV, "differs",
			"the patch of %s has the sha256 %.64s, and %.64s was meant. Ask for the one "
			"that the repository has",
			l->name, *sha256 ? sha256 : "(not known)", ask->sha256);
	if (ask->no_down &&
	    (l->out.action == DECIDE_UNLOAD || (l->out.action == DECIDE_APPLY && l->out.down)))
		return sut_err_reason(
			err, EXDEV, "lower-level",
			"level %u of %s runs, and what is asked for is lower: that takes "
			"fixes away. Say that it is meant (down)",
			l->in.half.patch.level, l->name);
	return 0;
}

static int carry_out(struct net *n, struct task *t, struct repository *r, const struct library *l,
		     const struct update_ask *ask, struct done *ret, struct sut_err *err)
{
	const struct decide_reason *why = what_blocks(l);
	int k;

	if (l->out.action == DECIDE_NONE && why)
		return sut_err_reason(err, EPERM, why->code, "%s: %s%s%s", l->name, why->text,
				      why->advice[0] ? ". " : "", why->advice);
	k = is_meant(l, ask, err);
	if (k < 0 || l->out.action == DECIDE_NONE)
		return k;
	return l->out.action == DECIDE_APPLY ? apply_it(n, t, r, l, ask, ret, err)
					     : unload_it(n, t, l, ask, ret, err);
}

/* ------------------------------------------------------------------ */
/* All of them                                                          */

/* The status of all of them, and when to look again. */
static void publish(struct net *n)
{
	_cleanup_(library_moment_release) struct library_moment m = {0};
	json_t *list = json_array();
	int64_t again = 0;
	struct sut_err err;

	if (library_moment_now(n, &m, &err) < 0) {
		json_decref(list);
		return;
	}
	for (size_t i = 0; i < m.all.n && i < LIBRARY_MAX; i++) {
		_cleanup_(library_freep) struct library *l = NULL;

		if (library_situation(n, m.base, m.apply, NULL, m.all.v[i], &l, &err) < 0)
			continue;
		(void)json_array_append_new(list, library_status(l));
		if (l->out.again_s > 0 && (!again || l->out.again_s < again))
			again = l->out.again_s;
	}
	state_set(n, "libraries", list);
	net_due_in(n, NET_DUE_LIBRARY, again ? again + 1 : -1);
}

static json_t *error_json(const struct sut_err *e)
{
	return json_pack("{s:i, s:s, s:s}", "code", e->code, "reason", e->reason, "message",
			 e->msg);
}

static json_t *answer_of(const struct library *l, struct done *d, const struct sut_err *e)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "build_id", l->build_id, "name",
			      l->name, "action", d->action ? d->action : "none", "result",
			      d->result ? d->result : json_null(), "reasons", library_reasons(l),
			      "error", e->code ? error_json(e) : json_null());

	if (j && d->staged)
		(void)json_object_set(j, "staged", d->staged);
	json_decref(d->staged);
	return j;
}

/* With the metadata that r has read. Returns the first error of one that failed or was held back. */
static int update_each(struct net *n, struct task *t, struct repository *r,
		       const struct library_asks *asks, const char *build_id, json_t *list,
		       struct sut_err *err)
{
	_cleanup_(library_moment_release) struct library_moment m = {0};
	bool found = false;
	int k = library_moment_now(n, &m, err), first = 0;

	for (size_t i = 0; k == 0 && i < m.all.n && i < LIBRARY_MAX; i++) {
		_cleanup_(library_freep) struct library *l = NULL;
		const struct update_ask *ask;
		struct sut_err e = {0};
		struct done d = {0};
		int x;

		if (build_id && !sut_streq(build_id, m.all.v[i]))
			continue;
		found = true;
		ask = asks->of(asks->ctx, m.all.v[i]);
		if (!ask)
			continue;
		k = library_situation(n, m.base, m.apply, ask, m.all.v[i], &l, err);
		if (k < 0)
			return k;
		x = carry_out(n, t, r, l, ask, &d, &e);
		(void)json_array_append_new(list, answer_of(l, &d, &e));
		if (x < 0 && first == 0) {
			first = x;
			if (err)
				*err = e;
		}
	}
	if (k == 0 && build_id && !found)
		return sut_err_reason(
			err, ENOENT, "no-library",
			"there is no patch for a library with the build-id %s, or no "
			"process here uses it. 'suture lib list' shows those there are",
			build_id);
	return k < 0 ? k : first;
}

static const struct update_ask *same(void *ctx, const char *build_id _unused_)
{
	return ctx;
}

struct library_asks library_ask_each(const struct update_ask *ask)
{
	return (struct library_asks){same, (void *)ask};
}

int library_update(struct net *n, struct task *t, const struct library_asks *asks,
		   const char *build_id, json_t **ret, struct sut_err *err)
{
	_cleanup_(repository_close) struct repository r = {0};
	json_t *list = json_array();
	int k = list ? 0 : sut_err_oom(err);

	if (k == 0 && !n->conf.libraries)
		k = sut_err_reason(
			err, EPERM, "lib-off",
			"agent.conf says 'libraries = no': libraries are not patched here");
	if (k == 0)
		k = look(n, t, NULL, &r, err);
	if (k == 0)
		k = update_each(n, t, &r, asks, build_id, list, err);
	publish(n);
	if (ret && list)
		*ret = list;
	else
		json_decref(list);
	return k;
}

/* ------------------------------------------------------------------ */
/* By itself                                                            */

static const struct update_ask nobody = {.asks = DECIDE_ASKS_NOBODY, .by = "sutured"};

/* Is anything to be applied (the network is needed) or taken out; is one told that is not known? */
struct wish {
	bool apply, unload, look;
};

static void wish_of(struct net *n, struct wish *w)
{
	_cleanup_(library_moment_release) struct library_moment m = {0};
	struct sut_err err;

	if (library_moment_now(n, &m, &err) < 0)
		return;
	for (size_t i = 0; i < m.all.n && i < LIBRARY_MAX; i++) {
		_cleanup_(library_freep) struct library *l = NULL;

		if (library_situation(n, m.base, m.apply, NULL, m.all.v[i], &l, &err) < 0)
			continue;
		w->apply = w->apply || l->out.action == DECIDE_APPLY;
		/* Failed a while ago: it is let alone for some time. */
		w->unload = w->unload || (l->out.action == DECIDE_UNLOAD &&
					  (!l->in.retry_s || !sut_streq(l->in.failed_sha256,
									l->in.half.patch.sha256)));
		w->look = w->look ||
			  (l->in.told == DECIDE_TOLD_APPLY && l->out.wants && !l->out.wanted);
	}
}

/* What runs goes without any network. */
static void unload_each(struct net *n, struct task *t)
{
	_cleanup_(library_moment_release) struct library_moment m = {0};
	struct sut_err err;

	if (library_moment_now(n, &m, &err) < 0)
		return;
	for (size_t i = 0; i < m.all.n && i < LIBRARY_MAX; i++) {
		_cleanup_(library_freep) struct library *l = NULL;
		struct done d = {0};

		if (library_situation(n, m.base, m.apply, NULL, m.all.v[i], &l, &err) < 0 ||
		    l->out.action != DECIDE_UNLOAD ||
		    (l->in.retry_s && sut_streq(l->in.failed_sha256, l->in.half.patch.sha256)))
			continue;
		(void)!unload_it(n, t, l, &nobody, &d, NULL);
		json_decref(d.result);
	}
}

static void think(struct net *n, struct task *t)
{
	_cleanup_(repository_close) struct repository r = {0};
	struct sut_err err = {0};
	struct wish w = {0};
	bool may;

	if (!n->conf.libraries) {
		state_set(n, "libraries", json_array());
		return;
	}
	wish_of(n, &w);
	if (w.unload)
		unload_each(n, t);
	may = !state_int(n, "check", "failures", 0) || look_may(n);
	if ((w.apply && may) || (w.look && look_may(n))) {
		const struct library_asks none = library_ask_each(&nobody);
		json_t *list = json_array();
		int k = look(n, t, NULL, &r, &err);

		if (k == 0)
			k = update_each(n, t, &r, &none, NULL, list, &err);
		if (k < 0 && k != -EPERM)
			net_log(NET_WARNING, "%s", err.msg);
		json_decref(list);
	}
	publish(n);
}

static void post_think(struct net *n)
{
	task_post(n, "libraries", think);
}

static void init(struct net *n)
{
	n->on_due[NET_DUE_LIBRARY] = think;
	post_think(n);
}

static void changed(struct net *n, const json_t *apply _unused_)
{
	post_think(n);
}

static void forget(struct net *n, bool purge)
{
	net_due_in(n, NET_DUE_LIBRARY, -1);
	state_set(n, "_lib_attempts", json_object());
	state_set(n, "_told_libraries", json_array());
	if (purge) {
		state_set(n, "_libraries", json_object());
		state_set(n, "_lib_check", json_object());
	}
	post_think(n);
}

const struct net_part library_part = {
	.init = init,
	.told = post_think,
	.changed = changed,
	.reloaded = post_think,
	.looked = post_think,
	.forget = forget,
};
