// SPDX-License-Identifier: Apache-2.0
#include "sutured/update.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "sutured/act.h"
#include "sutured/apply.h"
#include "sutured/checkin.h"
#include "sutured/look.h"
#include "sutured/situation.h"

enum { SETTLE_MS = 20 * 60 * 1000 }; /* health checks run meanwhile */

/* ------------------------------------------------------------------ */

static void publish(struct net *n)
{
	_cleanup_(situation_freep) struct situation *s = NULL;

	if (situation_new(n, NULL, false, &s, NULL) == 0)
		situation_publish(n, s);
}

/* The strongest reason of those that keep something back; NULL when there is nothing to keep back. */
static const struct decide_reason *what_blocks(const struct situation *s)
{
	if (!s->out.wants)
		return NULL;
	for (size_t i = 0; i < s->out.nreasons; i++)
		if (s->out.reasons[i].blocks)
			return &s->out.reasons[i];
	return NULL;
}

static json_t *answer_of(const struct situation *s, const char *action, json_t *result)
{
	return json_pack("{s:s, s:o, s:o}", "action", action, "result",
			 result ? result : json_null(), "reasons", situation_reasons(s));
}

static int held_back(const struct situation *s, const struct decide_reason *r, json_t **ret,
		     struct sut_err *err)
{
	if (ret)
		*ret = answer_of(s, "none", NULL);
	return sut_err_reason(err, EPERM, r->code, "%s%s%s", r->text, r->advice[0] ? ". " : "",
			      r->advice);
}

/* Is what would run then what was meant? */
static int is_meant(const struct situation *s, const struct update_ask *ask, struct sut_err *err)
{
	const struct decide_half *h = &s->in.half;
	const char *sha256 =
		s->out.action == DECIDE_APPLY ? s->out.target->sha256 : h->patch.sha256;
	bool named = ask->level || (ask->id && *ask->id);

	if (ask->sha256 && s->out.action != DECIDE_UNLOAD &&
	    (s->out.action == DECIDE_APPLY || named) && !sut_streq(ask->sha256, sha256))
		return sut_err_reason(
			err, EXDEV, "differs",
			"the patch has the sha256 %.64s, and %.64s was meant. Ask for "
			"the one that the repository has",
			*sha256 ? sha256 : "(not known)", ask->sha256);
	if (ask->no_down &&
	    (s->out.action == DECIDE_UNLOAD || (s->out.action == DECIDE_APPLY && s->out.down)))
		return sut_err_reason(err, EXDEV, "lower-level",
				      "level %u runs, and what is asked for is lower: that takes "
				      "fixes away. Say that it is meant (down)",
				      h->patch.level);
	return 0;
}

/* What is to be done is known: with the metadata that r has read, if that is needed at all. */
static int carry_out(struct net *n, struct task *t, struct repository *r, struct situation *s,
		     const struct update_ask *ask, json_t **ret, struct sut_err *err)
{
	const struct decide_reason *why = what_blocks(s);
	struct act_done done = {0};
	int k;

	if (s->out.action == DECIDE_NONE) {
		if (why)
			return held_back(s, why, ret, err);
		k = is_meant(s, ask, err);
		if (k < 0)
			return k;
		if (ret)
			*ret = answer_of(s, "none", NULL);
		return 0;
	}
	k = is_meant(s, ask, err);
	if (k < 0)
		return k;
	k = s->out.action == DECIDE_APPLY ? act_apply(n, t, r, s, ask, &done, err)
					  : act_unload(n, t, s, ask, &done, err);
	publish(n);
	if (ret) {
		*ret = answer_of(s, done.staged ? "staged" : decide_action_word(s->out.action),
				 done.result);
		done.result = NULL;
		if (done.staged)
			(void)json_object_set(*ret, "staged", done.staged);
	}
	act_done_release(&done);
	return k;
}

int update_now(struct net *n, struct task *t, const struct update_ask *ask, json_t **ret,
	       struct sut_err *err)
{
	_cleanup_(situation_freep) struct situation *s = NULL;
	_cleanup_(repository_close) struct repository r = {0};
	struct sut_err why = {0};
	int k = look(n, t, ask, &r, &why), l;

