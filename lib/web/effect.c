// SPDX-License-Identifier: Apache-2.0
/* What a call leaves beside its own rows, in the same transaction. */
#include <errno.h>

#include "web/server.h"
#include "web/job.h"

/* Owned in, text out: NULL when memory is short. */
static char *text_of(json_t *json)
{
	char *s = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : strdup("{}");

	json_decref(json);
	return s;
}

int web_audit(struct web_req *q, const char *action, const char *kind, const char *object,
	      json_t *detail, struct sut_err *err)
{
	static const char sql[] =
		"INSERT INTO audit (tenant, at, actor_kind, actor, action, object_kind, object,"
		" detail, address, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
	const char *who = q->who.kind == WEB_USER     ? "user"
			  : q->who.kind == WEB_SYSTEM ? "system"
			  : q->job		      ? "nobody"
						      : q->server->program->noun;
	_cleanup_(sut_freep) char *text = text_of(detail);

	if (!text)
		return sut_err_oom(err);
	return sut_db_exec(q->db, sql,
			   SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(q->now), SUT_DB_T(who),
				       SUT_DB_T(q->who.name), SUT_DB_T(action), SUT_DB_T(kind),
				       SUT_DB_T(object ? object : ""), SUT_DB_T(text),
				       SUT_DB_T(q->peer ? q->peer : ""),
				       SUT_DB_T(q->request_id ? q->request_id : "")),
			   NULL, err);
}

/* Calls of one group are told of once, by the writer, before it commits. */
static int tell(struct web_req *q, struct sut_err *err)
{
	return q->job ? 0 : sut_db_notify(q->db, SERVER_CHANNEL, err);
}

int web_event(struct web_req *q, int64_t tenant, const char *type, json_t *data,
	      struct sut_err *err)
{
	static const char sql[] =
		"INSERT INTO events (tenant, at, type, data) VALUES ($1, $2, $3, $4)";
	_cleanup_(sut_freep) char *text = text_of(data);
	int rc;

	if (!text)
		return sut_err_oom(err);
	rc = sut_db_exec(
		q->db, sql,
		SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(q->now), SUT_DB_T(type), SUT_DB_T(text)),
		NULL, err);
	if (rc == 0 && q->job)
		q->job->event = true;
	return rc < 0 ? rc : tell(q, err);
}

int web_touch(struct web_req *q, struct sut_err *err)
{
	static const char sql[] = "UPDATE meta SET value = value + 1 WHERE name = 'generation'"
				  " RETURNING value";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int rc = sut_db_one(q->db, sql, SUT_DB_NONE, &rows, err);

	if (rc == 0)
		return sut_err_set(err, EIO, "the table meta has no generation. Run %s doctor",
				   q->server->program->name);
	if (rc < 0)
		return rc;
	if (q->job) {
		q->job->touched = true;
		q->job->generation = sut_db_int(rows, 0);
	}
	return tell(q, err);
}
