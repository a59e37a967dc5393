// SPDX-License-Identifier: Apache-2.0
/* The verbs of the administrator: choose, release, forget. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "act.h"
#include "base/file.h"
#include "base/str.h"
#include "boot.h"
#include "common/choice.h"
#include "health.h"
#include "library/act.h"
#include "recover.h"
#include "stage.h"
#include "state.h"
#include "truth/truth.h"

/* ------------------------------------------------------------------ */
/* choose                                                              */

static const char *const members[] = {"mode", "pin", "hold", "tags"};

/* What was chosen so far. A damaged choice may only be replaced by one that says the mode, the strictest of all. */
static int chosen(struct apply *a, const json_t *request, struct choice *ret, struct sut_err *err)
{
	struct sut_err why = {0};
	int r = choice_read(a->root, ret, &why);

	if (r < 0 && json_object_get(request, "mode")) {
		apply_log(LOG_WARNING, "%s", why.msg);
		*ret = (struct choice){0};
		return 0;
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

/* The choice with what the request gives in its place. */
static int merge(const json_t *request, struct choice *c, struct sut_err *err)
{
	json_t *j = choice_json(c);
	struct sut_err why = {0};
	size_t given = 0;
	int r = j ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(members); i++) {
		json_t *v = json_object_get(request, members[i]);

		given += v != NULL;
		if (v && json_object_set(j, members[i], v) < 0)
			r = -ENOMEM;
	}
	if (r == 0 && !given)
		r = sut_err_reason(err, EINVAL, "request",
				   "say what is chosen: mode, pin, hold or tags");
	else if (r == 0 && choice_from_json(j, c, &why) < 0)
		r = sut_err_reason(err, EINVAL, "request", "%s", why.msg);
	else if (r < 0)
		r = sut_err_oom(err);
	json_decref(j);
	return r;
}

/* One line for each that changed. */
static void tell_choice(struct apply *a, const struct machine_kernel *k, const char *by,
			const json_t *request)
{
	static const char *const events[] = {"mode", "pin", "hold", "tag"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(members); i++) {
		const json_t *v = json_object_get(request, members[i]);
		_cleanup_(sut_freep) char *text =
			v ? json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

		if (v)
			recover_tell(a, k, by, events[i], NULL,
				     json_is_string(v) ? json_string_value(v) : text);
	}
}

/* A mode counts for libraries at once, in both directions. r: what came before. */
static int choose_libraries(struct apply *a, const struct machine_kernel *k, int r,
			    struct sut_err *err)
{
	struct sut_err why = {0};

	if (library_feed(a, k, FEED_START, NULL, &why) == 0 || r < 0)
		return r;
	state_failed(a, &why, "");
	if (err)
		*err = why;
	return -why.code;
}

int verb_choose(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	const struct act_opts o = {.by = c->by, .reason = "mode off"};
	struct machine_kernel k;
	struct choice choice;
	int r = a->machine.kernel(a->machine.ctx, &k, err);

	if (r == 0)
		r = chosen(a, c->request, &choice, err);
	if (r == 0)
		r = merge(c->request, &choice, err);
	if (r == 0)
		r = choice_write(a->root, &choice, err);
	if (r < 0)
		return r;
	tell_choice(a, &k, c->by, c->request);
	if (choice.mode == CHOICE_OFF && json_object_get(c->request, "mode"))
		r = act_unload(a, &o, NULL, err);
	if (json_object_get(c->request, "mode"))
		r = choose_libraries(a, &k, r, err);
	recover_publish(a);
	verb_state(a, answer);
	if (r < 0)
		return sut_err_prefix(err, "the mode is off, and yet the patch still runs");
	return 0;
}

/* ------------------------------------------------------------------ */
/* release                                                             */

/* A guard in the place of one that was damaged: what runs, and is ours, has to stand a probation. */
static int start_anew(struct apply *a, const struct machine_kernel *k, struct guard *g,
		      struct sut_err *err)
{
	_cleanup_(machine_patch_release) struct machine_patch runs = {0};
	struct guard_patch p = {0};
	int r = a->machine.patch(a->machine.ctx, &runs, err);

	if (r < 0)
		return r;
	*g = (struct guard){0};
	if (runs.applied && stage_find(a, runs.id, runs.level, p.sha256, NULL) == 0) {
		snprintf(p.id, sizeof(p.id), "%s", runs.id);
		p.level = runs.level;
		/* apply_recover() makes a probation of it. */
		guard_begin(g, &p, k->boot_id, a->now(), k->uptime_s);
	}
	r = guard_write(a->root, k->build_id, g, err);
	if (r < 0)
		return r;
	recover_tell(a, k, "root", "released", NULL, "a damaged guard was replaced");
	state_mended(a);
	return apply_recover(a, k, g, err);
}

static int let_go(struct apply *a, const struct machine_kernel *k, const char *by,
		  const char *sha256, size_t *ret_n, struct sut_err *err)
{
	_cleanup_(sut_freep) struct guard *g = calloc(1, sizeof(*g));
	_cleanup_(sut_freep) struct guard *was = calloc(1, sizeof(*was));
	struct sut_err why = {0};
	size_t n = 0;
	int r;

	if (!g || !was)
		return sut_err_oom(err);
	r = apply_recover(a, k, g, &why);
	if (r == -EBADMSG && sut_streq(why.reason, "guard"))
		r = start_anew(a, k, g, &why);
	if (r == 0) {
		*was = *g;
		n = guard_release(g, *sha256 ? sha256 : NULL);
		if (*sha256 && n == 0)
			r = sut_err_reason(
				&why, ENOENT, "not-found",
				"no patch with the SHA-256 %s is quarantined. See 'suture "
				"quarantine list'",
				sha256);
		else if (n)
			r = guard_write(a->root, k->build_id, g, &why);
	}
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	for (size_t i = 0; i < was->nquarantined; i++)
		if (!guard_is_quarantined(g, was->quarantined[i].patch.sha256))
			recover_tell(a, k, by, "released", &was->quarantined[i].patch, NULL);
	*ret_n = n;
	return 0;
}

int verb_release(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	char sha256[SUT_SHA256_HEX];
	struct machine_kernel k;
	struct sut_err why = {0};
	size_t n = 0, libraries;
	int r = verb_sha256(c, true, sha256, err);

	if (r == 0)
		r = a->machine.kernel(a->machine.ctx, &k, err);
	if (r == 0)
		r = library_release(a, &k, c->by, sha256, err);
	if (r < 0)
		return r;
	libraries = (size_t)r;
	r = let_go(a, &k, c->by, sha256, &n, &why);
	/* It was one of a library. */
	if (r == -ENOENT && libraries)
		r = 0;
	n += libraries;
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	if (n)
		state_mended(a);
	recover_publish(a);
	(void)!json_object_set_new(answer, "released", json_integer((json_int_t)n));
	verb_state(a, answer);
	return 0;
}

/* ------------------------------------------------------------------ */
/* forget                                                              */

/* The folder itself may be where something is mounted. */
static int remove_all(struct apply *a, struct sut_err *err)
{
	static const char *const paths[] = {AGENT_KERNELS,  AGENT_LIBRARIES,	 AGENT_CHOICE,
					    AGENT_CLEAN,    AGENT_HISTORY,	 AGENT_APPLY_STATE,
					    AGENT_NET_SAID, AGENT_HEALTH_RESULT, AGENT_FED,
					    AGENT_PATCHED};
	int r = truth_withdraw(a->root, err);

	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(paths); i++)
		r = sut_rm_rf(agent_path(a->root, paths[i]).s, err);
	return r;
}

