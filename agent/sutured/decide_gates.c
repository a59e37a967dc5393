// SPDX-License-Identifier: Apache-2.0
#include "base/str.h"
#include "sutured/decide_view.h"

enum { CLOCK_OFF = 24 * 3600 }; /* so far off is wrong, seconds */

static void gate_machine(struct view *v)
{
	const struct decide_half *h = &v->in->half;
	bool force = v->in->asks == DECIDE_ASKS_FORCE;

	if (!h->known) {
		decide_add(v, true, "root-half", NULL, 0,
			   "systemctl status suture-apply.socket suture-apply.service",
			   "suture-apply does not answer: what runs here is not known");
		return;
	}
	if (!sut_streq(h->support, "supported"))
		decide_add(v, true, h->support, NULL, 0,
			   sut_streq(h->support, "container")
				   ? "install the agent on the machine whose kernel it is"
			   : sut_streq(h->support, "foreign")
				   ? "one live patcher at a time: remove the other one, and reboot"
				   : "this machine has to be updated and rebooted as usual",
			   "no patch can be applied here: %s",
			   is_text(h->support_text) ? h->support_text : h->support);
	if (h->residue)
		decide_add(
			v, true, "reboot-needed", NULL, 0, "reboot this machine",
			"after a patch was taken out the kernel's code was not what it was before");
	if (is_text(h->broken))
		decide_add(
			v, true, h->broken, NULL, 0,
			sut_streq(h->broken, "choice")
				? "choose anew: 'suture mode normal', and pin, hold and tags if there were any"
				: "'suture quarantine release --all' begins a new guard, when nothing "
				  "was quarantined that is to stay out",
			"%s", h->broken_text);
	if (h->mode == DECIDE_SWITCH_OFF && sut_streq(h->mode_by, "cmdline"))
		decide_add(v, true, "off-cmdline", NULL, 0,
			   "remove suture=off from the kernel command line, and reboot",
			   "switched off by suture=off on the kernel command line");
	else if (h->mode == DECIDE_SWITCH_OFF && sut_streq(h->mode_by, "file"))
		decide_add(v, true, "off-file", NULL, 0, "rm /etc/suture/disabled",
			   "switched off by the file /etc/suture/disabled");
	else if (h->mode == DECIDE_SWITCH_OFF)
		decide_add(v, true, "off-mode", NULL, 0, "suture mode normal",
			   "switched off by 'suture mode off'");
	/* Of a choice that cannot be read it is said already. */
	if (h->mode == DECIDE_SWITCH_NO_APPLY && !force && !sut_streq(h->broken, "choice"))
		decide_add(
			v, true, "no-apply", NULL, 0,
			sut_streq(h->mode_by, "cmdline")
				? "remove suture=no-apply from the kernel command line, and reboot"
				: "suture mode normal",
			"what runs stays as it is: %s",
			sut_streq(h->mode_by, "cmdline")
				? "suture=no-apply is on the kernel command line"
				: "'suture mode no-apply' was said");
}

static void gate_stop(struct view *v)
{
	const struct decide_in *in = v->in;

	if (in->stop == DECIDE_STOP_NONE)
		return;
	decide_add(v, true, "stop-flag", NULL, 0,
		   "nothing: it ends when those who release patches take the flag back",
		   "those who release patches have stopped them%s%s",
		   is_text(in->stop_reason) ? ": " : "", or_empty(in->stop_reason));
}

static bool clock_wrong(const struct decide_in *in)
{
	int64_t off;

	if (in->clock && !__builtin_sub_overflow(in->now, in->clock, &off) &&
	    (off > CLOCK_OFF || off < -CLOCK_OFF))
		return true;
	return in->floor > CLOCK_OFF && in->now < in->floor - CLOCK_OFF;
}

static void say_not_registered(struct view *v)
{
	const char *trouble = or_empty(v->in->trouble);

	if (sut_streq(trouble, "identity-damaged"))
		decide_add(v, true, "not-registered", NULL, 0,
			   "suture register --portal URL; it gets the same System ID",
			   "who this machine is to its portal was lost: its identity.json in "
			   "/var/lib/suture/agent was damaged, and lies beside as "
			   "identity.json.damaged");
	else if (is_text(trouble))
		decide_add(v, true, "not-registered", NULL, 0,
			   "look at the disk (journalctl -u sutured), then 'systemctl restart "
			   "sutured'; or register again",
			   "/var/lib/suture/agent/identity.json cannot be read, so it is not known "
			   "who this machine is to its portal");
	else
		decide_add(v, true, "not-registered", NULL, 0, "suture register --portal URL",
			   "this machine is not registered with a portal");
}

