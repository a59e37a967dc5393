// SPDX-License-Identifier: Apache-2.0
#include "sutured/verb.h"

#include <string.h>

#include "sutured/job.h"
#include "sutured/library.h"
#include "sutured/update.h"

static const struct verb verbs[] = {
	{.name = "status", .all = true, .now = verb_status},
	{.name = "register", .run = verb_register},
	{.name = "unregister", .run = verb_unregister},
	{.name = "check", .run = verb_check},
	{.name = "update", .run = verb_update},
	{.name = "explain", .all = true, .run = verb_explain},
	{.name = "lib-update", .run = verb_lib_update},
	{.name = "lib-explain", .all = true, .run = verb_lib_explain},
	{.name = "job", .run = verb_job},
	{.name = "reload", .run = verb_reload},
};

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(verbs); i++)
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}

int verb_status(struct net *n, const json_t *request _unused_, json_t **ret, struct sut_err *err)
{
	*ret = state_document(n);
	return *ret ? 0 : sut_err_oom(err);
}

int net_reload(struct net *n, struct sut_err *err)
{
	struct agent_conf conf;
	int r = agent_conf_read(n->root, &conf, err);

	if (r < 0)
		return r;
	n->conf = conf;
	net_http_drop(n);
	state_identity(n);
	if (conf.heartbeat_s && net_due_left(n, NET_DUE_CHECKIN) >= 0)
		net_due_by(n, NET_DUE_CHECKIN, conf.heartbeat_s);
	if (conf.check_s && net_due_left(n, NET_DUE_CHECK) >= 0)
		net_due_by(n, NET_DUE_CHECK, conf.check_s);
	for (size_t i = 0; n->parts && n->parts[i]; i++)
		if (n->parts[i]->reloaded)
			n->parts[i]->reloaded(n);
	return 0;
}

void verb_reload(struct net *n, struct task *t)
{
	struct sut_err err;

	if (net_reload(n, &err) < 0) {
		net_log(NET_ERR, "%s. The settings stay as they were", err.msg);
		task_fail(t, &err, NULL);
		return;
	}
	net_log(NET_INFO, "%s was read again", AGENT_CONF);
	task_ok(t, NULL);
}