/* A guard that is damaged keeps nobody from leaving. */
static int take_out(struct apply *a, const char *by, bool on_purpose, struct sut_err *err)
{
	const struct act_opts o = {
		.by = by, .reason = "the agent leaves", .on_purpose = on_purpose};
	_cleanup_(sut_freep) struct guard *g = calloc(1, sizeof(*g));
	struct machine_kernel k;
	struct sut_err why = {0};
	int r = act_unload(a, &o, NULL, &why);

	if (r == -EBADMSG && sut_streq(why.reason, "guard")) {
		r = g ? a->machine.kernel(a->machine.ctx, &k, &why) : sut_err_oom(&why);
		if (r == 0)
			r = start_anew(a, &k, g, &why);
		if (r == 0)
			r = act_unload(a, &o, NULL, &why);
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

int verb_forget(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err)
{
	bool purge = false;
	int r = verb_flag(c, "purge", &purge, err);

	if (r == 0)
		r = take_out(a, c->by, true, err);
	if (r == 0)
		r = library_leave(a, c->by, true, err);
	if (r < 0)
		return r;
	if (!purge)
		verb_state(a, answer);
	return purge ? remove_all(a, err) : 0;
}

int apply_leave(struct apply *a, struct sut_err *err)
{
	struct sut_err why = {0};
	int r = apply_lock(a, APPLY_LOCK_WAIT_BOOT_MS, err);

	if (r < 0)
		return r;
	/* Whoever removes the package asks about libraries by itself (leave-libraries). */
	if (library_leave(a, "root", false, &why) < 0)
		apply_log(LOG_WARNING, "%s", why.msg);
	r = take_out(a, "root", false, err);
	apply_unlock(a);
	return r;
}