static void gate_portal(struct view *v)
{
	const struct decide_in *in = v->in;

	if (!in->registered && !in->repository_set) {
		say_not_registered(v);
		return;
	}
	if (!in->registered)
		return;
	/* Who names a level does not need the portal for it. */
	if (is_text(in->trouble))
		decide_add(
			v, !decide_is_asked(v), "portal-refused", NULL, 0,
			sut_streq(in->trouble, "cloned")
				? "it gets a System ID of its own by itself; 'suture check' tries it now"
				: "'suture register' makes it known again",
			"the portal does not know this machine any more: %s", in->trouble);
	else if (in->told == DECIDE_TOLD_NOTHING)
		decide_add(v, !decide_is_asked(v), "portal-silent", NULL, 0,
			   "'suture check' asks now, and says what is wrong",
			   "the portal has not said yet what this machine is to run");
	else if (in->heard > 0 && in->heard < in->now && in->now - in->heard > in->grace_s)
		decide_add(
			v, !decide_is_asked(v), "portal-silent", NULL, 0,
			"'suture check' asks now, and says what is wrong",
			"the portal has not been heard for %lld days: what runs goes on, nothing new is "
			"applied",
			(long long)((in->now - in->heard) / 86400));
}

static bool is_refusal(const char *code)
{
	static const char *const codes[] = {"signatures", "version", "rollback", "hash",
					    "length",	  "format",  "missing"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(codes); i++)
		if (sut_streq(code, codes[i]))
			return true;
	return false;
}

static void gate_repository(struct view *v)
{
	const struct decide_in *in = v->in;
	bool wrong = clock_wrong(in), good = in->repository == DECIDE_REPO_GOOD;
	const char *code = or_empty(in->check_code), *text = or_empty(in->check_text);

	if (!in->registered && !in->repository_set)
		return;
	if (wrong)
		decide_add(v, !good, "clock", NULL, 0,
			   "set the clock (timedatectl status), then 'suture check'",
			   "this machine's clock is wrong by a day or more: what is signed for a "
			   "time cannot be judged");
	else if (in->repository == DECIDE_REPO_EXPIRED)
		decide_add(
			v, true, "metadata-expired", NULL, 0,
			"tell those who publish the repository; look at this machine's clock, too",
			"what the repository says has expired: it is not renewed, or somebody keeps the "
			"new one from this machine");
	if (is_text(code) && is_refusal(code))
		decide_add(
			v, !good, "repository-refused", NULL, 0,
			"'suture check' tries again; if it stays, tell those who publish the repository",
			"what came from the repository is not believed: %s", text);
	else if (is_text(code) && !sut_streq(code, "expired"))
		decide_add(v, !good, "repository-silent", NULL, 0,
			   "'suture check' tries again; look at network, proxy and repository",
			   "the repository could not be read: %s", text);
	else if (in->repository == DECIDE_REPO_NEVER && !wrong && !is_text(code))
		decide_add(v, true, "repository-silent", NULL, 0, "'suture check' looks now",
			   "the repository was not read yet");
}

/* Root's own word: for a change of any kind. */
static void gate_hold(struct view *v)
{
	const struct choice *c = v->in->choice;

	if (v->in->asks == DECIDE_ASKS_FORCE || !c->hold ||
	    (c->hold_until && c->hold_until <= v->in->now))
		return;
	if (c->hold_until)
		decide_again_at(v, c->hold_until);
	decide_add(v, true, "hold", v->out->wanted, c->hold_until,
		   "'suture hold --release' ends it", "this machine is on hold%s%s",
		   c->hold_reason[0] ? ": " : "", c->hold_reason);
}

/* When changes are made at all. */
static void gate_policy(struct view *v)
{
	const struct decide_in *in = v->in;
	const struct decide_level *l = v->out->wanted;

	if (in->asks != DECIDE_ASKS_NOBODY)
		return;
	if (in->policy->update == AGENT_UPDATE_MANUAL)
		decide_add(v, true, "manual", l, 0, "'suture update' does it",
			   "/etc/suture/agent.conf says that changes are made by hand");
	if (in->policy->update == AGENT_UPDATE_WINDOW && !in->window_open) {
		decide_again_at(v, in->window_opens);
		decide_add(v, true, "window", l, in->window_opens,
			   "'suture update' does not wait for it",
			   "the maintenance window is closed");
	}
}

