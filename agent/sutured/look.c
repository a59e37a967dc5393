// SPDX-License-Identifier: Apache-2.0
#include "sutured/look.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "sutured/apply.h"
#include "sutured/half.h"
#include "sutured/library.h"

enum {
	INTERVAL = 4 * 3600, /* seconds, when nobody says anything else */
	RETRY_FIRST = 15 * 60,
	FIRST_MAX = 60, /* the first one comes within so long */
	AGAIN = 15 * 60,
};

int64_t look_interval(struct net *n)
{
	return n->conf.check_s ? n->conf.check_s : state_int(n, "_pace", "check_s", INTERVAL);
}

int64_t look_first(struct net *n)
{
	int64_t max = look_interval(n) / 10;
	uint32_t dice = 0;

	if (max > FIRST_MAX)
		max = FIRST_MAX;
	if (n->ops.random(n->ops.ctx, &dice, sizeof(dice)) < 0)
		dice = 0;
	return dice % (max + 1);
}

bool look_where(const struct net *n)
{
	char url[AGENT_URL_MAX + 1];

	/* Who was at a portal and forgot it does not do as it likes. */
	if (!identity_registered(&n->id) &&
	    (n->conf.portal[0] || n->id.trouble[0] || !n->conf.repository[0]))
		return false;
	return net_repository(n, url, NULL) == 0;
}

bool look_may(struct net *n)
{
	int64_t at = state_int(n, "_looked", "boot_s", -1), now = net_boot_s(n);
	int64_t interval = look_interval(n);

	return at < 0 || at > now || now - at >= (interval < AGAIN ? interval : AGAIN);
}

/* ------------------------------------------------------------------ */

static void note_clock(struct net *n, const struct half *h)
{
	struct sut_http_stats stats = {0};

	if (n->http)
		sut_http_stats(n->http, &stats);
	if (stats.date)
		state_set(n, "_clock",
			  json_pack("{s:I, s:s, s:I}", "date", (json_int_t)stats.date, "boot_id",
				    h->boot_id, "boot_s", (json_int_t)net_boot_s(n)));
}

static void next(struct net *n, int64_t in_s)
{
	net_due_in(n, NET_DUE_CHECK, in_s);
	state_update(n, "check", json_pack("{s:o}", "next", state_time_json(net_now(n) + in_s)));
}

static void note_failure(struct net *n, const struct sut_err *e)
{
	int64_t failures = state_int(n, "check", "failures", 0) + 1;
	int64_t wait = RETRY_FIRST, interval = look_interval(n);

	for (int64_t i = 1; i < failures && wait < interval; i++)
		wait *= 2;
	/* One line when it begins. */
	if (failures == 1)
		net_log(NET_WARNING, "%s", e->msg);
	state_update(n, "check",
		     json_pack("{s:I, s:s}", "failures", (json_int_t)failures, "error", e->msg));
	state_set(n, "_check", json_pack("{s:s, s:s}", "code", e->reason, "text", e->msg));
	next(n, wait < interval ? wait : interval);
}

static void note_success(struct net *n, const json_t *doc)
{
	if (state_int(n, "check", "failures", 0))
		net_log(NET_INFO, "the repository answers again");
	state_update(
		n, "check",
		json_pack("{s:o, s:i, s:s, s:o}", "last", state_time_json(net_now(n)), "failures",
			  0, "error", "", "expires",
			  state_time_json(json_integer_value(json_object_get(doc, "expires")))));
	state_set(n, "_check", json_object());
	next(n, look_interval(n));
}

/* What the metadata say of themselves is told as it is; everything else is that we did not get there. */
static void name_it(struct sut_err *e)
{
	static const char *const own[] = {"signatures", "version",	  "rollback",  "expired",
					  "hash",	"length",	  "missing",   "format",
					  "no-root",	"not-registered", "root-half", "disk-full"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(own); i++)
		if (sut_streq(e->reason, own[i]))
			return;
	snprintf(e->reason, sizeof(e->reason), "%s",
		 e->code == ENOSPC || e->code == EDQUOT ? "disk-full" : "repository-unreachable");
}

static int list(struct net *n, const struct half *h, const struct update_ask *ask,
		struct repository *r, json_t **ret, struct sut_err *err)
{
	struct repository_wants more = {
		.levels = {(uint32_t)state_int(n, "told", "level", 0), ask ? ask->level : 0,
			   h->choice.pin == CHOICE_PIN_LEVEL ? h->choice.pin_level : 0,
			   h->h.patch.level},
		.ids = {ask ? ask->id : NULL,
			h->choice.pin == CHOICE_PIN_PATCHSET ? h->choice.pin_patchset : NULL},
	};
	json_t *old = state_get(n, "_repository");
	int k = repository_list(r, h, old, &more, ret, err);

	json_decref(old);
	return k;
}

int look(struct net *n, struct task *t, const struct update_ask *ask, struct repository *ret,
	 struct sut_err *err)
{
	_cleanup_(repository_close) struct repository r = {0};
	json_t *state = NULL, *doc = NULL;
	struct sut_err e = {0};
	struct half h = {0};
	int k;

	if (!look_where(n))
		return sut_err_reason(
			err, ENOENT, "not-registered",
			"this machine is at no portal: 'suture register' makes it a system");
	task_progress(t, "metadata", "begin", "", 0, 0);
	state_set(n, "_looked", json_pack("{s:I}", "boot_s", (json_int_t)net_boot_s(n)));
	k = apply_state(n, false, &state, &e);
	if (k == 0)
		k = half_read(state, &h, &e);
	json_decref(state);
	if (k < 0)
		(void)sut_err_reason(&e, EHOSTDOWN, "root-half", "%s", e.msg);
	else
		k = repository_open(n, &r, &e);
	note_clock(n, &h);
	if (k == 0)
		k = list(n, &h, ask, &r, &doc, &e);
	task_progress(t, "metadata", "end", k < 0 ? e.msg : "", 0, 0);
	if (k < 0) {
		name_it(&e);
		note_failure(n, &e);
		if (err)
			*err = e;
		return -e.code;
	}
	state_set(n, "_repository", json_incref(doc));
	library_look(n, &r);
	note_success(n, doc);
	json_decref(doc);
	*ret = r;
	r.tuf = NULL;
	return 0;
}
