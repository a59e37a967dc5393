// SPDX-License-Identifier: Apache-2.0
#include "recover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/str.h"
#include "boot.h"
#include "clean.h"
#include "common/choice.h"
#include "common/history.h"
#include "settings.h"
#include "state.h"
#include "switch.h"

enum { EVIDENCE_MAX = 64 << 10 };

void recover_tell(struct apply *a, const struct machine_kernel *k, const char *by,
		  const char *event, const struct guard_patch *p, const char *detail)
{
	const struct history_entry e = {.at = a->now(),
					.event = event,
					.id = p && p->id[0] ? p->id : NULL,
					.level = p ? p->level : 0,
					.build_id = k->build_id,
					.by = by,
					.detail = detail};
	struct sut_err err = {0};

	if (history_add(a->root, &e, &err) < 0)
		apply_log(LOG_WARNING, "the history cannot be written: %s", err.msg);
}

void recover_publish(struct apply *a)
{
	struct sut_err err = {0};

	if (state_publish(a, &err) < 0)
		apply_log(LOG_WARNING, "%s", err.msg);
}

int recover_runs(struct apply *a, const struct guard_patch *p, bool *ret, struct sut_err *err)
{
	_cleanup_(machine_patch_release) struct machine_patch runs = {0};
	int r = a->machine.patch(a->machine.ctx, &runs, err);

	if (r == 0)
		*ret = runs.applied && sut_streq(runs.id, p->id) && runs.level == p->level;
	return r;
}

int recover_allowed(struct apply *a, const struct machine_kernel *k, struct sut_err *err)
{
	struct switch_state s;
	struct choice c;
	int r = choice_read(a->root, &c, err);

	if (r < 0)
		return r;
	switch_read(a, k, &c, &s);
	return switch_check(&s, err);
}

/* ------------------------------------------------------------------ */
/* another boot                                                        */

void recover_report(struct apply *a, const struct guard_boot *b)
{
	const struct guard_patch *p = &b->blamed;
	struct sut_err e = {0};

	if (!b->quarantine)
		return;
	(void)!sut_err_reason(&e, EIO, "quarantined",
			      "the machine went down with %s (level %u), so that it is quarantined "
			      "and not applied here again. 'suture quarantine list' tells more",
			      p->id, p->level);
	apply_log(LOG_ERR, "%s", e.msg);
	state_failed(a, &e, p->id);
}

static void tell_blamed(struct apply *a, const struct machine_kernel *k, const struct guard *g,
			const struct guard_boot *b)
{
	const struct guard_patch *p = &b->blamed;

	if (!b->quarantine) {
		apply_log(LOG_WARNING,
			  "the machine went down with %s (level %u), which was good before: it is "
			  "tried again, this was time %u",
			  p->id, p->level, g->tries);
		recover_tell(a, k, "boot", "failed", p, "the machine went down with it");
		return;
	}
	recover_report(a, b);
	for (size_t i = 0; i < g->nquarantined; i++)
		if (sut_streq(g->quarantined[i].patch.sha256, p->sha256))
			recover_tell(a, k, "boot", "quarantined", p, g->quarantined[i].why);
}

/* What the last boot of this kernel build left. */
static int look_back(struct apply *a, const struct machine_kernel *k, struct guard *g,
		     struct guard_boot *b, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf evidence = SUT_BUF_INIT(EVIDENCE_MAX);
	bool clean = clean_has(a->root, g->boot_id);
	struct sut_err why = {0};
	int r;

	if (!clean && a->machine.remains(a->machine.ctx, &evidence, &why) < 0)
		apply_log(LOG_NOTICE, "what the last kernel left cannot be read: %s", why.msg);
	guard_boot(g, k->boot_id, clean, sut_buf_str(&evidence), a->now(), b);
	/* Whoever is killed before this is durable decides again, and the same. */
	r = guard_write(a->root, k->build_id, g, err);
	if (r == 0 && b->unclean)
		tell_blamed(a, k, g, b);
	return r;
}

/* ------------------------------------------------------------------ */
/* this boot                                                           */

static int found_applying(struct apply *a, const struct machine_kernel *k, struct guard *g,
			  struct sut_err *err)
{
	struct guard_patch p = g->now;
	struct settings s;
	bool runs;
	int r = recover_runs(a, &p, &runs, err);

	if (r < 0)
		return r;
	settings_read(a, &s);
	if (runs)
		guard_applied(g, k->uptime_s, s.probation_s);
	else
		guard_failed(g);
	r = guard_write(a->root, k->build_id, g, err);
	if (r == 0)
		recover_tell(a, k, "suture-apply", runs ? "applied" : "failed", &p,
			     "found out after an interruption");
	return r;
}

/* In probation, and not there any more: killed while it was taken out, or somebody took it out by hand. */
static int found_gone(struct apply *a, const struct machine_kernel *k, struct guard *g,
		      struct sut_err *err)
{
	struct guard_patch p = g->now;
	int r;

	guard_reverted(g, !guard_is_quarantined(g, p.sha256));
	r = guard_write(a->root, k->build_id, g, err);
	if (r == 0)
		recover_tell(a, k, "suture-apply", "reverted", &p, "found taken out");
	return r;
}

static int look_here(struct apply *a, const struct machine_kernel *k, struct guard *g,
		     struct sut_err *err)
{
	bool runs;
	int r;

	if (g->phase == GUARD_APPLYING)
		return found_applying(a, k, g, err);
	r = recover_runs(a, &g->now, &runs, err);
	return r < 0 || runs ? r : found_gone(a, k, g, err);
}

int recover(struct apply *a, const struct machine_kernel *k, struct guard *ret,
	    struct guard_boot *ret_boot, struct sut_err *err)
{
	_cleanup_(sut_freep) struct guard *g = calloc(1, sizeof(*g));
	struct guard_boot b = {0};
	int r;

	if (!g)
		return sut_err_oom(err);
	/* A mark of an orderly end in a boot that goes on was made by mistake. */
	if (clean_has(a->root, k->boot_id)) {
		r = clean_remove(a->root, k->boot_id, err);
		if (r < 0)
			return r;
	}
	r = guard_read(a->root, k->build_id, g, err);
	if (r == 0 && g->phase != GUARD_IDLE && sut_streq(g->boot_id, k->boot_id))
		r = look_here(a, k, g, err);
	else if (r == 0 && g->phase != GUARD_IDLE)
		r = look_back(a, k, g, &b, err);
	if (r < 0)
		return r;
	if (!b.unclean)
		guard_boot(g, k->boot_id, true, "", a->now(), &b);
	*ret = *g;
	*ret_boot = b;
	return 0;
}

int apply_recover(struct apply *a, const struct machine_kernel *k, struct guard *ret,
		  struct sut_err *err)
{
	struct guard_boot b;

	return recover(a, k, ret, &b, err);
}
