// SPDX-License-Identifier: Apache-2.0
#include "sutured/checkin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sutured/apply.h"
#include "sutured/enrol.h"
#include "sutured/facts.h"
#include "sutured/portal.h"
#include "sutured/report.h"
#include "sutured/told.h"

enum {
	RETRY_MAX_S = 300,
	RETRY_AFTER_MAX_S = 3600,
	HOUR_S = 3600,
	USUAL_S = 300,
	ERRORS_MAX = 8,
	SOON_MAX = 10,
	SOON_EVERY_S = 60,
};

/* ------------------------------------------------------------------ */
/* What is not mended yet */

void checkin_error(struct net *n, const char *code, const char *patchset, const char *message)
{
	json_t *all = state_get(n, "_errors");
	char at[sizeof("2026-11-21T20:15:00Z")];

	if (!json_is_object(all)) {
		json_decref(all);
		all = json_object();
	}
	state_time(net_now(n), at);
	if (json_object_get(all, code) || json_object_size(all) < ERRORS_MAX)
		(void)json_object_set_new(all, code,
					  json_pack("{s:s, s:s, s:s}", "message", message,
						    "patchset", patchset, "at", at));
	state_set(n, "_errors", all);
}

void checkin_mended(struct net *n, const char *code)
{
	json_t *all = state_get(n, "_errors");

	if (code && json_is_object(all)) {
		(void)json_object_del(all, code);
		state_set(n, "_errors", all);
		return;
	}
	json_decref(all);
	if (!code)
		state_set(n, "_errors", json_object());
}

/* ------------------------------------------------------------------ */
/* When */

/* Those after which only an administrator can help. */
static bool must_not(const struct identity *i)
{
	return !identity_registered(i) || (*i->trouble && strcmp(i->trouble, "cloned") != 0);
}

static int64_t failed(struct net *n, const char *message)
{
	int64_t failures = state_int(n, "checkin", "failures", 0) + 1;
	int64_t wait = failures > 9 ? RETRY_MAX_S : INT64_C(1) << (failures - 1);

	/* One line when it begins, not one every five minutes. */
	if (failures == 1)
		net_log(NET_WARNING, "%s", message);
	state_update(n, "checkin",
		     json_pack("{s:I, s:s}", "failures", (json_int_t)failures, "error", message));
	return wait < RETRY_MAX_S ? wait : RETRY_MAX_S;
}

/* After what the portal asks for, and some more: those whom it sent away together come back apart. */
static int64_t after(struct net *n, unsigned int retry_after)
{
	int64_t wait = retry_after < RETRY_AFTER_MAX_S ? retry_after : RETRY_AFTER_MAX_S;
	uint32_t dice = 0;

	if (n->ops.random(n->ops.ctx, &dice, sizeof(dice)) < 0)
		dice = 0;
	return wait + dice % (wait / 4 + 2);
}

static int64_t usual(struct net *n)
{
	if (n->conf.heartbeat_s)
		return n->conf.heartbeat_s;
	return n->checkin_s ? n->checkin_s : USUAL_S;
}

/* An agent that cannot make up its mind is not to besiege the portal: so many at once, then one a minute. */
static bool may_hurry(struct net *n)
{
	int64_t now = net_boot_s(n) + SOON_EVERY_S * SOON_MAX;
	bool yes;

	pthread_mutex_lock(&n->lock);
	if (n->soon_from < now - SOON_EVERY_S * SOON_MAX)
		n->soon_from = now - SOON_EVERY_S * SOON_MAX;
	yes = n->soon_from + SOON_EVERY_S <= now;
	if (yes)
		n->soon_from += SOON_EVERY_S;
	pthread_mutex_unlock(&n->lock);
	return yes;
}

void checkin_soon(struct net *n)
{
	if (state_int(n, "checkin", "failures", 0))
		return; /* it is tried again and again anyway */
	net_due_by(n, NET_DUE_CHECKIN, may_hurry(n) ? 0 : SOON_EVERY_S);
}

/* ------------------------------------------------------------------ */
/* What comes back */

