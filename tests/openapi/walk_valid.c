// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "http/http.h"
#include "schema.h"
#include "walk.h"

static void set(json_t *body, const char *name, const char *text)
{
	json_object_set_new(body, name, json_string(text));
}

static const char *value(const json_t *values, const char *name)
{
	return json_string_value(json_object_get(values, name));
}

/* What the examples of the document cannot know. */
static void make_real(struct walk *k, struct world_tenant *t, const struct operation *op,
		      const json_t *values, json_t *body)
{
	_cleanup_(sut_freep) char *fresh = NULL;

	if (sut_streq(op->id, "enroll")) {
		set(body, "key", t->key);
	} else if (sut_streq(op->id, "transferSystem")) {
		fresh = world_fresh(&k->c, &k->w, t, "key");
		json_object_clear(body);
		set(body, "key", fresh);
	} else if (sut_endswith(op->id, "Patchset") && json_object_get(body, "patchset")) {
		set(body, "patchset", value(values, "patchset"));
	} else if (json_object_get(body, "name") && sut_startswith(op->id, "create")) {
		fresh = sut_sprintf("%s-walk-%u", t->name, ++k->w.count);
		set(body, "name", fresh);
	}
}

json_t *walk_body(struct walk *k, struct world_tenant *t, const struct operation *op,
		  json_t *values)
{
	const json_t *example = operation_example(&k->c, op), *schema = operation_body(&k->c, op);
	uint64_t seed = 1;
	json_t *body;

	if (!schema)
		return NULL;
	body = example ? json_deep_copy(example) : schema_make(k->c.doc, schema, &seed);
	make_real(k, t, op, values, body);
	return body;
}

/* --- what comes before a call --- */

static const char *const things[] = {"key",	"system", "user",   "token",
				     "webhook", "feed",	  "tenant", NULL};

/* What an operation may use up is made for it. */
static void refresh(struct walk *k, struct world_tenant *t, const struct operation *op,
		    json_t *values)
{
	for (size_t i = 0; things[i]; i++) {
		_cleanup_(sut_freep) char *id = NULL;

		if (!operation_names(op, things[i]) || sut_streq(op->method, "GET"))
			continue;
		id = world_fresh(&k->c, &k->w, t, things[i]);
		set(values, things[i], id);
	}
}

static json_t *promote(struct walk *k, const json_t *values, const char *feed, const char *what)
{
	_cleanup_(sut_freep) char *target = sut_sprintf("/v1/feeds/%s/%s", feed, what);
	json_t *body = json_pack("{s:s, s:s}", "patchset", value(values, "patchset"), "reason",
				 "the walk"),
	       *answer = client_must(&k->c, &(struct request){.method = "POST",
							      .target = target,
							      .token = k->w.staff,
							      .tenant = k->w.a.name,
							      .body = body});

	json_decref(body);
	return answer;
}

/* --- those that need more than a token of staff --- */

/* Another machine calls with the credential of a system, and is told so. */
static void become_clone(struct walk *k, const char *credential)
{
	_cleanup_(answer_release) struct answer a = {0};
	json_t *body = json_pack("{s:i, s:s, s:s, s:s, s:s}", "serial", 1, "nonce",
				 "nonce-of-a-clone", "machine_id", "machine-of-a-clone", "boot_id",
				 "boot-of-a-clone", "state", "current");
	struct request q = {
		.method = "POST", .target = "/v1/checkin", .token = credential, .body = body};

	client_call(&k->c, &q, &a);
	if (a.status != 409 || !sut_streq(answer_code(&a), "cloned"))
		client_blame(&k->c, &q, &a, "a clone is to be told so");
	json_decref(body);
}

/* The token and the body that such a call takes. false: it is as all others. */
static bool special(struct walk *k, struct world_tenant *t, const struct operation *op,
		    struct request *q, char **ret_token, json_t **body)
{
	_cleanup_(sut_freep) char *id = NULL, *name = NULL;
	json_t *json, *user;

	*ret_token = NULL;
	if (operation_role(op, "agent")) {
		id = world_enroll(&k->c, &k->w, t, ret_token);
		q->tenant = NULL;
		if (sut_streq(op->id, "split"))
			become_clone(k, *ret_token);
		if (*body)
			set(*body, "machine_id", k->w.machine);
		return true;
	}
	if (!sut_streq(op->id, "login") && !sut_streq(op->id, "logout") &&
	    !sut_streq(op->id, "changePassword"))
		return false;
	/* A user with a password of once. */
	name = sut_sprintf("%s-human-%u", t->name, ++k->w.count);
	user = json_pack("{s:s, s:[s]}", "name", name, "roles", "viewer");
	json = client_must(&k->c, &(struct request){.method = "POST",
						    .target = "/v1/users",
						    .token = k->w.staff,
						    .tenant = t->name,
						    .body = user});
	json_decref(user);
	user = json_pack("{s:s, s:O}", "user", name, "password", json_object_get(json, "password"));
	json_decref(json);
	q->tenant = NULL;
	if (sut_streq(op->id, "login")) {
		json_decref(*body);
		*body = user;
		return true;
	}
	json = client_must(
		&k->c, &(struct request){.method = "POST", .target = "/v1/sessions", .body = user});
	*ret_token = strdup(json_string_value(json_object_get(json, "token")));
	if (sut_streq(op->id, "changePassword"))
		json_object_set(*body, "old", json_object_get(user, "password"));
	json_decref(user);
	json_decref(json);
	return true;
}

