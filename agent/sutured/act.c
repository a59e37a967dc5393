// SPDX-License-Identifier: Apache-2.0
#include "sutured/act.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sutured/apply.h"
#include "sutured/checkin.h"

enum {
	PATCH_MAX = 64 << 20,
	ENGINE_MAX = 16 << 20,
	STAGE_MS = 5 * 60 * 1000,
	APPLY_MS = 20 * 60 * 1000, /* between two messages */
};

void act_done_release(struct act_done *d)
{
	json_decref(d->result);
	json_decref(d->staged);
	*d = (struct act_done){0};
}

/* Two files to the root half, which looks at them itself. */
static int hand_over(struct net *n, struct task *t, const char *verb, int file, int sig,
		     const char *sha256, struct sut_err *err)
{
	struct wire_fds fds = {.v = {file, sig}, .n = 2};

	return apply_call(n, t, json_pack("{s:s, s:s}", "verb", verb, "sha256", sha256), &fds,
			  STAGE_MS, NULL, err);
}

/* What went wrong on the way to us, and not with what came. */
static void name_download(struct sut_err *e)
{
	if (!e->reason[0] || sut_startswith(e->reason, "http-"))
		snprintf(e->reason, sizeof(e->reason), "%s",
			 e->code == ENOSPC || e->code == EDQUOT ? "disk-full" : "download");
}

static int bring_engine(struct net *n, struct task *t, struct repository *r,
			const struct situation *s, struct sut_err *err)
{
	_cleanup_(sut_closep) int file = -1, sig = -1;
	char path[128], sha256[SUT_DIGEST_HEX_MAX];
	int k;

	snprintf(path, sizeof(path), "kernel/%s/suture.ko", s->half.h.build_id);
	task_progress(t, "engine", "begin", path, 0, 0);
	k = repository_fetch(r, t, path, ENGINE_MAX, &file, &sig, sha256, err);
	if (k == -ENOENT && sut_streq(err->reason, "no-target"))
		return sut_err_reason(err, ENOENT, "engine-missing",
				      "suture.ko is not installed, and the repository has none for "
				      "this kernel. Install suture-dkms, or tell those who release "
				      "patches");
	if (k < 0) {
		name_download(err);
		return k;
	}
	k = hand_over(n, t, "engine", file, sig, sha256, err);
	if (k == 0)
		net_log(NET_INFO, "the engine was loaded from the repository");
	task_progress(t, "engine", "end", k < 0 ? err->msg : "", 0, 0);
	return k;
}

int act_bring_patch(struct net *n, struct task *t, struct repository *r,
		    const struct decide_level *l, struct sut_err *err)
{
	_cleanup_(sut_closep) int file = -1, sig = -1;
	char sha256[SUT_DIGEST_HEX_MAX];
	int k;

	repository_tidy(n, l->path);
	k = repository_fetch(r, t, l->path, PATCH_MAX, &file, &sig, sha256, err);
	if (k < 0) {
		name_download(err);
		/* What lies there makes a full disk no better. */
		if (sut_streq(err->reason, "disk-full"))
			repository_tidy(n, NULL);
		return k;
	}
	if (!sut_streq(sha256, l->sha256))
		return sut_err_reason(err, EBADMSG, "repository-changed",
				      "the repository was changed while it was read; it is read "
				      "again");
	task_progress(t, "stage", "begin", l->id, 0, 0);
	k = hand_over(n, t, "stage", file, sig, sha256, err);
	task_progress(t, "stage", "end", k < 0 ? err->msg : l->id, 0, 0);
	return k;
}

static json_t *take_result(const json_t *answer)
{
	json_t *result = json_object_get(answer, "result");

	return json_is_object(result) ? json_incref(result) : NULL;
}

/* Hold, pin and mode are root's word to the root half, and only root itself can go beyond it. */
static bool needs_root(const struct situation *s)
{
	return s->in.asks == DECIDE_ASKS_FORCE &&
	       (s->in.half.mode == DECIDE_SWITCH_NO_APPLY || choice_held(s->in.choice, s->in.now) ||
		s->in.choice->pin != CHOICE_PIN_NONE);
}

