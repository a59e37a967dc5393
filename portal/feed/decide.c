// SPDX-License-Identifier: Apache-2.0
#include "feed/decide.h"

#include <string.h>

#define NEVER INT64_MAX
enum { WHYS = DECIDE_WHY_DELAY + 1 };

/* What is the same for all entries. */
struct view {
	const struct decide_in *in;
	uint32_t pin_level;  /* no level above it; UINT32_MAX: see pin_created */
	int64_t pin_created; /* nothing created at or after it; NEVER: no such limit */
	bool hold;
	const struct decide_entry *running; /* NULL: nothing, or nothing we know */
};

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static bool is_withdrawn(const struct decide_entry *e)
{
	return e->gone || e->state == DECIDE_WITHDRAWN;
}

/* A pin to a patchset is one to its level, for kernels it has something for; for others it is one to the
 * time it was made. */
static void set_pin(struct view *w)
{
	const struct feed_pin *p = &w->in->pin;

	w->pin_level = UINT32_MAX;
	w->pin_created = NEVER;
	switch (p->kind) {
	case FEED_PIN_NONE:
		return;
	case FEED_PIN_LEVEL:
		w->pin_level = p->level;
		return;
	case FEED_PIN_DATE:
		w->pin_created = p->created;
		return;
	case FEED_PIN_PATCHSET:
		for (size_t i = 0; i < w->in->n; i++) {
			if (strcmp(w->in->v[i].patchset, p->patchset) != 0)
				continue;
			w->pin_level = w->in->v[i].level;
			return;
		}
		w->pin_created = p->created && p->created < NEVER ? p->created + 1 : 0;
		return;
	}
}

static bool is_beyond_pin(const struct view *w, const struct decide_entry *e)
{
	return e->level > w->pin_level || e->created >= w->pin_created;
}

static int64_t delay_ends(const struct view *w, const struct decide_entry *e)
{
	int64_t t;

	return __builtin_add_overflow(e->entered, w->in->delay_sec, &t) ? NEVER : t;
}

/* Until when each reason stands against the entry; what is not after now does not. */
static void set_ends(const struct view *w, const struct decide_entry *e, int64_t ends[static WHYS])
{
	const struct decide_in *in = w->in;

	ends[DECIDE_WHY_WITHDRAWN] = is_withdrawn(e) ? NEVER : in->now;
	ends[DECIDE_WHY_HELD] = e->state != DECIDE_HELD ? in->now : e->until ? e->until : NEVER;
	ends[DECIDE_WHY_PIN] = is_beyond_pin(w, e) ? NEVER : in->now;
	/* Going down from what was withdrawn is allowed on hold. */
	ends[DECIDE_WHY_SYSTEM_HOLD] = !w->hold || e->level < in->running ? in->now
				       : in->hold_until			  ? in->hold_until
									  : NEVER;
	ends[DECIDE_WHY_DELAY] = delay_ends(w, e);
}

/* The reason that lasts longest. Returns when it ends; not after now: there is none. */
static int64_t longest(const struct view *w, const struct decide_entry *e, enum decide_why *ret)
{
	int64_t ends[WHYS];
	enum decide_why why = DECIDE_WHY_WITHDRAWN;

	set_ends(w, e, ends);
	for (int i = 1; i < WHYS; i++)
		if (ends[i] > ends[why])
			why = (enum decide_why)i;
	*ret = why;
	return ends[why];
}

static bool is_allowed(const struct view *w, const struct decide_entry *e)
{
	enum decide_why why;

	return e->state != DECIDE_ABSENT && longest(w, e, &why) <= w->in->now;
}

/* Levels are unique for a kernel; should two be equal, the later one, so that the answer is always the same. */
static bool is_higher(const struct decide_entry *a, const struct decide_entry *b)
{
	if (a->level != b->level)
		return a->level > b->level;
	if (a->created != b->created)
		return a->created > b->created;
	return strcmp(a->patchset, b->patchset) > 0;
}

static const struct decide_entry *find_running(const struct decide_in *in)
{
	const char *name = or_empty(in->running_patchset);
	const struct decide_entry *best = NULL;

	for (size_t i = 0; in->running && i < in->n; i++) {
		const struct decide_entry *e = &in->v[i];

		if (e->level == in->running && (!*name || !strcmp(e->patchset, name)) &&
		    (!best || is_higher(e, best)))
			best = e;
	}
	return best;
}

/* The highest that is allowed. On hold: only below what runs (see set_ends()). */
static const struct decide_entry *find_best(const struct view *w)
{
	const struct decide_entry *best = NULL;

	for (size_t i = 0; i < w->in->n; i++)
		if (is_allowed(w, &w->in->v[i]) && (!best || is_higher(&w->in->v[i], best)))
			best = &w->in->v[i];
	return best;
}

static bool must_leave(const struct view *w)
{
	if (!w->in->running)
		return false;
	if (w->running && is_withdrawn(w->running))
		return true;
	if (w->hold)
		return false;
	return w->running ? is_beyond_pin(w, w->running) : w->in->running > w->pin_level;
}

/* Keeps the list sorted, highest first, and forgets the lowest when it is full. */
static void add_held(struct decide_out *out, const struct decide_held *h)
{
	size_t i = out->nheld;

	while (i > 0 && is_higher(h->entry, out->held[i - 1].entry))
		i--;
	if (i == DECIDE_HELD_MAX)
		return;
	if (out->nheld < DECIDE_HELD_MAX)
		out->nheld++;
	memmove(&out->held[i + 1], &out->held[i], (out->nheld - 1 - i) * sizeof(*h));
	out->held[i] = *h;
}

static void list_held(const struct view *w, struct decide_out *out)
{
	for (size_t i = 0; i < w->in->n; i++) {
		const struct decide_entry *e = &w->in->v[i];
		struct decide_held h = {.entry = e};
		int64_t ends;

		if (e->level <= out->level || (e->state == DECIDE_ABSENT && e != w->running))
			continue;
		ends = longest(w, e, &h.why);
		if (ends <= w->in->now)
			continue;
		h.until = ends == NEVER ? 0 : ends;
		add_held(out, &h);
		if (ends < out->valid_until)
			out->valid_until = ends;
	}
	/* What runs beyond the pin goes when the hold ends. */
	if (w->hold && w->in->hold_until && w->in->hold_until < out->valid_until)
		out->valid_until = w->in->hold_until;
}

void decide(const struct decide_in *in, struct decide_out *ret)
{
	struct view w = {.in = in, .running = find_running(in)};
	const struct decide_entry *best;
	bool leave;

	ret->action = DECIDE_NONE;
	ret->target = NULL;
	ret->level = 0;
	ret->nheld = 0;
	ret->valid_until = NEVER;
	w.hold = in->hold && (!in->hold_until || in->hold_until > in->now);
	set_pin(&w);
	leave = must_leave(&w);
	best = find_best(&w);
	if (best && best != w.running && (leave || (!w.hold && best->level >= in->running))) {
		ret->action = DECIDE_APPLY;
		ret->target = best;
		ret->level = best->level;
	} else if (leave) {
		ret->action = DECIDE_UNLOAD;
	} else if (in->running) {
		ret->action = DECIDE_KEEP;
		ret->target = w.running;
		ret->level = in->running;
	}
	list_held(&w, ret);
}

const char *decide_action_name(enum decide_action a)
{
	static const char *const names[] = {"none", "keep", "apply", "unload"};

	return names[a];
}

const char *decide_why_name(enum decide_why w)
{
	static const char *const names[WHYS] = {"withdrawn", "held", "pin", "system-hold", "delay"};

	return names[w];
}
