// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "console.h"

/* Parameters of paths that name what belongs to a tenant. */
static const char *const owned[] = {"key", "system", "user",	  "token",  "webhook",
				    "job", "scan",   "enrolment", "finding"};

static bool names_owned(const struct operation *op)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(owned); i++)
		if (operation_names(op, owned[i]))
			return true;
	return false;
}

/* What of the first tenant stands in an answer to the second. */
static const char *leak(const struct walk *k, const struct request *q, const struct answer *a)
{
	const char *text = sut_buf_str(&a->body), *id;
	const json_t *v;

	json_object_foreach(k->w.a.ids, id, v) {
		if (strstr(text, id) && !strstr(q->target, id))
			return id;
	}
	return NULL;
}

static void call(struct walk *k, const struct operation *op, const char *role)
{
	_cleanup_(sut_freep) char *target = NULL;
	_cleanup_(answer_release) struct answer a = {0};
	json_t *values = world_values(&k->w, &k->w.a),
	       *body = operation_body(&k->c, op) ? walk_body(k, &k->w.b, op, values) : NULL;
	struct request q = {
		.method = op->method, .token = world_token(&k->w.b, role), .body = body};
	const char *what;
	char why[200];

	q.target = target = operation_target(&k->c, op, values, NULL);
	client_call(&k->c, &q, &a);
	what = leak(k, &q, &a);
	snprintf(why, sizeof(why), "%s: another tenant is told %s", op->id, what ? what : "");
	if (what)
		client_blame(&k->c, &q, &a, why);
	client_conforms(&k->c, op, &q, &a);
	snprintf(why, sizeof(why), "%s as %s of another tenant", op->id, role);
	if (names_owned(op) && a.status != 404 && (sut_streq(role, "admin") || a.status != 403))
		client_blame(&k->c, &q, &a, why);
	json_decref(values);
	json_decref(body);
}

/* What the tenant itself sees, but for what calls change by themselves. */
static json_t *snapshot(struct walk *k)
{
	json_t *all = json_object(), *values = world_values(&k->w, &k->w.a);

	for (size_t i = 0; i < k->nops; i++) {
		const struct operation *op = &k->ops[i];
		_cleanup_(sut_freep) char *target = NULL;
		_cleanup_(answer_release) struct answer a = {0};

		if (!sut_streq(op->method, "GET") || !names_owned(op) ||
		    operation_names(op, "token") || sut_streq(op->id, "listDeliveries") ||
		    sut_streq(op->id, "getOpenvex") || sut_streq(op->id, "getCsaf"))
			continue;
		target = operation_target(&k->c, op, values, NULL);
		client_call(
			&k->c,
			&(struct request){.method = "GET", .target = target, .token = k->w.staff},
			&a);
		json_object_set(all, target, a.json);
	}
	json_decref(values);
	return all;
}

void console_others(struct walk *k)
{
	json_t *before = snapshot(k), *after;
	const json_t *v;
	const char *target;

	for (size_t i = 0; i < k->nops; i++) {
		const struct operation *op = &k->ops[i];

		if (operation_flag(op, "hold") || operation_role(op, "public") ||
		    sut_streq(op->id, "logout") || sut_streq(op->id, "setPortal"))
			continue;
		call(k, op, "admin");
		call(k, op, "auditor");
	}
	after = snapshot(k);
	json_object_foreach(before, target, v) {
		if (!json_equal(v, json_object_get(after, target)))
			client_complain(&k->c, "%s has changed by calls of another tenant", target);
	}
	json_decref(before);
	json_decref(after);
}