static void gate_target(struct view *v)
{
	const struct decide_in *in = v->in;
	const struct decide_level *l = v->out->wanted;
	bool asked = in->asks != DECIDE_ASKS_NOBODY;
	unsigned int a = decide_against(v, l);

	/* What the portal tells, or a pin names, needs no further word of the portal. */
	if (!decide_is_asked(v))
		a &= ~(unsigned int)AGAINST_PORTAL;
	decide_say_against(v, a, l, true);
	if (in->half.unloaded && !in->unloaded_by_us && !asked)
		decide_add(v, true, "unloaded", l, 0, "'suture update' applies it again",
			   "the patch was taken out by hand on this machine");
	if (in->half.engine == DECIDE_ENGINE_REFUSED && !asked)
		decide_add(v, true, "engine-refused", l, 0,
			   "enrol the key that signed suture.ko (mokutil --import), and reboot",
			   "this kernel does not take suture.ko: %s",
			   is_text(in->half.engine_text) ? in->half.engine_text
							 : "it is not signed by a key it trusts");
	if (is_text(in->failed_code) && sut_streq(or_empty(in->failed_sha256), l->sha256)) {
		bool waits = in->retry_s > 0 && !asked;
		int64_t until = 0;

		if (waits)
			decide_again_in(v, in->retry_s);
		if (!waits || __builtin_add_overflow(in->now, in->retry_s, &until))
			until = 0;
		decide_add(
			v, waits, in->failed_code, l, until,
			"'suture update' tries it now; 'suture preflight' tells what is in the way",
			"%s (level %u) could not be applied: %s", l->id, l->level,
			or_empty(in->failed_text));
	}
}

void decide_gate_world(struct view *v)
{
	gate_machine(v);
	gate_stop(v);
	gate_portal(v);
	gate_repository(v);
}

void decide_gate_root(struct view *v)
{
	gate_hold(v);
	if (v->out->wanted)
		gate_target(v);
	if (v->out->wanted || decide_told_unload(v))
		gate_policy(v);
}

/* ------------------------------------------------------------------ */
/* What is only said                                                    */

static void say_portal_held(struct view *v)
{
	const struct decide_in *in = v->in;

	for (size_t i = 0; i < in->nheld; i++) {
		const struct decide_told_held *h = &in->held[i];
		struct decide_reason *r;

		if (v->out->wanted && v->out->wanted->level == h->level)
			continue;
		r = decide_add(
			v, false, "portal-held", NULL, h->until,
			"those who run the portal decide it; 'suture update --to' with --force goes "
			"beyond it",
			"the portal holds %s (level %u) back (%s)%s%s", or_empty(h->id), h->level,
			or_empty(h->reason), is_text(h->detail) ? ": " : "", or_empty(h->detail));
		if (r) {
			r->id = h->id;
			r->level = h->level;
			r->cves = h->cves;
			r->ncves = h->ncves;
		}
	}
}

uint32_t decide_highest_quarantined(const struct view *v)
{
	uint32_t level = 0;

	for (size_t i = 0; i < v->in->half.nquarantined; i++)
		if (v->in->half.quarantined[i].level > level)
			level = v->in->half.quarantined[i].level;
	return level;
}

static void say_quarantined(struct view *v)
{
	const struct decide_half *h = &v->in->half;

	/* The newest first: that is what people ask about. */
	for (size_t i = h->nquarantined; i-- > 0;)
		if (h->quarantined[i].level > v->running &&
		    (!v->out->wanted ||
		     !sut_streq(v->out->wanted->sha256, h->quarantined[i].sha256))) {
			struct decide_reason *r = decide_add(
				v, false, "quarantined", NULL, 0, QUARANTINE_ADVICE,
				"%s (level %u) was taken out after it did harm on this machine (%s)",
				h->quarantined[i].id, h->quarantined[i].level,
				h->quarantined[i].why);

			if (r) {
				r->id = h->quarantined[i].id;
				r->level = h->quarantined[i].level;
			}
		}
}

/* The last word, when nothing is in the way and nothing is to be done. */
static void say_current(struct view *v)
{
	const struct decide_in *in = v->in;
	const struct decide_level *top = v->out->available;

	if (in->repository == DECIDE_REPO_GOOD && !in->nlevels && !v->running && in->library)
		decide_add(v, false, "no-patch", NULL, 0, "", "the repository has no patch for %s",
			   in->library);
	else if (in->repository == DECIDE_REPO_GOOD && !in->nlevels && !v->running)
		decide_add(v, false, "no-patch", NULL, 0,
			   is_text(in->near)
				   ? "boot one of these kernels to be protected without reboots"
				   : "install this system's newest kernel, and boot it",
			   "the repository has no patch for this kernel (%s)%s%s",
			   in->half.release[0] ? in->half.release : "unknown",
			   is_text(in->near) ? ", but for: " : "", or_empty(in->near));
	else if (top && in->registered && !decide_portal_holds(v, top) && top != v->out->wanted &&
		 !decide_is_quarantined(v, top))
		decide_add(
			v, false, "portal-held", top, 0,
			"those who run the portal decide it: it is not in this machine's feed",
			"the repository has %s (level %u), and the portal does not tell this machine to "
			"run it",
			top->id, top->level);
	if (!v->out->nreasons)
		decide_add(v, false, "current", v->now, 0, "",
			   v->running ? "%s runs what it is to run: level %u"
				      : "there is nothing that %s is to run (level %u)",
			   what_it_is(v), v->running);
}

void decide_say_rest(struct view *v)
{
	say_portal_held(v);
	say_quarantined(v);
	say_current(v);
}
