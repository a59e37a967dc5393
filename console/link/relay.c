// SPDX-License-Identifier: Apache-2.0
#include "link/relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "crypto/sha256.h"

void relay_key(const struct web_req *q, const char *part, char ret[static RELAY_KEY_MAX])
{
	const char *given = web_header(q, "Idempotency-Key");
	char text[1024], hex[SUT_SHA256_HEX];

	(void)snprintf(text, sizeof(text), "%lld|%lld|%s|%s|%.255s", (long long)q->who.tenant,
		       (long long)q->who.user, q->route ? q->route->path : "", part,
		       given ? given : q->request_id);
	sut_sha256_hex(text, strlen(text), hex);
	(void)snprintf(ret, RELAY_KEY_MAX, "console-%.60s", hex);
}

int relay_link(struct web_req *q, struct web_resp *r, struct link *ret, struct sut_err *err)
{
	int x = link_load(console_of(q->server), q->db, q->who.tenant, ret, err);

	return x > 0 ? 0 : x == 0 ? link_unset(r) : x;
}

/* Its detail is for people, its code for programs; errors name fields, which are called the same here. */
static int in_its_words(struct web_resp *r, const struct link_answer *a)
{
	const char *detail = json_string_value(json_object_get(a->json, "detail"));
	const json_t *errors = json_object_get(a->json, "errors");
	char text[LINK_ERROR_MAX + 1];
	int x;

	(void)snprintf(text, sizeof(text), "%s", detail ? detail : "The portal does not do it");
	x = web_problem(r, a->status, *a->code ? a->code : "portal-refused", "%s", text);
	if (r->json && json_is_array(errors) && json_array_size(errors) <= 16)
		(void)!json_object_set_new(r->json, "errors", json_deep_copy(errors));
	return x;
}

int relay(struct web_req *q, struct web_resp *r, const struct link *l, const struct link_call *call,
	  struct link_answer *ret, struct sut_err *err)
{
	_cleanup_(link_client_freep) struct link_client *c = NULL;
	struct console *console = console_of(q->server);
	struct sut_err why = {0};
	int x;

	/* A portal that hangs takes some of the readers, not all. */
	if (atomic_fetch_add(&console->asking, 1) >= LINK_ASKING_MAX) {
		atomic_fetch_sub(&console->asking, 1);
		return web_problem(r, 503, "busy",
				   "The portal is being asked by others already. Try again in a "
				   "few seconds");
	}
	x = link_open(l, LINK_CALL_SEC, -1, &c, &why);
	if (x == 0)
		x = link_do(c, call, ret, &why);
	atomic_fetch_sub(&console->asking, 1);
	if (x == -ENOMEM)
		return sut_err_oom(err);
	if (x == -EINVAL)
		return web_problem(r, 409, "portal-unset", "%s", why.msg);
	if (x < 0)
		return link_problem(r, x, &why);
	return ret->status / 100 == 2 ? 0 : in_its_words(r, ret);
}
