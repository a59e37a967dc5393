// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "auth/token.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "walk.h"

bool walk_allowed(const struct operation *op, const char *role, bool staff)
{
	if (operation_role(op, "public"))
		return true;
	if (sut_streq(role, "agent"))
		return operation_role(op, "agent");
	if (operation_flag(op, "staff") && !staff)
		return false;
	if (operation_role(op, "any-user"))
		return true;
	if (sut_streq(role, "admin"))
		return !operation_role(op, "agent");
	return operation_role(op, role);
}

/* Names of nothing: nobody's call has an effect, and who may call it is told that there is nothing. */
static json_t *nothing(void)
{
	static const char *const ids[] = {"key",     "system",	  "user", "token",
					  "webhook", "job",	  "scan", "page",
					  "finding", "enrolment", NULL};
	json_t *values =
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "tenant", "nobody", "feed",
			  "nothing", "patchset", "K00000000_00", "cve", "CVE-1999-0001",
			  "distribution", "nowhere", "source", "nothing", "kernel_id",
			  "0000000000000000000000000000000000000000", "level", (json_int_t)1);

	for (size_t i = 0; ids[i]; i++)
		json_object_set_new(values, ids[i], json_string("0000000000000000"));
	json_object_set_new(values, "path", json_string("metadata/nothing.json"));
	return values;
}

static bool about_roles(const char *code)
{
	static const char *const codes[] = {
		"forbidden",	 "users-only",	  "systems-only", "token-missing",
		"token-unknown", "token-expired", "staff-only",	  NULL};

	for (size_t i = 0; codes[i]; i++)
		if (sut_streq(code, codes[i]))
			return true;
	return false;
}

static void expect(struct walk *k, const struct operation *op, const char *who, const char *token,
		   int status)
{
	_cleanup_(sut_freep) char *target = NULL;
	_cleanup_(answer_release) struct answer a = {0};
	json_t *values = nothing(), *body = json_object();
	bool has_body = operation_body(&k->c, op);
	struct request q = {.method = op->method, .token = token, .body = has_body ? body : NULL};
	char why[200];

	q.target = target = operation_target(&k->c, op, values, NULL);
	/* One that waits for news answers at once only when it refuses. */
	if (status || !operation_flag(op, "hold"))
		client_call(&k->c, &q, &a);
	snprintf(why, sizeof(why), "%s: as %s it is to be %s", op->id, who,
		 status ? status == 401 ? "401" : "403" : "let through");
	if (!a.status)
		; /* not called, or said already */
	else if (status ? a.status != status : about_roles(answer_code(&a)))
		client_blame(&k->c, &q, &a, why);
	else if (a.status >= 400)
		client_conforms(&k->c, op, &q, &a);
	json_decref(values);
	json_decref(body);
}

static void operation(struct walk *k, const struct operation *op, const char *unknown)
{
	bool open = operation_role(op, "public");

	/* A token that is sent has to be good, even where none is needed, except on static paths. */
	expect(k, op, "nobody", NULL, open ? 0 : 401);
	if (!open)
		expect(k, op, "the holder of a wrong token", unknown, 401);
	/* These have an effect without naming anything. */
	if (k->w.a.credential && !sut_streq(op->id, "unregister") && !sut_streq(op->id, "logout"))
		expect(k, op, "a system", k->w.a.credential,
		       walk_allowed(op, "agent", false) ? 0 : 403);
	for (size_t i = 0; world_roles[i]; i++)
		expect(k, op, world_roles[i], world_token(&k->w.a, world_roles[i]),
		       walk_allowed(op, world_roles[i], false) ? 0 : 403);
	if (!operation_role(op, "agent"))
		expect(k, op, "staff", k->w.staff, 0);
	else
		expect(k, op, "staff", k->w.staff, 403);
}

void walk_roles(struct walk *k)
{
	char unknown[SUT_TOKEN_MAX];

	if (sut_token_make(SUT_TOKEN_API, unknown, NULL) < 0)
		return;
	for (size_t i = 0; i < k->nops; i++)
		operation(k, &k->ops[i], unknown);
}
