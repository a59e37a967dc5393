// SPDX-License-Identifier: Apache-2.0
/* The verb `unregister`: this machine leaves its portal. What runs stays. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "sutured/enrol.h"
#include "sutured/verb.h"

/* 0: the portal has let it go, or did not know it any more. */
static int leave(struct net *n, struct sut_err *err)
{
	_cleanup_answer_ struct portal_answer a = {0};
	int r;

	if (!identity_registered(&n->id))
		return 0;
	r = portal_post(n, net_portal(n), "/v1/unregister", n->id.credential, NULL, &a, err);
	if (r < 0)
		return r;
	if (a.status == 204 || a.status == 200 || a.status == 410 || a.status == 401)
		return 0;
	return portal_refused(&a, err);
}

static void forget_parts(struct net *n, bool purge)
{
	for (size_t i = 0; n->parts && n->parts[i]; i++)
		if (n->parts[i]->forget)
			n->parts[i]->forget(n, purge);
}

/* Where the portal is, and by which authority, stays for the next time. */
static void forget(struct net *n)
{
	struct identity i = {.ca = n->id.ca};

	memcpy(i.portal, n->id.portal, sizeof(i.portal));
	identity_wipe(&n->id);
	n->id = i;
	(void)!net_save(n, NULL);
}

static int purge(struct net *n, struct sut_err *err)
{
	static const char *const paths[] = {
		AGENT_IDENTITY,	 AGENT_IDENTITY ".damaged",
		AGENT_PORTAL_CA, AGENT_JOB_KEY,
		AGENT_TUF,	 AGENT_DOWNLOAD,
		AGENT_JOBS,	 AGENT_NET_STATE,
	};
	int r = 0;

	identity_wipe(&n->id);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(paths); i++) {
		const struct agent_path p = agent_path(n->root, paths[i]);
		struct sut_err why;
		int x = sut_rm_rf(p.s, &why);

		if (x < 0 && r == 0) {
			r = x;
			*err = why;
		}
	}
	return r;
}

void verb_unregister(struct net *n, struct task *t)
{
	bool all = json_is_true(json_object_get(t->request, "purge"));
	const char *warning = "";
	struct sut_err err = {0};
	char was[sizeof(n->id.system_id)];
	int r = leave(n, &err);

	if (r < 0 && !all) {
		task_fail(t, &err, NULL);
		return;
	}
	if (r < 0)
		warning = "the portal was not told; delete the system there";
	memcpy(was, n->id.system_id, sizeof(was));
	net_due_in(n, NET_DUE_CHECKIN, -1);
	forget_parts(n, all);
	forget(n);
	r = state_forget(n, &err);
	if (r == 0 && all)
		r = purge(n, &err);
	net_http_drop(n);
	state_identity(n);
	if (*was)
		net_log(NET_INFO, "%s is no system any more%s", was,
			all ? "; all that was kept is gone" : "");
	if (r < 0)
		task_fail(t, &err, NULL);
	else
		task_ok(t, json_pack("{s:s, s:s}", "system_id", was, "warning", warning));
}
