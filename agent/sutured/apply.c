// SPDX-License-Identifier: Apache-2.0
#include "sutured/apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "common/when.h"
#include "sutured/facts.h"
#include "sutured/state.h"

enum {
	STATUS_MS = 60000,
	OLD_S = 6 * 60 * 60, /* what root tells others counts for a day, and asking makes it new */
	OLD_METRICS_S = 60,  /* with metrics: at each heartbeat, once */
};

static void on_progress(void *ctx, const json_t *p)
{
	const char *step = json_string_value(json_object_get(p, "step"));
	const char *state = json_string_value(json_object_get(p, "state"));
	const char *text = json_string_value(json_object_get(p, "text"));
	json_int_t done = json_integer_value(json_object_get(p, "done"));
	json_int_t total = json_integer_value(json_object_get(p, "total"));

	if (step && state)
		task_progress(ctx, step, state, text ? text : "", done < 0 ? 0 : (uint64_t)done,
			      total < 0 ? 0 : (uint64_t)total);
}

int apply_call(struct net *n, struct task *t, json_t *request, const struct wire_fds *fds,
	       int timeout_ms, json_t **ret, struct sut_err *err)
{
	const struct agent_path path = agent_path(n->root, AGENT_APPLY_SOCKET);
	int r;

	if (!request)
		return sut_err_oom(err);
	r = wire_call(path.s, request, fds, timeout_ms, on_progress, t, ret, err);
	json_decref(request);
	return r;
}

/* What root has written for everybody, when it is of this boot. NULL otherwise. */
static json_t *published(struct net *n)
{
	const struct agent_path path = agent_path(n->root, AGENT_APPLY_STATE);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(WIRE_MAX);
	char boot[65];
	const char *its;
	json_t *j = NULL;

	if (sut_file_read(path.s, &b, NULL) < 0 || wire_parse(b.data, b.len, &j, NULL) < 0)
		return NULL;
	facts_boot_id(NULL, boot);
	its = json_string_value(json_object_get(j, "boot_id"));
	/* Below another root there is no boot that would have emptied it. */
	if (sut_streq(json_string_value(json_object_get(j, "format")), "suture-apply-state") &&
	    its && (*n->root || !strcmp(its, boot)))
		return j;
	json_decref(j);
	return NULL;
}

/* Metrics and what expires are made by root, and only when it is asked. */
static bool is_old(struct net *n, const json_t *state)
{
	const char *at = json_string_value(json_object_get(state, "at"));
	int64_t limit = *n->conf.metrics ? OLD_METRICS_S : OLD_S, now = net_now(n), t;

	return !at || !when_parse(at, &t) || now - t > limit || t - now > limit;
}

/* With what is known of us, for the metrics. */
static json_t *status_request(struct net *n)
{
	json_t *all = state_document(n);
	json_t *r = json_pack(
		"{s:s, s:{s:O?, s:O?, s:O?, s:O?}}", "verb", "status", "agent", "registered",
		json_object_get(all, "registered"), "state", json_object_get(all, "state"),
		"checkin", json_object_get(all, "checkin"), "check", json_object_get(all, "check"));

	json_decref(all);
	return r;
}

/* What is written for everybody has no product_uuid: it is asked for once, and remembered. */
static void remember_product(struct net *n, const json_t *answer)
{
	const char *is = json_string_value(json_object_get(answer, "product_uuid"));

	pthread_mutex_lock(&n->lock);
	(void)snprintf(n->product_uuid, sizeof(n->product_uuid), "%s", is ? is : "");
	n->product_known = true;
	pthread_mutex_unlock(&n->lock);
}

/* False when it has to be asked for. */
static bool add_product(struct net *n, json_t *state)
{
	char is[sizeof(n->product_uuid)];
	bool known;

	pthread_mutex_lock(&n->lock);
	memcpy(is, n->product_uuid, sizeof(is));
	known = n->product_known;
	pthread_mutex_unlock(&n->lock);
	return known && json_object_set_new(state, "product_uuid", json_string(is)) == 0;
}

int apply_state(struct net *n, bool ask, json_t **ret, struct sut_err *err)
{
	json_t *j = ask ? NULL : published(n), *now = NULL;
	int r = 0;

	if (!j || !add_product(n, j) || is_old(n, j)) {
		r = apply_call(n, NULL, status_request(n), NULL, STATUS_MS, &now, err);
		if (r == 0)
			remember_product(n, now);
		/* It is true until it is replaced, however old. */
		if (r < 0 && j) {
			json_decref(now);
			now = sut_steal(j);
			r = 0;
		}
		json_decref(j);
		j = now;
	}
	if (r < 0) {
		json_decref(j);
		return r;
	}
	*ret = j;
	return 0;
}