static int apply_it(struct net *n, struct task *t, const struct situation *s,
		    const struct update_ask *ask, struct act_done *ret, struct sut_err *err)
{
	const struct decide_level *l = s->out.target;
	json_t *answer = NULL;
	int k;

	if (needs_root(s)) {
		ret->staged = json_pack("{s:s, s:s, s:I, s:b}", "sha256", l->sha256, "id", l->id,
					"level", (json_int_t)l->level, "down", s->out.down);
		return ret->staged ? 0 : sut_err_oom(err);
	}
	k = apply_call(n, t,
		       json_pack("{s:s, s:s, s:s, s:b, s:b}", "verb", "apply", "sha256", l->sha256,
				 "by", ask->by, "dry_run", ask->dry_run, "down", s->out.down),
		       NULL, APPLY_MS, &answer, err);
	ret->result = take_result(answer);
	json_decref(answer);
	return k;
}

int act_apply(struct net *n, struct task *t, struct repository *r, const struct situation *s,
	      const struct update_ask *ask, struct act_done *ret, struct sut_err *err)
{
	const struct decide_level *l = s->out.target;
	struct sut_err e = {0};
	int k = 0;

	if (s->out.engine && !ask->dry_run)
		k = bring_engine(n, t, r, s, &e);
	if (k == 0)
		k = act_bring_patch(n, t, r, l, &e);
	if (k == 0)
		k = apply_it(n, t, s, ask, ret, &e);
	if (k == 0 && !ask->dry_run && !ret->staged) {
		situation_mended(n);
		state_set(n, "_unloaded", json_object());
		repository_tidy(n, NULL);
		net_log(NET_INFO, "applied %s (level %u)", l->id, l->level);
		checkin_soon(n);
	}
	if (k < 0) {
		/* A word for programs, whoever failed. */
		if (!e.reason[0])
			snprintf(e.reason, sizeof(e.reason), "error");
		if (!ask->dry_run)
			situation_failed(n, s, l, e.reason, e.msg);
		net_log(NET_WARNING, "%s (level %u) was not applied: %s", l->id, l->level, e.msg);
		if (err)
			*err = e;
	}
	return k;
}

int act_unload(struct net *n, struct task *t, const struct situation *s,
	       const struct update_ask *ask, struct act_done *ret, struct sut_err *err)
{
	/* A failure is noted under what runs. */
	const struct decide_level running = {.id = s->in.half.patch.id,
					     .level = s->in.half.patch.level,
					     .sha256 = s->in.half.patch.sha256};
	char reason[256];
	json_t *answer = NULL;
	struct sut_err e = {0};
	int k;

	snprintf(reason, sizeof(reason), "%s%s%s", s->out.unload_by,
		 sut_streq(s->out.unload_by, "stop-flag") && s->in.stop_reason[0] ? ": " : "",
		 sut_streq(s->out.unload_by, "stop-flag") ? s->in.stop_reason : "");
	/* Before it happens: after a crash between the two it would look like root's doing. */
	if (!ask->dry_run) {
		state_set(n, "_unloaded", json_pack("{s:b}", "by_us", 1));
		state_save(n);
	}
	k = apply_call(n, t,
		       json_pack("{s:s, s:s, s:s, s:b}", "verb", "unload", "by", ask->by, "reason",
				 reason, "dry_run", ask->dry_run),
		       NULL, APPLY_MS, &answer, &e);
	ret->result = take_result(answer);
	json_decref(answer);
	if (ask->dry_run && k == 0)
		return 0;
	if (k == 0) {
		situation_mended(n);
		net_log(NET_INFO, "took out %s (level %u): %s", s->in.half.patch.id,
			s->in.half.patch.level, reason);
	} else {
		situation_failed(n, s, &running, e.reason[0] ? e.reason : "unload", e.msg);
		net_log(NET_WARNING, "%s (level %u) was not taken out: %s", s->in.half.patch.id,
			s->in.half.patch.level, e.msg);
		if (err)
			*err = e;
	}
	checkin_soon(n);
	return k;
}
