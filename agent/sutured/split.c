// SPDX-License-Identifier: Apache-2.0
/* A machine that was told that it is a copy of another one gets a System ID of its own. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "sutured/apply.h"
#include "sutured/enrol.h"
#include "sutured/facts.h"

enum { HOUR_S = 3600 };

static void registering(struct net *n)
{
	for (size_t i = 0; n->parts && n->parts[i]; i++)
		if (n->parts[i]->registering)
			n->parts[i]->registering(n, true);
}

static int ask(struct net *n, struct portal_answer *ret, struct sut_err *err)
{
	json_t *apply = NULL, *body = NULL;
	int r;

	/* The root half may be away; the portal knows what it would say from the original. */
	(void)!apply_state(n, false, &apply, NULL);
	r = facts_system(n, apply, &body, err);
	json_decref(apply);
	if (r == 0)
		r = enrol_prove(n, body, err);
	if (r == 0)
		r = portal_post(n, net_portal(n), "/v1/split", n->id.credential, body, ret, err);
	json_decref(body);
	return r;
}

static bool is_spent(const struct portal_answer *a)
{
	return !strcmp(a->code, "credential-taken") || !strcmp(a->code, "credential-retired");
}

int split(struct net *n, int64_t *ret_retry_s, struct sut_err *err)
{
	_cleanup_answer_ struct portal_answer a = {0};
	char was[sizeof(n->id.system_id)];
	struct enrolled e;
	int r;

	*ret_retry_s = 0;
	registering(n);
	r = enrol_credential(n, false, err);
	if (r == 0)
		r = ask(n, &a, err);
	if (r == 0 && is_spent(&a)) {
		portal_answer_release(&a);
		r = enrol_credential(n, true, err);
		if (r == 0)
			r = ask(n, &a, err);
	}
	if (r < 0)
		return r;
	if (a.status == 409 && !strcmp(a.code, "not-cloned")) {
		n->id.trouble[0] = '\0';
		explicit_bzero(n->id.next, sizeof(n->id.next));
		(void)!net_save(n, NULL);
		return sut_err_reason(err, ENOLINK, "not-cloned",
				      "the portal does not take this machine for a copy any more");
	}
	*ret_retry_s = a.retry_after;
	if (a.status != 200 && a.status != 201) {
		/* Its key has to be mended by people. */
		if (a.status == 403)
			*ret_retry_s = HOUR_S;
		return portal_refused(&a, err);
	}
	r = enrolled_parse(a.body, &e, err);
	if (r < 0)
		return r;
	memcpy(was, n->id.system_id, sizeof(was));
	n->id.external_id[0] = '\0'; /* it is the original's */
	/* A disk that is full does not make it a copy again. */
	(void)!enrol_take(n, &e, NULL);
	net_log(NET_WARNING, "this machine is a copy of %s: its System ID is %s from now on", was,
		n->id.system_id);
	net_due_in(n, NET_DUE_CHECKIN, e.next_checkin_s);
	return 0;
}
