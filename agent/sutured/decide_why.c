// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/utf8.h"
#include "sutured/decide_view.h"

enum { AGAIN_MAX = 7 * 24 * 3600 }; /* nobody looks further ahead */

/* What the machine says of itself while a reason keeps something back; "failed" for all others. */
static const struct {
	const char *code, *state;
} states[] = {
	{"root-half", "unknown"},
	{"container", "unsupported"},
	{"arch", "unsupported"},
	{"foreign", "unsupported"},
	{"reboot-needed", "reboot-needed"},
	{"off-cmdline", "off"},
	{"off-file", "off"},
	{"off-mode", "off"},
	{"no-apply", "held"},
	{"stop-flag", "held"},
	{"not-registered", "not-registered"},
	{"portal-refused", "held"},
	{"portal-silent", "held"},
	{"clock", "pending"},
	{"metadata-expired", "pending"},
	{"repository-silent", "pending"},
	{"repository-refused", "pending"},
	{"not-in-repository", "pending"},
	{"hold", "held"},
	{"pin", "held"},
	{"sticky", "held"},
	{"window", "held"},
	{"delay", "held"},
	{"manual", "held"},
	{"unloaded", "held"},
	{"portal-held", "held"},
	{"quarantined", "quarantined"},
	{"download", "pending"},
	{"busy", "pending"},
	{"unreliable-stack", "pending"},
};

static const char *state_of(const char *code)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(states); i++)
		if (sut_streq(states[i].code, code))
			return states[i].state;
	return "failed";
}

/* Libraries have commands of their own. */
static void put_advice(const struct view *v, const char *advice, char ret[static DECIDE_TEXT_MAX])
{
	static const char command[] = "'suture update";
	const char *at = v->in->library ? strstr(advice, command) : NULL;

	if (at)
		snprintf(ret, DECIDE_TEXT_MAX, "%.*s'suture lib update%s", (int)(at - advice),
			 advice, at + strlen(command));
	else
		snprintf(ret, DECIDE_TEXT_MAX, "%s", advice);
}

struct decide_reason *decide_add(struct view *v, bool blocks, const char *code,
				 const struct decide_level *l, int64_t until, const char *advice,
				 const char *fmt, ...)
{
	struct decide_out *out = v->out;
	struct decide_reason *r;
	va_list ap;

	if (blocks && !v->blocked) {
		v->blocked = true;
		v->state = state_of(code);
	}
	if (out->nreasons == DECIDE_REASONS_MAX)
		return NULL;
	r = &out->reasons[out->nreasons++];
	snprintf(r->code, sizeof(r->code), "%s", code);
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
	/* Words of others are in it, and it goes to terminals. */
	sut_make_printable(r->text, "");
	put_advice(v, advice, r->advice);
	r->until = until;
	r->blocks = blocks;
	if (l) {
		r->id = l->id;
		r->level = l->level;
		r->cves = l->cves;
		r->ncves = l->ncves;
	}
	return r;
}

/* Something is different by the clock alone at `at`. */
void decide_again_at(struct view *v, int64_t at)
{
	int64_t in_s;

	if (at <= v->in->now || __builtin_sub_overflow(at, v->in->now, &in_s))
		return;
	if (in_s > AGAIN_MAX)
		in_s = AGAIN_MAX;
	if (!v->out->again_s || in_s < v->out->again_s)
		v->out->again_s = in_s;
}

void decide_again_in(struct view *v, int64_t in_s)
{
	if (in_s > AGAIN_MAX)
		in_s = AGAIN_MAX;
	if (in_s > 0 && (!v->out->again_s || in_s < v->out->again_s))
		v->out->again_s = in_s;
}

void decide_say_against(struct view *v, unsigned int a, const struct decide_level *l, bool blocks)
{
	const struct decide_in *in = v->in;
	const struct decide_told_held *h;

	if (a & AGAINST_QUARANTINE)
		decide_add(
			v, blocks, "quarantined", l, 0, QUARANTINE_ADVICE,
			"%s (level %u) was taken out after it did harm on this machine, and is not applied "
			"again",
			l->id, l->level);
	if (a & AGAINST_PIN)
		decide_add(v, blocks, "pin", l, 0, "'suture pin none' takes the pin back",
			   "%s (level %u) is beyond the pin of this machine", l->id, l->level);
	if (a & AGAINST_PORTAL) {
		h = decide_portal_holds(v, l);
		decide_add(v, blocks, "portal-held", l, h ? h->until : 0,
			   "'suture update --to LEVEL --force' applies it all the same",
			   "the portal holds %s (level %u) back: %s", l->id, l->level,
			   h ? (is_text(h->detail) ? h->detail : or_empty(h->reason))
			     : "it has not told this machine to run it");
	}
	if (a & AGAINST_STICKY)
		decide_add(
			v, blocks, "sticky", l, 0,
			"change sticky-level or sticky-date in /etc/suture/agent.conf, or name the level: "
			"'suture update --to LEVEL'",
			"%s (level %u) is beyond what /etc/suture/agent.conf sticks to", l->id,
			l->level);
	if (a & AGAINST_DELAY) {
		int64_t ends = decide_delay_ends(v, l);

		decide_again_at(v, ends);
		decide_add(
			v, blocks, "delay", l, ends, "'suture update' does not wait for it",
			l->created > in->now
				? "%s (level %u) was made in the future of this machine's clock"
				: "this machine has not known %s (level %u) for as long as its delay "
				  "says",
			l->id, l->level);
	}
}
