// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "walk.h"

/* Parameters of paths that name what belongs to a tenant. */
static const char *const owned[] = {"key", "system", "user", "token", "webhook", "feed", NULL};

static bool names_owned(const struct operation *op)
{
	for (size_t i = 0; owned[i]; i++)
		if (operation_names(op, owned[i]))
			return true;
	return false;
}

/* What of A stands in an answer to B, and not in B's own request; NULL: nothing. */
static const char *leak(const struct walk *k, const struct request *q, const struct answer *a)
{
	_cleanup_(sut_freep) char *sent = q->body ? json_dumps(q->body, 0) : NULL;
	const char *text = sut_buf_str(&a->body), *id;
	const json_t *v;

	json_object_foreach(k->w.a.ids, id, v) {
		if (strstr(text, id) && !strstr(q->target, id) && !(sent && strstr(sent, id)))
			return id;
	}
	if (strstr(text, k->w.a.name) && !strstr(q->target, k->w.a.name) &&
	    !(sent && strstr(sent, k->w.a.name)))
		return k->w.a.name;
	if (strstr(text, k->w.a.key) || strstr(text, k->w.a.credential))
		return "a secret";
	return NULL;
}

static void look(struct walk *k, const struct operation *op, const struct request *q,
		 struct answer *a)
{
	const char *what;
	char why[200];

	client_call(&k->c, q, a);
	what = leak(k, q, a);
	snprintf(why, sizeof(why), "%s: another tenant is told %s", op->id, what ? what : "");
	if (what)
		client_blame(&k->c, q, a, why);
	client_conforms(&k->c, op, q, a);
}

/* With A's ids and B's token. */
static void operation(struct walk *k, const struct operation *op, const char *who,
		      const char *token)
{
	_cleanup_(sut_freep) char *target = NULL;
	_cleanup_(answer_release) struct answer a = {0};
	json_t *values = world_values(&k->w, &k->w.a), *body;
	struct request q = {.method = op->method, .token = token};
	char why[200];

	body = walk_body(k, &k->w.b, op, values);
	q.target = target = operation_target(&k->c, op, values, NULL);
	q.body = body;
	look(k, op, &q, &a);
	snprintf(why, sizeof(why), "%s as %s of another tenant", op->id, who);
	if (names_owned(op) && a.status != 404 && a.status != 403)
		client_blame(&k->c, &q, &a, why);
	/* An admin may do all of it in his own tenant, so what he is told is that it is not there. */
	if (names_owned(op) && sut_streq(who, "admin") && a.status != 404)
		client_blame(&k->c, &q, &a, why);
	json_decref(values);
	json_decref(body);
}

/* Bodies and arguments that name A's things, from B. All have to be refused. */
static void refer(struct walk *k, const char *method, const char *target, json_t *body)
{
	_cleanup_(answer_release) struct answer a = {0};
	struct request q = {.method = method,
			    .target = target,
			    .token = world_token(&k->w.b, "admin"),
			    .body = body};

	client_call(&k->c, &q, &a);
	if (a.status < 400 || a.status > 499)
		client_blame(&k->c, &q, &a, "it names what another tenant has");
	if (leak(k, &q, &a))
		client_blame(&k->c, &q, &a, leak(k, &q, &a));
	json_decref(body);
}

static const char *of(const struct world_tenant *t, const char *name)
{
	return json_string_value(json_object_get(t->values, name));
}

