// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sutured/decide_view.h"

static void set_pin(struct view *v)
{
	const struct choice *c = v->in->choice;
	const struct decide_level *l = NULL;

	v->cap = UINT32_MAX;
	if (c->pin == CHOICE_PIN_LEVEL) {
		v->cap = c->pin_level;
		l = decide_find_level(v, c->pin_level);
	} else if (c->pin == CHOICE_PIN_PATCHSET) {
		l = decide_find_id(v, c->pin_patchset);
		/* Unknown here: then nothing beyond what runs. */
		v->cap = l ? l->level : v->running;
	}
	if (l && !decide_portal_holds(v, l) && !decide_is_quarantined(v, l))
		v->named = l;
}

/* Beyond the pin, what the pin itself names is right, if it is there. */
static const struct decide_level *or_pinned(struct view *v, const struct decide_level *l)
{
	bool done;

	if (v->in->asks == DECIDE_ASKS_FORCE || !v->named || v->named->level > l->level ||
	    !decide_beyond_pin(v, l))
		return l;
	done = decide_is_running(v, v->named);
	decide_say_against(v, AGAINST_PIN, l, done);
	v->unmet = done;
	return done ? NULL : v->named;
}

static bool runs_beyond_pin(const struct view *v)
{
	if (!v->running || v->in->asks == DECIDE_ASKS_FORCE)
		return false;
	return v->running > v->cap ||
	       (v->in->choice->pin == CHOICE_PIN_DATE && v->now && decide_beyond_pin(v, v->now));
}

static void give_way_to_pin(struct view *v)
{
	if (!runs_beyond_pin(v))
		return;
	if (v->named)
		v->out->wanted = v->named;
	else
		decide_add(
			v, false, "pin", NULL, 0,
			"'suture update --to LEVEL' goes down, 'suture unload' takes it out",
			"what runs (level %u) is beyond the pin, and the repository has nothing that the "
			"pin names",
			v->running);
}

static void want_asked(struct view *v)
{
	const struct decide_in *in = v->in;
	const struct decide_level *l = is_text(in->ask_id) ? decide_find_id(v, in->ask_id)
							   : decide_find_level(v, in->ask_level);

	if (l && in->ask_level && l->level != in->ask_level)
		l = NULL;
	if (l && decide_is_running(v, l))
		return;
	v->unmet = !l;
	if (l)
		v->out->wanted = l;
	else if (is_text(in->ask_id))
		decide_add(v, true, "not-in-repository", NULL, 0,
			   "'suture check' looks again; 'suture explain' lists what there is",
			   "the repository has no %s for %s", in->ask_id, what_it_is(v));
	else
		decide_add(v, true, "not-in-repository", NULL, 0,
			   "'suture check' looks again; 'suture explain' lists what there is",
			   "the repository has no level %u for %s", in->ask_level, what_it_is(v));
}

/* What was to be kept does not run any more, after a boot or a pin: it is what is to run, all the same. */
static void want_kept(struct view *v)
{
	const struct decide_in *in = v->in;
	const struct decide_level *l = is_text(in->told_id) ? decide_find_id(v, in->told_id) : NULL;

	if (l && l->level == in->told_level && l->level > v->running)
		v->out->wanted = or_pinned(v, l);
}

static void want_told(struct view *v)
{
	const struct decide_in *in = v->in;
	const struct decide_level *l = NULL;

	if (in->told == DECIDE_TOLD_KEEP || in->told == DECIDE_TOLD_NONE)
		give_way_to_pin(v);
	if (in->told == DECIDE_TOLD_KEEP && !v->out->wanted)
		want_kept(v);
	if (in->told != DECIDE_TOLD_APPLY)
		return;
	for (size_t i = 0; i < in->nlevels && !l; i++)
		if (sut_streq(in->levels[i].path, or_empty(in->told_path)))
			l = &in->levels[i];
	if (!l) {
		/* What is applied already need not be there any more. */
		if (v->running == in->told_level &&
		    sut_streq(in->half.patch.sha256, or_empty(in->told_sha256)))
			return;
		v->unmet = true;
		/* While the repository is not read, that is the reason. */
		if (in->repository == DECIDE_REPO_GOOD)
			decide_add(
				v, true, "not-in-repository", NULL, 0,
				"it may be on its way: 'suture check' looks again",
				"the portal tells %s (level %u), and the repository does not have it",
				or_empty(in->told_id), in->told_level);
		return;
	}
	if (!sut_streq(l->sha256, or_empty(in->told_sha256)) || l->length != in->told_length ||
	    l->level != in->told_level || !sut_streq(l->id, or_empty(in->told_id))) {
		v->unmet = true;
		decide_add(
			v, true, "portal-differs", l, 0,
			"nothing is applied; tell those who run the portal, it may be in wrong hands",
			"what the portal tells of %s (level %u) is not what the signed repository says",
			or_empty(in->told_id), in->told_level);
		return;
	}
	if (decide_is_running(v, l))
		give_way_to_pin(v);
	else
		v->out->wanted = or_pinned(v, l);
}

