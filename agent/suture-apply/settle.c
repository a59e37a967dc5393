// SPDX-License-Identifier: Apache-2.0
/* The end of a probation: is the machine well with the patch? */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "act.h"
#include "base/str.h"
#include "boot.h"
#include "health.h"
#include "library/act.h"
#include "messages.h"
#include "recover.h"
#include "settings.h"
#include "stage.h"
#include "state.h"

enum { SETTLE_PATIENCE = 4 }; /* probations, one after the other, in which nothing could be told */

struct settle {
	struct apply *a;
	struct machine_kernel k;
	struct guard g;
	struct machine_patch runs;
	const char *why; /* it fell ill: a word of guard.h; NULL: not so far */
	char detail[SUT_ERR_MSG_MAX + 64];
	struct sut_err refused; /* health checks that were not run */
};

static void fell_ill(struct settle *s, const char *why, const char *detail)
{
	s->why = why;
	snprintf(s->detail, sizeof(s->detail), "%s", detail);
	apply_step(s->a, "settle", "note", "%s fell ill: %s", s->g.now.id, detail);
}

/* What the kernel said since the switch. At each look, not only at the end: an oops is not waited out. */
static void look_at_messages(struct settle *s)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(MESSAGES_MAX);
	struct apply *a = s->a;
	struct sut_err err = {0};
	struct messages m;
	int64_t since = s->g.since_uptime_s > 0 ? s->g.since_uptime_s - 1 : 0;

	if (a->machine.messages(a->machine.ctx, (uint64_t)since * 1000000, &text, &err) < 0) {
		apply_log(LOG_WARNING, "the kernel's messages cannot be read: %s", err.msg);
		return;
	}
	messages_scan(sut_buf_str(&text), text.len, s->runs.functions, &m);
	if (m.fatal)
		fell_ill(s, "oops", m.text);
	else if (m.others)
		apply_log(
			LOG_NOTICE,
			"%u reports of the kernel since the switch, none of which names the patch",
			m.others);
}

/* Is the code in force what the patch put there? What cannot be compared says nothing. */
static void compare_code(struct settle *s)
{
	_cleanup_(sut_report_release) struct sut_report rep = {.command = "verify", .json = true};
	_cleanup_(sut_loaded_freep) struct sut_loaded *l = NULL;
	struct sut_trust trust;
	struct sut_err err = {0};
	char text[SUT_ERR_MSG_MAX + 64];

	if (stage_open(s->a, s->g.now.sha256, &l, &trust, &err) < 0) {
		apply_log(LOG_WARNING, "the running code cannot be compared: %s", err.msg);
		return;
	}
	if (s->a->machine.verify(s->a->machine.ctx, l, &rep) == 0)
		return;
	if (rep.result.outcome == SUTURE_E_MISMATCH || rep.result.outcome == SUTURE_E_CHANGED) {
		snprintf(text, sizeof(text), "the running code was changed: %s", rep.err.msg);
		fell_ill(s, "health", text);
	} else {
		apply_log(LOG_NOTICE, "the running code could not be compared: %s", rep.err.msg);
	}
}

/* -errno: nothing is known, so that the probation goes on. */
static int ask_for_health(struct settle *s, struct sut_err *err)
{
	struct settings set;
	struct health h;
	int r;

	settings_read(s->a, &set);
	apply_step(s->a, "health", "begin", "health checks");
	r = health_ask(s->a, set.health_s, &h, err);
	apply_step(s->a, "health", "end", "%s",
		   r < 0  ? err->msg
		   : h.ok ? "all are well"
			  : h.failed);
	if (r < 0)
		return r;
	if (h.refused) {
		(void)!sut_err_reason(&s->refused, EPERM, "health",
				      "health checks were not run, because they do not belong to "
				      "root, are links, or others may write them: %s. Mend their "
				      "owner and mode (0755)",
				      h.not_run);
		apply_log(LOG_WARNING, "%s", s->refused.msg);
	}
	if (!h.ok)
		fell_ill(s, "health", h.failed);
	return 0;
}

/* ------------------------------------------------------------------ */

static int is_good(struct settle *s, struct sut_err *err)
{
	struct apply *a = s->a;
	struct guard_patch p = s->g.now;
	int r;

	guard_settled(&s->g, a->now());
	r = guard_write(a->root, s->k.build_id, &s->g, err);
	if (r < 0)
		return sut_err_prefix(err, "%s stood its probation, and that cannot be noted",
				      p.id);
	apply_log(LOG_NOTICE, "%s (level %u) stood its probation", p.id, p.level);
	apply_step(a, "settle", "note", "%s stood its probation", p.id);
	recover_tell(a, &s->k, "settle", "good", &p, NULL);
	state_mended(a);
	if (s->refused.code)
		state_failed(a, &s->refused, p.id);
	return 0;
}