static void give_up(struct net *n, const struct portal_answer *a, struct sut_err *err)
{
	(void)portal_refused(a, err);
	(void)snprintf(n->id.trouble, sizeof(n->id.trouble), "%s", *a->code ? a->code : "refused");
	n->id.nonce[0] = '\0';
	(void)!net_save(n, NULL);
	net_log(NET_ERR, "%s", err->msg);
	state_update(n, "checkin", json_pack("{s:s}", "error", err->msg));
	net_due_in(n, NET_DUE_CHECKIN, -1);
}

static void heard(struct net *n, const struct told *t, const struct report *sent)
{
	const char *machine = json_string_value(json_object_get(sent->body, "machine_id"));
	struct identity *i = &n->id;
	char at[sizeof("2026-11-21T20:15:00Z")];

	if (*i->machine_id && strcmp(i->machine_id, machine) != 0) {
		net_log(NET_WARNING,
			"/etc/machine-id is another one than before; the portal knows");
		(void)json_array_append_new(t->notices, json_string("machine-id-changed"));
	}
	if (state_int(n, "checkin", "failures", 0))
		net_log(NET_INFO, "the portal answers again");
	i->serial = t->serial;
	i->nonce[0] = '\0';
	i->heard_at = net_now(n);
	memcpy(i->feed, t->feed, sizeof(i->feed));
	(void)snprintf(i->machine_id, sizeof(i->machine_id), "%s", machine);
	(void)!net_save(n, NULL);
	state_time(i->heard_at, at);
	state_update(n, "checkin",
		     json_pack("{s:s, s:i, s:s}", "last", at, "failures", 0, "error", ""));
	state_set(n, "told", json_incref(t->kernel));
	state_set(n, "_told_libraries", json_incref(t->libraries));
	state_set(n, "held", json_incref(t->held));
	state_set(n, "notices", json_incref(t->notices));
	state_set(n, "_facts", json_string(sent->facts));
	state_set(n, "_reported", json_string(sent->what));
	n->checkin_s = t->next_checkin_s;
	n->check_s = t->next_check_s;
	net_due_in(n, NET_DUE_CHECKIN,
		   n->conf.heartbeat_s ? n->conf.heartbeat_s : t->next_checkin_s);
	net_due_by(n, NET_DUE_CHECK, n->conf.check_s ? n->conf.check_s : t->next_check_s);
}

/* After all that others had to do because of it: is what was reported still so? */
static void compare(struct net *n, struct task *t _unused_)
{
	_cleanup_report_ struct report report = {0};
	char reported[SUT_SHA256_HEX], facts[SUT_SHA256_HEX];
	struct sut_err err;
	json_t *apply = NULL;

	state_text(n, "_reported", NULL, reported, sizeof(reported));
	state_text(n, "_facts", NULL, facts, sizeof(facts));
	if (must_not(&n->id) || !*reported || apply_state(n, false, &apply, &err) < 0)
		return;
	if (report_make(n, apply, facts, &report, &err) == 0 &&
	    (strcmp(report.what, reported) != 0 || strcmp(report.facts, facts) != 0))
		checkin_soon(n);
	json_decref(apply);
}

static void tell_parts(struct net *n)
{
	for (size_t i = 0; n->parts && n->parts[i]; i++)
		if (n->parts[i]->told)
			n->parts[i]->told(n);
	task_post(n, "report", compare);
}

static int try_split(struct net *n, struct sut_err *err)
{
	int64_t retry, wait;
	int r = split(n, &retry, err);

	if (r == 0) {
		/* What was heard was for the other one. */
		state_set(n, "_facts", json_string(""));
		state_update(n, "checkin", json_pack("{s:i, s:s}", "failures", 0, "error", ""));
		return 0;
	}
	if (r == -ENOLINK) {
		net_due_in(n, NET_DUE_CHECKIN, 1);
		return r;
	}
	wait = failed(n, err->msg);
	net_due_in(n, NET_DUE_CHECKIN, retry ? after(n, (unsigned int)retry) : wait);
	return r;
}

static int understood(struct net *n, const struct portal_answer *a, const struct report *sent,
		      struct sut_err *err)
{
	_cleanup_told_ struct told t = {0};
	int64_t wait;
	int r;