/* The highest level that nothing stands against; else the highest, with what does. */
static void want_latest(struct view *v)
{
	const struct decide_in *in = v->in;
	const struct decide_level *best = NULL, *top = v->out->available;

	for (size_t i = 0; i < in->nlevels; i++) {
		const struct decide_level *l = &in->levels[i];

		if (l->level > v->running && (!best || l->level > best->level) &&
		    !decide_against(v, l))
			best = l;
	}
	if (best && top != best)
		decide_say_against(v, decide_against(v, top), top, false);
	v->out->wanted = best ? best : top ? or_pinned(v, top) : NULL;
	if (!v->out->wanted)
		give_way_to_pin(v);
}

static void set_action(struct view *v)
{
	const struct decide_in *in = v->in;
	struct decide_out *out = v->out;

	if (out->wanted && !v->blocked) {
		out->action = DECIDE_APPLY;
		out->target = out->wanted;
		out->down = v->running && out->wanted->level <= v->running;
		out->engine = in->half.engine == DECIDE_ENGINE_MISSING ||
			      in->half.engine == DECIDE_ENGINE_REFUSED;
	} else if (decide_told_unload(v) && !v->blocked) {
		out->action = DECIDE_UNLOAD;
		out->unload_by = "portal";
	}
}

/* The stop flag takes out what runs, whatever the policy says; but what was switched off is left alone, and so is
 * a kernel that cannot be helped. */
static bool stops(const struct view *v)
{
	const struct decide_half *h = &v->in->half;

	return v->in->stop == DECIDE_STOP_UNLOAD && v->running && h->known && !h->residue &&
	       h->mode != DECIDE_SWITCH_OFF && sut_streq(h->support, "supported");
}

static const char *make_state(const struct view *v)
{
	const struct decide_in *in = v->in;

	if (v->out->action != DECIDE_NONE)
		return "pending";
	if (!in->half.known)
		return "unknown";
	/* What is so whether there is anything to apply or not. */
	if (v->state && (!strcmp(v->state, "unsupported") || !strcmp(v->state, "reboot-needed") ||
			 !strcmp(v->state, "off")))
		return v->state;
	if (in->half.broken[0])
		return "failed";
	if (!in->registered && !in->repository_set)
		return "not-registered";
	if (in->registered ? in->told == DECIDE_TOLD_NOTHING : in->repository == DECIDE_REPO_NEVER)
		return "unknown";
	if (v->blocked && v->out->wants)
		return v->state;
	return decide_highest_quarantined(v) > v->running ? "quarantined" : "current";
}

void decide(const struct decide_in *in, struct decide_out *ret)
{
	struct view v = {.in = in, .out = ret};

	*ret = (struct decide_out){0};
	v.running = in->half.patch.id[0] ? in->half.patch.level : 0;
	for (size_t i = 0; i < in->nlevels; i++) {
		const struct decide_level *l = &in->levels[i];

		if (decide_is_running(&v, l))
			v.now = l;
		if (l->level > v.running && (!ret->available || l->level > ret->available->level))
			ret->available = l;
	}
	set_pin(&v);

	decide_gate_world(&v);
	if (decide_is_asked(&v))
		want_asked(&v);
	else if (in->registered)
		want_told(&v);
	else if (in->repository_set)
		want_latest(&v);
	decide_gate_root(&v);
	decide_say_rest(&v);

	if (stops(&v)) {
		ret->action = DECIDE_UNLOAD;
		ret->unload_by = "stop-flag";
	} else {
		set_action(&v);
	}
	ret->wants = ret->wanted || v.unmet || decide_told_unload(&v) || ret->action;
	snprintf(ret->state, sizeof(ret->state), "%s", make_state(&v));
}

const char *decide_action_word(enum decide_action a)
{
	return a == DECIDE_APPLY ? "apply" : a == DECIDE_UNLOAD ? "unload" : "none";
}