	if (k == -ENOMEM)
		return sut_err_oom(err);
	l = situation_new(n, ask, false, &s, err);
	if (l < 0)
		return l;
	/* To take out what runs needs no network; and what stands in the way is told before that. */
	if (k < 0 && s->out.action != DECIDE_UNLOAD &&
	    (s->out.action == DECIDE_APPLY || !what_blocks(s))) {
		situation_publish(n, s);
		if (ret)
			*ret = answer_of(s, "none", NULL);
		if (err)
			*err = why;
		return k;
	}
	return carry_out(n, t, &r, s, ask, ret, err);
}

int update_refresh(struct net *n, struct sut_err *err)
{
	_cleanup_(repository_close) struct repository r = {0};

	return look(n, NULL, NULL, &r, err);
}

/* ------------------------------------------------------------------ */
/* By itself                                                            */

static const struct update_ask nobody = {.asks = DECIDE_ASKS_NOBODY, .by = "sutured"};

/* What is told is not among what is known: it may have been released a minute ago. */
static bool must_look(struct net *n, const struct situation *s)
{
	const struct decide_in *in = &s->in;

	if (in->told != DECIDE_TOLD_APPLY || !s->out.wants || s->out.wanted)
		return false;
	return look_may(n);
}

/* Failed a while ago: it is let alone for some time, else every new state would have it tried again. */
static bool may_unload(const struct situation *s)
{
	return !s->in.retry_s || !sut_streq(s->in.failed_sha256, s->in.half.patch.sha256);
}

static bool may_apply(struct net *n)
{
	return !state_int(n, "check", "failures", 0) || look_may(n);
}

/* Decides with what is known, and asks the network only when there is something to do. */
static void think(struct net *n, struct task *t)
{
	_cleanup_(situation_freep) struct situation *s = NULL;
	struct repository none = {0};
	struct sut_err err = {0};
	int k = situation_new(n, NULL, false, &s, &err);

	if (k < 0)
		return;
	if (s->out.action == DECIDE_UNLOAD && may_unload(s)) {
		k = carry_out(n, t, &none, s, &nobody, NULL, &err);
	} else if ((s->out.action == DECIDE_APPLY && may_apply(n)) || must_look(n, s)) {
		state_set(n, "state", json_string(s->out.state));
		k = update_now(n, t, &nobody, NULL, &err);
	} else {
		situation_publish(n, s);
		/* Of an update after which somebody was killed. */
		if (!s->out.wants)
			repository_tidy(n, NULL);
		if (s->out.action == DECIDE_UNLOAD)
			net_due_by(n, NET_DUE_APPLY, s->in.retry_s + 1);
	}
	if (k < 0 && k != -EPERM)
		net_log(NET_WARNING, "%s", err.msg);
}

static void tell_parts(struct net *n)
{
	for (size_t i = 0; n->parts && n->parts[i]; i++)
		if (n->parts[i]->looked)
			n->parts[i]->looked(n);
}

static void check(struct net *n, struct task *t)
{
	struct sut_err err = {0};

	(void)!update_refresh(n, &err); /* noted, and said in the log */
	think(n, t);
	tell_parts(n);
}

static void settle(struct net *n, struct task *t)
{
	struct sut_err err = {0};
	int r = apply_call(n, t, json_pack("{s:s}", "verb", "settle"), NULL, SETTLE_MS, NULL, &err);

	if (r < 0) {
		net_log(NET_WARNING, "the probation cannot be ended: %s", err.msg);
		net_due_in(n, NET_DUE_SETTLE, 60);
		return;
	}
	net_due_in(n, NET_DUE_SETTLE, -1);
	think(n, t);
	checkin_soon(n);
}

/* ------------------------------------------------------------------ */
/* The part of the agent                                                */

/* After a start: the timers, from what is known. What is to run is asked first. */
static void start(struct net *n, struct task *t _unused_)
{
	publish(n);
}

static void post_think(struct net *n)
{
	task_post(n, "update", think);
}

static void init(struct net *n)
{
	n->on_due[NET_DUE_CHECK] = check;
	n->on_due[NET_DUE_APPLY] = think;
	n->on_due[NET_DUE_SETTLE] = settle;
	/* Soon after the start, and not all machines of a house in the same second. */
	if (look_where(n))
		net_due_by(n, NET_DUE_CHECK, look_first(n));
	task_post(n, "start", start);
}

