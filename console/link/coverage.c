// SPDX-License-Identifier: Apache-2.0
#include "link/coverage.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "live/live.h"
#include "pack.h"

static int check(const struct link *l, const struct sut_buf *b, int64_t *ret_targets,
		 struct sut_err *err)
{
	json_t *j = json_loadb((const char *)b->data, b->len, 0, NULL);
	const json_t *targets = json_object_get(j, "targets");
	bool ok = sut_streq(json_string_value(json_object_get(j, "format")), "suture-coverage") &&
		  json_integer_value(json_object_get(j, "version")) == 1 && json_is_array(targets);

	*ret_targets = (int64_t)json_array_size(targets);
	json_decref(j);
	if (ok)
		return 0;
	return sut_err_reason(err, EHOSTDOWN, "portal-away",
			      "%s answers /v1/coverage with no coverage document of version 1: is "
			      "the portal newer than this console?",
			      l->url);
}

static int keep(struct web_req *q, const struct link *l, const struct link_answer *a,
		int64_t targets, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf z = SUT_BUF_INIT(LINK_COVERAGE_MAX);
	int64_t n = 0;
	int r = pack(a->body.data, a->body.len, &z, err);

	if (r == 0)
		r = sut_db_begin(q->db, SUT_DB_WRITE, err);
	if (r < 0)
		return r;
	r = sut_db_exec(q->db,
			"UPDATE portals SET coverage = $3, coverage_etag = $4, coverage_at = $5,"
			" targets = $6 WHERE tenant = $1 AND changed = $2",
			SUT_DB_ARGS(SUT_DB_I(l->tenant), SUT_DB_I(l->settings),
				    SUT_DB_B(z.data, z.len), SUT_DB_T(a->etag), SUT_DB_I(q->now),
				    SUT_DB_I(targets)),
			&n, err);
	if (r == 0 && n)
		r = live_tell(q->db, l->tenant, q->now, "portal", "", err);
	if (r == 0 && n)
		r = web_touch(q, err);
	if (r == 0)
		return sut_db_commit(q->db, err);
	sut_db_rollback(q->db);
	return r;
}

int link_coverage_take(struct sut_db *db, struct server *s, const struct link *l,
		       struct link_client *client, int64_t now, unsigned int *ret_retry_after,
		       struct sut_err *err)
{
	const struct link_call call = {
		.method = "GET", .path = "/v1/coverage", .if_none_match = l->etag, .raw = true};
	struct web_req q = {.server = s,
			    .db = db,
			    .who = {.tenant = l->tenant},
			    .now = now,
			    .peer = "",
			    .request_id = ""};
	_cleanup_answer_ struct link_answer a = {0};
	int64_t targets = 0;
	int r = link_do(client, &call, &a, err);

	if (r < 0) {
		*ret_retry_after = a.retry_after;
		return r;
	}
	if (a.status == 304)
		return 0;
	if (a.status != 200)
		return sut_err_reason(err, EHOSTDOWN, "portal-away",
				      "%s answers %d %s to GET /v1/coverage", l->url, a.status,
				      a.code);
	r = check(l, &a.body, &targets, err);
	return r < 0 ? r : keep(&q, l, &a, targets, err);
}

int link_coverage_read(struct sut_db *db, int64_t tenant, struct sut_buf *out, int64_t *ret_at,
		       struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	const void *z;
	size_t len = 0;
	int r = sut_db_one(db,
			   "SELECT coverage, coverage_at FROM portals WHERE tenant = $1"
			   " AND coverage IS NOT NULL",
			   SUT_DB_ARGS(SUT_DB_I(tenant)), &rows, err);

	if (r <= 0)
		return r;
	z = sut_db_blob(rows, 0, &len);
	r = unpack(z, len, out, err);
	if (r < 0)
		return r;
	*ret_at = sut_db_int(rows, 1);
	return 1;
}