static void references(struct walk *k)
{
	const struct world_tenant *a = &k->w.a, *b = &k->w.b;
	_cleanup_(sut_freep) char *key = sut_sprintf("/v1/keys/%s", of(b, "key")),
				  *feed = sut_sprintf("/v1/feeds/%s", of(b, "feed")),
				  *server = sut_sprintf("/v1/systems/%s", of(b, "system")),
				  *transfer = sut_sprintf("%s/transfer", server),
				  *move = sut_sprintf("%s?move_to=%s", feed, of(a, "feed"));
	json_t *machine = json_pack("{s:s, s:s}", "machine_id", "machine-stray-1", "hostname", "x");

	refer(k, "POST", "/v1/keys", json_pack("{s:s}", "feed", of(a, "feed")));
	refer(k, "PATCH", key, json_pack("{s:s}", "feed", of(a, "feed")));
	refer(k, "POST", "/v1/feeds",
	      json_pack("{s:s, s:s}", "name", "stray", "follows", of(a, "feed")));
	refer(k, "PATCH", feed, json_pack("{s:s}", "follows", of(a, "feed")));
	refer(k, "DELETE", move, NULL);
	refer(k, "PATCH", server, json_pack("{s:s}", "feed", of(a, "feed")));
	refer(k, "POST", transfer, json_pack("{s:s}", "key", of(a, "key")));
	refer(k, "POST", "/v1/tokens",
	      json_pack("{s:s, s:s, s:[s]}", "name", "stray", "user", of(a, "user"), "roles",
			"viewer"));
	refer(k, "POST", "/v1/tokens",
	      json_pack("{s:s, s:s, s:[s]}", "name", "stray", "user", of(a, "viewer"), "roles",
			"viewer"));
	refer(k, "POST", "/v1/enroll", json_pack("{s:s, s:O}", "key", a->key, "system", machine));
	refer(k, "POST", "/v1/enroll",
	      json_pack("{s:s, s:O}", "customer_id", of(a, "customer_id"), "system", machine));
	json_decref(machine);
}

/* Filters that name A's things give nothing. */
static void filters(struct walk *k)
{
	static const char *const by[][2] = {{"key", "key"}, {"feed", "feed"}, {"id", "system"}};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(by); i++) {
		_cleanup_(sut_freep) char *target =
			sut_sprintf("/v1/systems?%s=%s", by[i][0], of(&k->w.a, by[i][1]));
		_cleanup_(answer_release) struct answer a = {0};
		struct request q = {
			.method = "GET", .target = target, .token = world_token(&k->w.b, "admin")};

		client_call(&k->c, &q, &a);
		if (a.status == 200 && json_array_size(json_object_get(a.json, "items")))
			client_blame(&k->c, &q, &a, "it shows systems of another tenant");
	}
}

/* --- is A as it was? --- */

static json_t *snapshot(struct walk *k)
{
	json_t *all = json_object(), *values = world_values(&k->w, &k->w.a);

	for (size_t i = 0; i < k->nops; i++) {
		const struct operation *op = &k->ops[i];
		_cleanup_(sut_freep) char *target = NULL;
		_cleanup_(answer_release) struct answer a = {0};

		/* Of tokens it is noted when they were used; webhooks are delivered all the while. */
		if (!sut_streq(op->method, "GET") || !names_owned(op) ||
		    operation_names(op, "token") || sut_streq(op->id, "listDeliveries"))
			continue;
		target = operation_target(&k->c, op, values, NULL);
		client_call(&k->c,
			    &(struct request){.method = "GET",
					      .target = target,
					      .token = k->w.staff,
					      .tenant = k->w.a.name},
			    &a);
		json_object_set(all, target, a.json);
	}
	json_decref(values);
	return all;
}

void walk_tenants(struct walk *k)
{
	json_t *before = snapshot(k), *after;

	/* Then the marks would be found everywhere. */
	if (strstr(k->c.url, k->w.a.name))
		client_complain(&k->c, "the mark %s is a part of the URL", k->w.a.name);
	for (size_t i = 0; i < k->nops; i++) {
		const struct operation *op = &k->ops[i];

		if (sut_streq(op->id, "unregister") || sut_streq(op->id, "split") ||
		    sut_streq(op->id, "logout") || sut_streq(op->id, "enroll") ||
		    sut_streq(op->id, "getMetrics"))
			continue;
		operation(k, op, "admin", world_token(&k->w.b, "admin"));
		operation(k, op, "auditor", world_token(&k->w.b, "auditor"));
		operation(k, op, "a system", k->w.b.credential);
	}
	references(k);
	filters(k);
	after = snapshot(k);
	if (!json_equal(before, after)) {
		const json_t *v;
		const char *target;

		json_object_foreach(before, target, v) {
			if (!json_equal(v, json_object_get(after, target)))
				client_complain(&k->c, "%s has changed by calls of another tenant",
						target);
		}
	}
	json_decref(before);
	json_decref(after);
}
