// SPDX-License-Identifier: Apache-2.0
/* What open pages are told of, as server-sent events. */
#include "live/live.h"

#include <errno.h>

#include "api/api.h"

enum {
	LIVE_WAIT_SEC = 45,  /* proxies in between let go what is silent for a minute */
	LIVE_AGAIN_MS = 500, /* so that a thousand results are some events */
	LIVE_MAX = 200,	     /* events of one answer */
};

/* Where a page that comes for the first time, or from before the database was set back, begins. */
static int begin(struct web_resp *r, int64_t last, struct sut_err *err)
{
	int rc = web_sse_add(r, last, "ready", json_object(), err);

	return rc == 0 ? web_sse_end(r, LIVE_AGAIN_MS, err) : rc;
}

static int add(struct web_req *q, struct web_resp *r, int64_t after, int64_t *n,
	       struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int k = sut_db_query(
		q->db,
		"SELECT seq, type, object FROM live WHERE tenant = $1 AND seq > $2"
		" ORDER BY seq LIMIT $3",
		SUT_DB_ARGS(SUT_DB_I(q->who.tenant), SUT_DB_I(after), SUT_DB_I(LIVE_MAX)), &rows,
		err);

	while (k >= 0 && (k = sut_db_next(rows, err)) > 0) {
		k = web_sse_add(r, sut_db_int(rows, 0), sut_db_text(rows, 1),
				json_pack("{s:s}", "id", sut_db_text(rows, 2)), err);
		++*n;
	}
	return k;
}

static int live(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {NULL};
	int64_t after = web_sse_last(q, -1), last = 0, n = 0;
	int rc = web_only_args(q, r, args);

	if (rc == 0)
		rc = live_last(q->db, &last, err);
	if (rc != 0)
		return rc;
	if (after < 0 || after > last)
		return begin(r, last, err);
	rc = add(q, r, after, &n, err);
	if (rc < 0)
		return rc;
	if (n || q->last_try)
		return web_sse_end(r, LIVE_AGAIN_MS, err);
	q->wait_key = LIVE_KEY(q->who.tenant);
	q->wait_until = q->now + LIVE_WAIT_SEC;
	return WEB_WAIT;
}

const struct web_route api_live[] = {
	{"GET", "/v1/live", API_READERS, WEB_HOLD, live},
	{0},
};