static int quarantine(struct settle *s, struct sut_err *err)
{
	struct apply *a = s->a;
	struct guard_patch p = s->g.now;
	int r;

	guard_quarantine(&s->g, &p, s->why, s->detail, a->now());
	r = guard_write(a->root, s->k.build_id, &s->g, err);
	if (r < 0)
		return sut_err_prefix(
			err, "%s fell ill and stays, because its quarantine cannot be noted", p.id);
	apply_log(LOG_ERR, "%s (level %u) is quarantined: %s", p.id, p.level, s->detail);
	recover_tell(a, &s->k, "settle", "quarantined", &p, s->detail);
	return 0;
}

/* Out of the kernel: in one pause with the last good one in its place, else alone. */
static int take_back(struct settle *s, struct sut_err *err)
{
	const struct act_opts o = {
		.by = "settle", .reason = "it fell ill", .again = true, .down = true};
	const struct guard_patch *good = &s->g.good;
	bool has_good = good->id[0] && !s->g.unloaded && recover_allowed(s->a, &s->k, NULL) == 0;
	int r;

	if (has_good && act_apply(s->a, good->sha256, &o, NULL, NULL) == 0)
		return 0;
	r = act_unload(s->a, &o, NULL, err);
	/* What kept it away may have passed, or have been the ill one. It is told when not. */
	if (r == 0 && has_good)
		(void)!act_apply(s->a, good->sha256, &o, NULL, NULL);
	return r;
}

static int ill(struct settle *s, struct sut_err *err)
{
	struct guard_patch p = s->g.now;
	struct sut_err told = {0};
	int r = s->why ? quarantine(s, err) : 0;

	if (r == 0)
		r = take_back(s, err);
	(void)!sut_err_reason(
		&told, EIO, "quarantined",
		"%s (level %u) fell ill in its probation%s, so that it is quarantined "
		"and not applied here again. 'suture quarantine list' tells more",
		p.id, p.level, r < 0 ? " and could not be taken back yet" : "");
	state_failed(s->a, &told, p.id);
	return r;
}

/* The patch itself may be why its health cannot be told: so long, and no longer, it gets the benefit of the doubt. */
static bool is_overdue(const struct settle *s)
{
	return s->k.uptime_s - s->g.since_uptime_s >= SETTLE_PATIENCE * s->g.probation_s;
}

static int settle(struct settle *s, struct sut_err *err)
{
	struct apply *a = s->a;
	struct sut_err why = {0};
	int r;

	if (guard_is_quarantined(&s->g, s->g.now.sha256))
		return ill(s, err); /* it could not be taken back so far */
	r = a->machine.patch(a->machine.ctx, &s->runs, err);
	if (r < 0)
		return r;
	look_at_messages(s);
	if (!s->why && !guard_due(&s->g, s->k.boot_id, s->k.uptime_s))
		return 0;
	if (!s->why)
		compare_code(s);
	if (!s->why)
		r = ask_for_health(s, &why);
	if (r < 0 && r != -ESHUTDOWN && is_overdue(s)) {
		fell_ill(s, "health", why.msg);
		r = 0;
	}
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	return s->why ? ill(s, err) : is_good(s, err);
}

int apply_settle(struct apply *a, struct sut_err *err)
{
	_cleanup_(sut_freep) struct settle *s = calloc(1, sizeof(*s));
	struct sut_err why = {0};
	enum guard_phase before;
	int r;

	if (!s)
		return sut_err_oom(err);
	s->a = a;
	r = a->machine.kernel(a->machine.ctx, &s->k, err);
	if (r == 0)
		r = apply_recover(a, &s->k, &s->g, err);
	if (r < 0 || s->g.phase != GUARD_PROBATION)
		return r;
	before = s->g.phase;
	r = settle(s, &why);
	machine_patch_release(&s->runs);
	if (r < 0) {
		apply_log(LOG_WARNING, "%s", why.msg);
		/* That the machine goes down just now is no failure. */
		if (why.code != ESHUTDOWN)
			state_failed(a, &why, s->g.now.id);
		if (err)
			*err = why;
	}
	if (r < 0 || s->why || s->g.phase != before)
		recover_publish(a);
	return r;
}

int verb_settle(struct apply *a, struct verb_call *c _unused_, json_t *answer, struct sut_err *err)
{
	int r = apply_settle(a, err), libraries = library_settle(a, r < 0 ? NULL : err);

	verb_state(a, answer);
	return r < 0 ? r : libraries;
}