	if (a->status == 200) {
		r = told_parse(a->body, &t, err);
		if (r < 0) {
			net_due_in(n, NET_DUE_CHECKIN, failed(n, err->msg));
			return r;
		}
		heard(n, &t, sent);
		tell_parts(n);
		return 0;
	}
	if (a->status == 409 && !strcmp(a->code, "cloned")) {
		memcpy(n->id.trouble, "cloned", sizeof("cloned"));
		n->id.nonce[0] = '\0';
		(void)!net_save(n, NULL);
		return try_split(n, err);
	}
	r = portal_refused(a, err);
	/* Words that are the portal's own: a proxy before it may say 401, too. */
	if ((a->status == 401 && sut_startswith(a->code, "credential-")) ||
	    (a->status == 410 && sut_startswith(a->code, "system-"))) {
		give_up(n, a, err);
		return r;
	}
	wait = failed(n, err->msg);
	if (a->status == 403 && !strcmp(a->code, "tenant-disabled"))
		wait = HOUR_S;
	else if (a->status == 422)
		wait = usual(n);
	else if (a->retry_after)
		wait = after(n, a->retry_after);
	net_due_in(n, NET_DUE_CHECKIN, wait);
	return r;
}

/* ------------------------------------------------------------------ */

/* The nonce is durable before it is sent; where the disk does not let us, it is sent all the same. */
static int begin(struct net *n, struct sut_err *err)
{
	uint8_t raw[IDENTITY_NONCE / 2];

	if (*n->id.nonce)
		return 0; /* of one that had no answer: the same again */
	if (n->ops.random(n->ops.ctx, raw, sizeof(raw)) < 0)
		return sut_err_set(err, EIO, "there are no random numbers");
	sut_hex(raw, sizeof(raw), n->id.nonce);
	(void)!net_save(n, NULL);
	return 0;
}

static int checkin(struct net *n, struct sut_err *err)
{
	_cleanup_answer_ struct portal_answer a = {0};
	_cleanup_report_ struct report report = {0};
	char known[SUT_SHA256_HEX];
	json_t *apply = NULL;
	int r = begin(n, err);

	if (r < 0)
		return r;
	if (apply_state(n, false, &apply, NULL) < 0)
		apply = NULL;
	state_text(n, "_facts", NULL, known, sizeof(known));
	r = report_make(n, apply, known, &report, err);
	json_decref(apply);
	if (r == 0)
		r = portal_post(n, net_portal(n), "/v1/checkin", n->id.credential, report.body, &a,
				err);
	if (r < 0) {
		net_due_in(n, NET_DUE_CHECKIN, failed(n, err->msg));
		return r;
	}
	return understood(n, &a, &report, err);
}

int checkin_now(struct net *n, struct sut_err *err)
{
	if (!identity_registered(&n->id))
		return sut_err_reason(
			err, ENOENT, "not-registered",
			"this machine is at no portal: 'suture register' makes it a system");
	if (must_not(&n->id))
		return sut_err_reason(
			err, EKEYREJECTED, n->id.trouble,
			"this machine must not check in (%s); 'suture register' makes it a "
			"system again",
			n->id.trouble);
	if (!strcmp(n->id.trouble, "cloned"))
		return try_split(n, err);
	return checkin(n, err);
}

void checkin_run(struct net *n, struct task *t _unused_)
{
	struct sut_err err = {0};

	if (!must_not(&n->id))
		(void)!checkin_now(n, &err);
}

void checkin_look(struct net *n, struct task *t _unused_)
{
	struct sut_err err;
	json_t *apply = NULL;

	if (apply_state(n, false, &apply, &err) < 0)
		return;
	for (size_t i = 0; n->parts && n->parts[i]; i++)
		if (n->parts[i]->changed)
			n->parts[i]->changed(n, apply);
	json_decref(apply);
	task_post(n, "report", compare);
}

void checkin_start(struct net *n)
{
	if (!must_not(&n->id))
		net_due_in(n, NET_DUE_CHECKIN, 0);
}