static void changed(struct net *n, const json_t *apply _unused_)
{
	post_think(n);
}

static void reloaded(struct net *n)
{
	if (look_where(n))
		net_due_by(n, NET_DUE_CHECK, look_interval(n));
	post_think(n);
}

static void forget(struct net *n, bool purge)
{
	struct agent_path tuf = agent_path(n->root, AGENT_TUF);
	struct agent_path download = agent_path(n->root, AGENT_DOWNLOAD);

	net_due_in(n, NET_DUE_APPLY, -1);
	state_set(n, "_attempt", json_object());
	if (purge) {
		net_due_in(n, NET_DUE_CHECK, -1);
		(void)!sut_rm_rf(tuf.s, NULL);
		(void)!sut_rm_rf(download.s, NULL);
		state_set(n, "_repository", json_object());
		state_set(n, "_trust", json_object());
		state_set(n, "_check", json_object());
	}
	post_think(n);
}

const struct net_part update_part = {
	.init = init,
	.told = post_think,
	.changed = changed,
	.reloaded = reloaded,
	.forget = forget,
};

/* ------------------------------------------------------------------ */
/* Verbs                                                                */

/* What the portal tells now; that it does not answer is no reason not to look. */
int update_ask_portal(struct net *n, struct task *t, struct sut_err *err)
{
	int r;

	if (!identity_registered(&n->id))
		return 0;
	task_progress(t, "portal", "begin", "", 0, 0);
	r = checkin_now(n, err);
	task_progress(t, "portal", "end", r < 0 ? err->msg : "", 0, 0);
	return r;
}

void verb_check(struct net *n, struct task *t)
{
	_cleanup_(repository_close) struct repository r = {0};
	struct sut_err err = {0}, first = {0};
	int k = update_ask_portal(n, t, &first), l = look(n, t, NULL, &r, &err);

	publish(n);
	post_think(n);
	tell_parts(n);
	if (k < 0)
		err = first;
	if (k < 0 || l < 0)
		task_fail(t, &err, json_pack("{s:o}", "status", state_document(n)));
	else
		task_ok(t, json_pack("{s:o}", "status", state_document(n)));
}

int update_read_ask(const struct task *t, struct update_ask *ask, struct sut_err *err)
{
	const json_t *to = json_object_get(t->request, "to");
	json_int_t level = json_integer_value(to);

	*ask = (struct update_ask){.asks = DECIDE_ASKS_ROOT, .by = "root"};
	if (json_is_true(json_object_get(t->request, "force")))
		ask->asks = DECIDE_ASKS_FORCE;
	ask->dry_run = json_is_true(json_object_get(t->request, "dry_run"));
	if (json_is_string(to))
		ask->id = json_string_value(to);
	else if (json_is_integer(to) && level >= 1 && level <= INT32_MAX)
		ask->level = (uint32_t)level;
	else if (to && !json_is_null(to))
		return sut_err_reason(err, EINVAL, "request",
				      "\"to\" is a level (1 to %d) or the name of a patchset",
				      INT32_MAX);
	return 0;
}

static bool is_none(const json_t *answer)
{
	const char *action = json_string_value(json_object_get(answer, "action"));

	return action && sut_streq(action, "none");
}

void verb_update(struct net *n, struct task *t)
{
	struct sut_err err = {0}, silent = {0};
	json_t *answer = NULL;
	struct update_ask ask;
	int k = update_read_ask(t, &ask, &err), l;

	if (k < 0) {
		task_fail(t, &err, NULL);
		return;
	}
	l = update_ask_portal(n, t, &silent);
	k = update_now(n, t, &ask, &answer, &err);
	/* "Nothing is to be done" is only known when the portal was heard. */
	if (k == 0 && l < 0 && !ask.level && !ask.id && is_none(answer)) {
		k = l;
		err = silent;
	}
	if (!answer)
		answer = json_object();
	(void)json_object_set_new(answer, "status", state_document(n));
	if (k < 0)
		task_fail(t, &err, answer);
	else
		task_ok(t, answer);
}
