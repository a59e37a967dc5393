// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "sutured/decide_view.h"

int64_t decide_seen(const struct decide_level *l, int64_t now)
{
	int64_t t = l->seen > l->created ? l->seen : l->created;

	return t < now ? t : now;
}

int64_t decide_delay_ends(const struct view *v, const struct decide_level *l)
{
	int64_t t;

	return __builtin_add_overflow(decide_seen(l, v->in->now), v->in->policy->delay_s, &t)
		       ? INT64_MAX
		       : t;
}

bool decide_is_running(const struct view *v, const struct decide_level *l)
{
	const struct decide_half *h = &v->in->half;

	if (!v->running || l->level != h->patch.level)
		return false;
	return h->patch.sha256[0] ? sut_streq(h->patch.sha256, l->sha256)
				  : sut_streq(h->patch.id, l->id);
}

bool decide_is_quarantined(const struct view *v, const struct decide_level *l)
{
	for (size_t i = 0; i < v->in->half.nquarantined; i++)
		if (sut_streq(v->in->half.quarantined[i].sha256, l->sha256))
			return true;
	return false;
}

const struct decide_level *decide_find_level(const struct view *v, uint32_t level)
{
	for (size_t i = 0; i < v->in->nlevels; i++)
		if (v->in->levels[i].level == level)
			return &v->in->levels[i];
	return NULL;
}

const struct decide_level *decide_find_id(const struct view *v, const char *id)
{
	for (size_t i = 0; i < v->in->nlevels; i++)
		if (sut_streq(v->in->levels[i].id, id))
			return &v->in->levels[i];
	return NULL;
}

const struct decide_told_held *decide_portal_holds(const struct view *v,
						   const struct decide_level *l)
{
	for (size_t i = 0; i < v->in->nheld; i++)
		if (v->in->held[i].level == l->level && sut_streq(v->in->held[i].id, l->id))
			return &v->in->held[i];
	return NULL;
}

/* Was it made after the end of the day "2026-11-21", UTC? What does not say when counts from when it was seen. */
static bool made_after(const struct decide_level *l, const char *date, int64_t now)
{
	time_t t = (time_t)(l->created ? l->created : decide_seen(l, now));
	char day[32] = "9999-99-99";
	struct tm tm;

	if (gmtime_r(&t, &tm) && tm.tm_year >= 0 && tm.tm_year < 8100)
		(void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	return strcmp(day, date) > 0;
}

bool decide_beyond_pin(const struct view *v, const struct decide_level *l)
{
	const struct choice *c = v->in->choice;

	switch (c->pin) {
	case CHOICE_PIN_NONE:
		return false;
	case CHOICE_PIN_DATE:
		return made_after(l, c->pin_date, v->in->now);
	case CHOICE_PIN_LEVEL:
		return l->level > v->cap;
	case CHOICE_PIN_PATCHSET:
		return !sut_streq(l->id, c->pin_patchset);
	}
	return true;
}

static bool beyond_sticky(const struct view *v, const struct decide_level *l)
{
	const struct agent_policy *p = v->in->policy;

	return (p->sticky_level && l->level > p->sticky_level) ||
	       (p->sticky_date[0] && made_after(l, p->sticky_date, v->in->now));
}

/* Asked for by its name. */
bool decide_is_asked(const struct view *v)
{
	return v->in->asks != DECIDE_ASKS_NOBODY && (v->in->ask_level || is_text(v->in->ask_id));
}

/* What the clock, the policy and the administrator have against a level, as far as who asks is bound by it. */
/* The highest level that the portal is known to allow. */
static uint32_t told_up_to(const struct view *v)
{
	const struct decide_in *in = v->in;

	if (in->told == DECIDE_TOLD_APPLY)
		return in->told_level;
	if (in->told == DECIDE_TOLD_KEEP)
		return in->told_level > v->running ? in->told_level : v->running;
	return 0;
}

unsigned int decide_against(const struct view *v, const struct decide_level *l)
{
	const struct decide_in *in = v->in;
	bool force = in->asks == DECIDE_ASKS_FORCE;
	unsigned int a = 0;

	if (decide_is_quarantined(v, l))
		a |= AGAINST_QUARANTINE;
	if (!force && decide_beyond_pin(v, l))
		a |= AGAINST_PIN;
	/* What comes down is never too far, and never too new. */
	if (l->level > v->running) {
		if (!force && !decide_is_asked(v) && beyond_sticky(v, l))
			a |= AGAINST_STICKY;
		if (in->asks == DECIDE_ASKS_NOBODY && decide_delay_ends(v, l) > in->now)
			a |= AGAINST_DELAY;
	}
	/* Who names a level that the portal does not tell has to mean it; what root has pinned, it named. */
	if (!force && in->registered && l != v->named &&
	    (decide_portal_holds(v, l) || l->level > told_up_to(v)))
		a |= AGAINST_PORTAL;
	return a;
}

bool decide_told_unload(const struct view *v)
{
	return v->in->registered && v->in->told == DECIDE_TOLD_UNLOAD && v->running &&
	       !decide_is_asked(v);
}