static const char changelog[] =
	"linux (6.1.100-1) bookworm; urgency=medium\n\n  * x: y (CVE-2026-52929)\n\n"
	" -- A B <a@example.org>  Tue, 02 Jan 2024 00:00:00 +0000\n\n"
	"linux (6.1.99-1) bookworm; urgency=medium\n\n"
	"  * af_unix: a fix of the tests (CVE-2026-52928)\n"
	"  * another one (CVE-2024-26923)\n\n"
	" -- A B <a@example.org>  Mon, 01 Jan 2024 00:00:00 +0000\n";

static void call(struct walk *k, const struct operation *op)
{
	struct world_tenant *t = &k->w.a;
	json_t *values = world_values(&k->w, t), *body = NULL;
	_cleanup_(sut_freep) char *target = NULL, *token = NULL, *query = NULL;
	_cleanup_(answer_release) struct answer a = {0};
	struct request q = {.method = op->method, .tenant = t->name};

	refresh(k, t, op, values);
	if (sut_streq(op->id, "holdPatchset") || sut_streq(op->id, "withdrawPatchset") ||
	    sut_streq(op->id, "releasePatchset"))
		json_decref(promote(k, values, value(values, "feed"), "promote"));
	if (sut_streq(op->id, "releasePatchset"))
		json_decref(promote(k, values, value(values, "feed"), "hold"));
	body = walk_body(k, t, op, values);
	if (sut_streq(op->id, "listPatches"))
		query = sut_sprintf("build_id=%s", value(values, "kernel_id"));
	target = operation_target(&k->c, op, values, query);
	q.target = target;
	q.token = operation_role(op, "public") ? NULL : k->w.staff;
	if (operation_role(op, "public"))
		q.tenant = NULL;
	if (special(k, t, op, &q, &token, &body) && token)
		q.token = token;
	q.body = body;
	if (sut_streq(op->id, "importChangelog")) {
		q.raw = changelog;
		q.len = strlen(changelog);
		q.type = "text/plain";
	} else if (sut_streq(op->id, "postInstall")) {
		q.raw = t->key;
		q.len = strlen(t->key);
		q.type = "text/plain";
	}
	client_call(&k->c, &q, &a);
	if (a.status >= 200 && a.status < 300)
		client_conforms(&k->c, op, &q, &a);
	else
		client_blame(&k->c, &q, &a, op->id);
	json_decref(body);
	json_decref(values);
}

/* What can be changed has an ETag, and If-Match with another one is refused. */
static void stale(struct walk *k, const struct operation *op)
{
	json_t *values, *body;
	_cleanup_(answer_release) struct answer a = {0};
	_cleanup_(sut_freep) char *target = NULL;
	struct request q = {.method = op->method,
			    .token = k->w.staff,
			    .tenant = k->w.a.name,
			    .header = "If-Match: \"v99999\""};

	if (!operation_parameter(&k->c, op, "header", "If-Match"))
		return;
	values = world_values(&k->w, &k->w.a);
	refresh(k, &k->w.a, op, values);
	body = walk_body(k, &k->w.a, op, values);
	q.target = target = operation_target(&k->c, op, values, NULL);
	q.body = body;
	client_call(&k->c, &q, &a);
	if (a.status != 412 || !sut_streq(answer_code(&a), "changed"))
		client_blame(&k->c, &q, &a, "a stale If-Match is to be refused");
	json_decref(body);
	json_decref(values);
}

/* The same request with the same Idempotency-Key has the same answer and one effect. */
static void twice(struct walk *k, const struct operation *op)
{
	json_t *values, *body;
	_cleanup_(answer_release) struct answer first = {0}, second = {0}, third = {0};
	_cleanup_(sut_freep) char *target = NULL, *header = NULL;
	struct request q = {.method = op->method, .token = k->w.staff, .tenant = k->w.a.name};

	if (!operation_parameter(&k->c, op, "header", "Idempotency-Key") ||
	    !operation_body(&k->c, op) || operation_role(op, "public") ||
	    sut_endswith(op->id, "Patchset") || sut_streq(op->id, "changePassword"))
		return;
	values = world_values(&k->w, &k->w.a);
	refresh(k, &k->w.a, op, values);
	body = walk_body(k, &k->w.a, op, values);
	q.target = target = operation_target(&k->c, op, values, NULL);
	q.body = body;
	q.header = header = sut_sprintf("Idempotency-Key: walk-%u", ++k->w.count);
	client_call(&k->c, &q, &first);
	client_call(&k->c, &q, &second);
	if (first.status / 100 != 2 || second.status != first.status ||
	    !json_equal(first.json, second.json))
		client_blame(&k->c, &q, &second, "repeated, it does not answer the same");
	json_decref(body);
	q.body = body = walk_body(k, &k->w.a, op, values);
	/* Only what has a fresh name is another request. */
	if (!json_object_get(body, "name") && !json_object_get(body, "key"))
		json_object_set_new(body, "note", json_string("another one"));
	client_call(&k->c, &q, &third);
	if (third.status != 422 || !sut_streq(answer_code(&third), "idempotency-key-reused"))
		client_blame(&k->c, &q, &third, "another request with the same key is refused");
	json_decref(body);
	json_decref(values);
}

void walk_valid(struct walk *k)
{
	for (size_t i = 0; i < k->nops; i++) {
		call(k, &k->ops[i]);
		stale(k, &k->ops[i]);
		twice(k, &k->ops[i]);
	}
}
