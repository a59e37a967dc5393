// SPDX-License-Identifier: Apache-2.0
/* The end of a probation: are the processes well with the patch? */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/file.h"
#include "suture-apply/health.h"
#include "suture-apply/library/act.h"
#include "suture-apply/library/watch.h"
#include "suture-apply/messages.h"
#include "suture-apply/recover.h"
#include "suture-apply/settings.h"
#include "suture-apply/state.h"
#include "truth/truth.h"

enum { SETTLE_PATIENCE = 4 }; /* probations, one after the other, in which nothing could be told */

/* One that is in probation. */
struct lib_trial {
	char build_id[STORE_BUILD_ID];
	struct guard g;
	const char *why; /* it fell ill: "fault", "health"; NULL: not so far */
	char detail[SUT_ERR_MSG_MAX + 64];
	bool quarantined; /* … before: it could not be taken out so far */
	bool due;
};

struct lib_settle {
	struct apply *a;
	struct machine_kernel k;
	struct lib_trial *v;
	size_t n;
	struct sut_buf messages; /* of the kernel, since the earliest began */
	struct sut_err refused;	 /* health checks that were not run */
};

static void settle_freep(struct lib_settle **s)
{
	if (!*s)
		return;
	sut_buf_release(&(*s)->messages);
	free((*s)->v);
	free(*s);
}

static void fell_ill(struct lib_settle *s, struct lib_trial *t, const char *why, const char *detail)
{
	t->why = why;
	snprintf(t->detail, sizeof(t->detail), "%s", detail);
	apply_step(s->a, "settle", "note", "%s fell ill: %s", t->g.now.id, detail);
}

/* ------------------------------------------------------------------ */

static int find_trials(struct lib_settle *s, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv all = {0};
	int r = store_list(s->a, &all, err);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		struct lib_trial *v = realloc(s->v, (s->n + 1) * sizeof(*v));
		struct sut_err why = {0};

		if (!v)
			return sut_err_oom(err);
		s->v = v;
		v += s->n;
		*v = (struct lib_trial){.why = NULL};
		r = library_recover(s->a, &s->k, all.v[i], &v->g, &why);
		if (r == -EBADMSG) { /* it is told by the state, and keeps no other back */
			r = 0;
			continue;
		}
		if (r < 0 && err)
			*err = why;
		if (r < 0 || v->g.phase != GUARD_PROBATION)
			continue;
		snprintf(v->build_id, sizeof(v->build_id), "%s", all.v[i]);
		v->quarantined = guard_is_quarantined(&v->g, v->g.now.sha256);
		v->due = guard_due(&v->g, s->k.boot_id, s->k.uptime_s);
		s->n++;
	}
	return r;
}

/* What the file of the library is called in a message: its own name, and its soname. */
static json_t *names(struct lib_settle *s, const struct lib_trial *t, const char *ret[2])
{
	json_t *facts = NULL;
	const char *file, *slash;

	ret[0] = ret[1] = NULL;
	if (store_facts(s->a, t->build_id, t->g.now.sha256, &facts, NULL) < 0)
		return NULL;
	file = json_string_value(json_object_get(facts, "file"));
	slash = file ? strrchr(file, '/') : NULL;
	ret[0] = slash ? slash + 1 : file;
	ret[1] = json_string_value(json_object_get(facts, "soname"));
	return facts;
}

static void read_messages(struct lib_settle *s)
{
	int64_t since = INT64_MAX;
	struct sut_err err = {0};

	s->messages = SUT_BUF_INIT(MESSAGES_MAX);
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].g.since_uptime_s < since)
			since = s->v[i].g.since_uptime_s;
	since = since > 0 ? since - 1 : 0;
	if (s->a->machine.messages(s->a->machine.ctx, (uint64_t)since * 1000000, &s->messages,
				   &err) < 0)
		apply_log(LOG_WARNING, "the kernel's messages cannot be read: %s", err.msg);
}

/* At each look, not only at the end: what dies again and again is not waited out. */
static void look_at_faults(struct lib_settle *s, struct lib_trial *t)
{
	struct watch w;
	struct faults_of of = {0};
	struct faults f;
	json_t *facts = names(s, t, of.files);

	watch_patched(s->a, t->build_id);
	watch_read(s->a, t->build_id, &w);
	of.pids = w.pids;
	of.npids = w.npids;
	of.comms = w.comms;
	of.ncomms = w.ncomms;
	faults_scan(sut_buf_str(&s->messages), s->messages.len, &of, &f);
	if (f.fatal)
		fell_ill(s, t, "fault", f.text);
	else if (f.others)
		apply_log(LOG_NOTICE, "%u patched processes died of faults elsewhere than in %s",
			  f.others, of.files[1] ? of.files[1] : t->build_id);
	watch_release(&w);
	json_decref(facts);
}

/* The patch itself may be why its health cannot be told: so long, and no longer, it gets the benefit of the doubt. */
static bool is_overdue(const struct lib_settle *s, const struct lib_trial *t)
{
	return s->k.uptime_s - t->g.since_uptime_s >= SETTLE_PATIENCE * t->g.probation_s;
}

static bool is_asked(const struct lib_trial *t)
{
	return t->due && !t->why && !t->quarantined;
}

