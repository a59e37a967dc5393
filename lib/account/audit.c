// SPDX-License-Identifier: Apache-2.0
/* GET /v1/audit: who did what, newest first. Nothing changes or deletes an entry here. */
#include <errno.h>
#include <string.h>

#include "account/account.h"
#include "web/server.h"

enum {
	C_ID,
	C_AT,
	C_ACTOR_KIND,
	C_ACTOR,
	C_ACTION,
	C_OBJECT_KIND,
	C_OBJECT,
	C_DETAIL,
	C_ADDRESS,
	C_REQUEST,
};

static json_t *entry_json(const struct sut_db_rows *row)
{
	json_t *detail = json_loads(sut_db_text(row, C_DETAIL), 0, NULL);

	if (!json_is_object(detail)) {
		json_decref(detail);
		detail = json_object();
	}
	return json_pack("{s:I, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "id",
			 (json_int_t)sut_db_int(row, C_ID), "at", web_time(sut_db_int(row, C_AT)),
			 "actor_kind", sut_db_text(row, C_ACTOR_KIND), "actor",
			 sut_db_text(row, C_ACTOR), "action", sut_db_text(row, C_ACTION),
			 "object_kind", sut_db_text(row, C_OBJECT_KIND), "object",
			 sut_db_text(row, C_OBJECT), "detail", detail, "address",
			 sut_db_text(row, C_ADDRESS), "request_id", sut_db_text(row, C_REQUEST));
}

static int arg_time(struct web_req *q, struct web_resp *r, const char *name, int64_t *ret)
{
	const char *s = web_arg(q, name);

	if (!s || web_time_parse(s, ret) == 0)
		return 0;
	return web_problem(r, 400, "bad-argument",
			   "The argument \"%s\" is not a time as 2026-11-22T04:05:06Z.", name);
}

static int audit_list(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"limit", "cursor", "action", "object", "actor",
					   "from",  "to",     "scope",	NULL};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t from = 0, to = INT64_MAX, tenant = q->who.tenant;
	const char *scope, *noun = q->server->program->noun;
	struct web_page page;
	int k = web_only_args(q, r, args);

	if (k == 0)
		k = web_page_take(q, r, &page);
	if (k == 0)
		k = arg_time(q, r, "from", &from);
	if (k == 0)
		k = arg_time(q, r, "to", &to);
	if (k)
		return k;
	scope = web_arg(q, "scope");
	if (scope && strcmp(scope, noun) == 0) {
		if (!q->who.staff)
			return web_problem(r, 403, "staff-only",
					   "The %s's own log is for staff of its operator. Leave "
					   "out \"scope\" to read that of your tenant.",
					   noun);
		tenant = 0;
	} else if (scope && strcmp(scope, "tenant") != 0) {
		return web_problem(r, 400, "bad-argument",
				   "The argument \"scope\" is \"tenant\" or \"%s\".", noun);
	}
	k = sut_db_query(
		q->db,
		"SELECT id, at, actor_kind, actor, action, object_kind, object, detail, address, "
		"request_id FROM audit WHERE tenant = $1 AND id < $2 AND at >= $3 AND at < $4 AND "
		"(action = $5 OR CAST($5 AS TEXT) IS NULL) AND "
		"(object = $6 OR CAST($6 AS TEXT) IS NULL) AND "
		"(actor = $7 OR CAST($7 AS TEXT) IS NULL) ORDER BY id DESC LIMIT $8",
		SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(WEB_NEWEST(page.after)), SUT_DB_I(from),
			    SUT_DB_I(to), SUT_DB_T(web_arg(q, "action")),
			    SUT_DB_T(web_arg(q, "object")), SUT_DB_T(web_arg(q, "actor")),
			    SUT_DB_I(page.limit + 1)),
		&rows, err);
	if (k < 0)
		return k;
	return web_page_rows(q, r, &page, rows, C_ID, WEB_NEWEST_FIRST, entry_json, err);
}

const struct web_route account_audit[] = {
	{"GET", "/v1/audit", SUT_ROLE_ADMIN | SUT_ROLE_AUDITOR, 0, audit_list},
	{0},
};
