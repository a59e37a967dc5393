// SPDX-License-Identifier: Apache-2.0
/* /v1/repository: is the signed repository good, and when does it expire? */
#include <errno.h>

#include "api/api.h"
#include "repo/sync.h"
#include "portal.h"

static int status(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {NULL};
	json_t *j = NULL;
	int x = web_only_args(q, r, args);

	if (x == 0)
		x = repo_status_json(portal_of(q->server), q->db, q->now, &j, err);
	return x ? x : web_json(r, 200, j, err);
}

/* What was found, on its way from the reader to the writer. */
struct found {
	struct repo_look *look;
	struct sut_err why; /* code is 0 when it was good */
};

static void free_found(void *data)
{
	struct found *f = data;

	if (f)
		repo_look_free(f->look);
	free(f);
}

/* Verifying and reading take their time, and need no more than to read. */
static int look(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct found *f = calloc(1, sizeof(*f));
	int x;

	if (!f)
		return sut_err_oom(err);
	q->prepared = f;
	x = repo_look(portal_of(q->server), q->db, q->now, true, &f->look, &f->why);
	if (x == -ENOTCONN)
		return web_problem(r, 409, "not-configured", "%s", f->why.msg);
	if (x == -ENOMEM || x == -EAGAIN || x == -ECONNRESET)
		return sut_err_set(err, -x, "%s", f->why.msg);
	return 0;
}

static int sync_now(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {NULL};
	struct found *f = q->prepared;
	struct repo_changes changes = {0};
	json_t *j = NULL;
	int x = web_only_args(q, r, args);

	if (x != 0)
		return x;
	x = f->look ? repo_apply(q, f->look, &changes, err)
		    : repo_note_failure(q->db, q->now, &f->why, err);
	if (x < 0)
		return x;
	x = repo_status_json(portal_of(q->server), q->db, q->now, &j, err);
	if (x == 0 &&
	    (json_object_set_new(j, "released", json_integer((json_int_t)changes.released)) < 0 ||
	     json_object_set_new(j, "withdrawn", json_integer((json_int_t)changes.withdrawn)) < 0 ||
	     json_object_set_new(j, "more", json_boolean(f->look && f->look->more)) < 0)) {
		json_decref(j);
		return sut_err_oom(err);
	}
	return x ? x : web_json(r, 200, j, err);
}

const struct web_route api_repository[] = {
	{.method = "GET", .path = "/v1/repository", .allow = SUT_ROLE_ALL, .run = status},
	{.method = "POST",
	 .path = "/v1/repository/sync",
	 .allow = SUT_ROLE_RELEASE,
	 .flags = WEB_WRITE | WEB_STAFF,
	 .run = sync_now,
	 .prepare = look,
	 .free_prepared = free_found},
	{0},
};