/* All that are due are asked about at once; one that fails is blamed on each of them. */
static int ask_for_health(struct lib_settle *s, struct sut_err *err)
{
	struct settings set;
	struct health h = {.ok = true};
	struct sut_err why = {0};
	bool any = false;
	int r;

	for (size_t i = 0; i < s->n; i++)
		any |= is_asked(&s->v[i]);
	if (!any)
		return 0;
	settings_read(s->a, &set);
	r = health_ask(s->a, set.health_s, &h, &why);
	if (r == 0 && h.refused) {
		(void)!sut_err_reason(&s->refused, EPERM, "health",
				      "health checks were not run, because they do not belong to "
				      "root, are links, or others may write them: %s. Mend their "
				      "owner and mode (0755)",
				      h.not_run);
		apply_log(LOG_WARNING, "%s", s->refused.msg);
	}
	for (size_t i = 0; i < s->n; i++) {
		struct lib_trial *t = &s->v[i];

		if (!is_asked(t))
			continue;
		if (r == 0 && !h.ok)
			fell_ill(s, t, "health", h.failed);
		else if (r < 0 && r != -ESHUTDOWN && is_overdue(s, t))
			fell_ill(s, t, "health", why.msg);
		else if (r < 0)
			t->due = false; /* it goes on */
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

/* ------------------------------------------------------------------ */

static int is_good(struct lib_settle *s, struct lib_trial *t, struct sut_err *err)
{
	struct apply *a = s->a;
	struct guard_patch p = t->g.now;
	int r;

	guard_settled(&t->g, a->now());
	r = store_write(a, t->build_id, &t->g, err);
	if (r < 0)
		return sut_err_prefix(err, "%s stood its probation, and that cannot be noted",
				      p.id);
	apply_log(LOG_NOTICE, "%s (level %u) stood its probation", p.id, p.level);
	apply_step(a, "settle", "note", "%s stood its probation", p.id);
	library_tell(a, t->build_id, "settle", "good", &p, NULL);
	watch_forget(a, t->build_id);
	store_tidy(a, t->build_id, &t->g, NULL);
	state_mended_of(a, p.id);
	if (s->refused.code)
		state_failed(a, &s->refused, p.id);
	return 0;
}

/* Durable before it is taken out, so that it does not come back whatever happens. */
static int quarantine(struct lib_settle *s, struct lib_trial *t, struct sut_err *err)
{
	struct apply *a = s->a;
	struct guard_patch p = t->g.now;
	int r;

	guard_quarantine(&t->g, &p, t->why, t->detail, a->now());
	r = store_write(a, t->build_id, &t->g, err);
	if (r < 0)
		return sut_err_prefix(
			err, "%s fell ill and stays, because its quarantine cannot be noted", p.id);
	t->quarantined = true;
	apply_log(LOG_ERR, "%s (level %u) is quarantined: %s", p.id, p.level, t->detail);
	library_tell(a, t->build_id, "settle", "quarantined", &p, t->detail);
	return 0;
}

/* It is out, or the last good one is in its place. */
static int taken_back(struct lib_settle *s, struct lib_trial *t, struct sut_err *err)
{
	struct guard_patch p = t->g.now;
	int r;

	guard_reverted(&t->g, false);
	r = store_write(s->a, t->build_id, &t->g, err);
	library_tell(s->a, t->build_id, "settle", "reverted", &p, "it fell ill");
	watch_forget(s->a, t->build_id);
	return r;
}

static void tell_ill(struct lib_settle *s, const struct guard_patch *p, bool out)
{
	struct sut_err told = {0};

	(void)!sut_err_reason(
		&told, EIO, "quarantined",
		"%s (level %u) fell ill in its probation%s, so that it is quarantined "
		"and not applied here again. 'suture quarantine list' tells more",
		p->id, p->level, out ? "" : " and could not be taken back yet");
	state_failed(s->a, &told, p->id);
}

static int take_back(struct lib_settle *s, struct sut_err *err)
{
	struct sut_err why = {0};
	bool any = false;
	int r;

	for (size_t i = 0; i < s->n; i++)
		any |= s->v[i].quarantined;
	if (!any)
		return 0;
	r = truth_withdraw(s->a->root, &why);
	if (r == 0)
		r = library_feed(s->a, &s->k, FEED_START, NULL, &why);
	for (size_t i = 0; i < s->n; i++) {
		struct guard_patch p = s->v[i].g.now;

		if (!s->v[i].quarantined)
			continue;
		tell_ill(s, &p, r == 0);
		if (r == 0)
			r = taken_back(s, &s->v[i], &why);
	}
	if (r < 0 && err)
		*err = why;
	return r;
}

/* 1: something changed. */
static int settle(struct lib_settle *s, struct sut_err *err)
{
	struct sut_err why = {0};
	bool changed = false;
	int r, first;

	read_messages(s);
	for (size_t i = 0; i < s->n; i++)
		if (!s->v[i].quarantined)
			look_at_faults(s, &s->v[i]);
	first = ask_for_health(s, &why);
	if (first == -ESHUTDOWN)
		first = 0;
	for (size_t i = 0; i < s->n; i++) {
		struct lib_trial *t = &s->v[i];

		if (t->why)
			r = quarantine(s, t, &why);
		else if (t->due && !t->quarantined)
			r = is_good(s, t, &why);
		else
			continue;
		changed = true;
		first = first < 0 ? first : r;
	}
	for (size_t i = 0; i < s->n; i++)
		changed |= s->v[i].quarantined;
	r = take_back(s, &why);
	first = first < 0 ? first : r;
	if (first < 0) {
		apply_log(LOG_WARNING, "%s", why.msg);
		state_failed(s->a, &why, s->v[0].g.now.id);
		if (err)
			*err = why;
	}
	return first < 0 ? first : changed;
}

int library_settle(struct apply *a, struct sut_err *err)
{
	_cleanup_(settle_freep) struct lib_settle *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return sut_err_oom(err);
	s->a = a;
	r = a->machine.kernel(a->machine.ctx, &s->k, err);
	if (r == 0)
		r = find_trials(s, err);
	if (r < 0 || !s->n)
		return r;
	r = settle(s, err);
	if (r)
		recover_publish(a);
	return r < 0 ? r : 0;
}
