// SPDX-License-Identifier: Apache-2.0
#include "guard.h"

#include <string.h>

#include "base/str.h"

static const struct guard_patch none;

static bool is_patch(const struct guard_patch *p)
{
	return p->id[0];
}

static bool same(const struct guard_patch *a, const struct guard_patch *b)
{
	return is_patch(a) && is_patch(b) && sut_streq(a->sha256, b->sha256);
}

static void to_idle(struct guard *g)
{
	g->phase = GUARD_IDLE;
	g->now = none;
	g->before = none;
	g->boot_id[0] = 0;
	g->since = g->since_uptime_s = g->probation_s = 0;
}

void guard_begin(struct guard *g, const struct guard_patch *p, const char *boot_id, int64_t now,
		 int64_t uptime_s)
{
	struct guard_patch next = *p;

	if (g->phase == GUARD_PROBATION && sut_streq(g->boot_id, boot_id))
		g->before = g->now;
	else if (g->phase != GUARD_APPLYING || !sut_streq(g->boot_id, boot_id))
		g->before = none;
	g->phase = GUARD_APPLYING;
	g->now = next;
	snprintf(g->boot_id, sizeof(g->boot_id), "%s", boot_id);
	g->since = now;
	g->since_uptime_s = uptime_s;
	/* probation_s stays: it is that of `before`. */
}

void guard_applied(struct guard *g, int64_t uptime_s, int64_t probation_s)
{
	if (g->phase != GUARD_APPLYING)
		return;
	g->phase = GUARD_PROBATION;
	g->before = none;
	g->since_uptime_s = uptime_s;
	g->probation_s = probation_s;
	g->unloaded = false;
}

void guard_failed(struct guard *g)
{
	if (g->phase != GUARD_APPLYING)
		return;
	if (!is_patch(&g->before)) {
		to_idle(g);
		return;
	}
	g->phase = GUARD_PROBATION;
	g->now = g->before;
	g->before = none;
}

void guard_reverted(struct guard *g, bool on_purpose)
{
	to_idle(g);
	if (on_purpose)
		g->unloaded = true;
}

bool guard_due(const struct guard *g, const char *boot_id, int64_t uptime_s)
{
	return g->phase == GUARD_PROBATION && sut_streq(g->boot_id, boot_id) &&
	       uptime_s - g->since_uptime_s >= g->probation_s;
}

void guard_settled(struct guard *g, int64_t now)
{
	if (g->phase != GUARD_PROBATION || guard_is_quarantined(g, g->now.sha256))
		return;
	if (!same(&g->good, &g->now))
		g->good_since = now;
	g->good = g->now;
	g->tries = 0;
	to_idle(g);
}

static void forget(struct guard *g, size_t i)
{
	g->nquarantined--;
	memmove(&g->quarantined[i], &g->quarantined[i + 1],
		(g->nquarantined - i) * sizeof(g->quarantined[0]));
	memset(&g->quarantined[g->nquarantined], 0, sizeof(g->quarantined[0]));
}

void guard_quarantine(struct guard *g, const struct guard_patch *p, const char *why,
		      const char *detail, int64_t now)
{
	struct guard_patch patch = *p; /* p may be g->now or g->good */
	struct guard_quarantined *q;

	guard_release(g, patch.sha256);
	if (g->nquarantined == GUARD_QUARANTINED_MAX)
		forget(g, 0);
	q = &g->quarantined[g->nquarantined++];
	q->patch = patch;
	q->at = now;
	snprintf(q->why, sizeof(q->why), "%s", why);
	guard_detail(detail, q->detail);
	if (same(&g->good, &patch)) {
		g->good = none;
		g->good_since = 0;
		g->tries = 0;
	}
}

bool guard_is_quarantined(const struct guard *g, const char *sha256)
{
	for (size_t i = 0; i < g->nquarantined; i++)
		if (sut_streq(g->quarantined[i].patch.sha256, sha256))
			return true;
	return false;
}

size_t guard_release(struct guard *g, const char *sha256)
{
	size_t n = 0;

	for (size_t i = g->nquarantined; i > 0; i--)
		if (!sha256 || sut_streq(g->quarantined[i - 1].patch.sha256, sha256)) {
			forget(g, i - 1);
			n++;
		}
	return n;
}

/* The machine went down with g->now. */
static void blame(struct guard *g, const char *evidence, int64_t now, struct guard_boot *ret)
{
	const char *why = *evidence ? "panic" : "unclean";

	ret->unclean = true;
	ret->blamed = g->now;
	if (guard_is_quarantined(g, g->now.sha256))
		; /* it was about to be taken back */
	else if (same(&g->now, &g->good) && g->tries < GUARD_TRIES)
		g->tries++;
	else {
		ret->quarantine = true;
		guard_quarantine(g, &g->now, why, evidence, now);
	}
	if (is_patch(&g->before) && !same(&g->before, &g->good) &&
	    !guard_is_quarantined(g, g->before.sha256))
		guard_quarantine(g, &g->before, why, evidence, now);
}

void guard_boot(struct guard *g, const char *boot_id, bool ended_clean, const char *evidence,
		int64_t now, struct guard_boot *ret)
{
	*ret = (struct guard_boot){0};
	if (g->phase != GUARD_IDLE && sut_streq(g->boot_id, boot_id))
		return; /* no boot: what the engine says decides */
	if (g->phase != GUARD_IDLE) {
		if (!ended_clean)
			blame(g, evidence, now, ret);
		to_idle(g);
	}
	if (!g->unloaded && is_patch(&g->good) && !guard_is_quarantined(g, g->good.sha256))
		ret->apply = g->good;
}
