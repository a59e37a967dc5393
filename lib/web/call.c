// SPDX-License-Identifier: Apache-2.0
/* The life of a call, as job.h has it. */
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/utf8.h"
#include "web/server.h"
#include "web/job.h"
#include "web/router.h"

enum { GZIP_MIN = 512 };

/* The token of "Authorization: Bearer TOKEN"; any other scheme is as good as none. */
static int take_authorization(struct web_job *j)
{
	const char *s = web_header(&j->q, "Authorization");
	size_t n;

	if (!s || strncasecmp(s, "Bearer", 6) != 0 || (s[6] != ' ' && s[6] != '\t'))
		return 0;
	s += 7 + strspn(s + 7, " \t");
	n = strcspn(s, " \t");
	j->authorization = strndup(s, n);
	return j->authorization ? 0 : -ENOMEM;
}

static enum web_next refuse(struct web_job *j)
{
	web_finish(j);
	return WEB_ANSWER;
}

static int find_route(struct web_job *j)
{
	char allow[WEB_ALLOW_MAX];
	int rc = web_route_find(j->q.server->router, j->method, j->path, &j->q.route, j->q.params,
				allow);

	switch (rc) {
	case 0:
		return 0;
	case -EBADRQC:
		web_problem(&j->r, 405, "method-not-allowed", "Here one can do: %s", allow);
		(void)!web_add_header(&j->r, "Allow: %s", allow);
		return WEB_NO;
	case -ENOENT:
		return web_problem(
			&j->r, 404, "not-found",
			"There is nothing at this address. GET /v1/openapi.json lists what "
			"there is");
	case -EINVAL:
		return web_problem(
			&j->r, 400, "bad-target",
			"The address holds a %% that two hexadecimal digits do not follow, "
			"or a NUL");
	default:
		return web_problem(&j->r, 503, "busy", "There is no memory for it now. Try again");
	}
}

/* What SQL text can be; a route need not ask. */
static bool is_text(const char *s)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);

	while (p < end)
		if (sut_utf8_next(&p, end) < 0)
			return false;
	return true;
}

static bool arguments_are_text(const struct web_job *j)
{
	for (size_t i = 0; i < WEB_PARAMS_MAX; i++)
		if (j->q.params[i] && !is_text(j->q.params[i]))
			return false;
	for (size_t i = 0; i < j->args.n; i++)
		if (!is_text(j->args.v[i].name) || !is_text(j->args.v[i].value))
			return false;
	return true;
}

static int take_request(struct web_job *j)
{
	int rc = find_route(j);

	if (rc != 0)
		return rc;
	j->body_limit = j->q.route->flags & WEB_BIG_BODY ? WEB_BIG_MAX : WEB_BODY_MAX;
	/* Parsers count from its beginning, which NULL has none. */
	if (!j->q.raw)
		j->q.raw = "";
	rc = web_args_parse(j->query, &j->args);
	if (rc == 0)
		rc = take_authorization(j);
	/* Public calls go on without: a session that is over must not be in the way of the next login. */
	if (rc == 0 && !j->authorization && !(j->q.route->allow & WEB_PUBLIC))
		rc = web_cookie_take(j);
	if (rc == -EINVAL)
		return web_problem(&j->r, 400, "bad-target",
				   "The query is malformed, or has more than %d arguments",
				   WEB_ARGS_MAX);
	if (rc < 0)
		return web_problem(&j->r, 503, "busy", "There is no memory for it now. Try again");
	if (web_csrf(j) != 0)
		return WEB_NO;
	/* It is run together with others, and has none. */
	if (j->q.route->many && web_only_args(&j->q, &j->r, (const char *const[]){NULL}) != 0)
		return WEB_NO;
	if (!arguments_are_text(j))
		return web_problem(
			&j->r, 400, "bad-target",
			"The address, decoded, is not UTF-8. Encode each byte of the UTF-8 "
			"form as %%XX");
	return web_body(j);
}

/* Nobody to look up: a public route, called without a token of a user. */
static bool anonymous(const struct web_job *j)
{
	enum sut_token_kind kind = j->authorization ? sut_token_kind(j->authorization) : 0;

	return (j->q.route->allow & WEB_PUBLIC) && kind != SUT_TOKEN_API &&
	       kind != SUT_TOKEN_SESSION;
}

static void run_without_database(struct web_job *j)
{
	struct sut_err err = {0};
	int rc;

	if (!(j->q.route->allow & WEB_PUBLIC)) {
		/* A route that nobody may use: who it is cannot be found out without a database. */
		web_problem(&j->r, 403, "forbidden", "Nobody may do this");
		return;
	}
	rc = j->q.route->run(&j->q, &j->r, &err);
	if (rc < 0)
		web_fail(j, rc, &err);
}

enum web_next web_begin(struct web_job *j)
{
	j->q.job = j;
	j->q.now = j->q.server->clock(j->q.server->clock_ctx);
	web_resp_init(&j->r);
	if (take_request(j) != 0)
		return refuse(j);
	if (j->admission)
		return WEB_READER;
	if (j->q.route->flags & WEB_NO_TX) {
		run_without_database(j);
		return refuse(j);
	}
	if ((j->q.route->flags & WEB_WRITE) && anonymous(j) && !j->q.route->prepare) {
		struct sut_err err = {0};
		int rc = web_idem_take(j, &err);

		if (rc < 0)
			web_fail(j, rc, &err);
		return rc ? refuse(j) : WEB_WRITER;
	}
	return WEB_READER;
}

/* --- reading --- */

/* Both in one transaction: what he may see is what he may see it with. */
static int identify(struct web_job *j, struct sut_err *err)
{
	int rc = web_authenticate(j, err);

	return rc == 0 ? web_authorize(j) : rc;
}

static int in_transaction(struct web_job *j, struct sut_db *db,
			  int (*f)(struct web_job *j, struct sut_err *err), struct sut_err *err)
{
	int rc = sut_db_begin(db, SUT_DB_READ, err);

	if (rc < 0)
		return rc;
	j->q.db = db;
	rc = f(j, err);
	j->q.db = NULL;
	if (rc == 0)
		rc = sut_db_commit(db, err);
	if (rc != 0)
		sut_db_rollback(db);
	return rc;
}

/* A system is known by one statement: a transaction around it would be two more round trips to the server
 * for every check-in. Whoever writes looks again. */
static int identify_system(struct web_job *j, struct sut_db *db, struct sut_err *err)
{
	int rc;

	j->q.db = db;
	rc = identify(j, err);
	j->q.db = NULL;
	return rc;
}

static int identify_writer(struct web_job *j, struct sut_db *db, struct sut_err *err)
{
	if (anonymous(j))
		return 0;
	if (j->authorization && sut_token_kind(j->authorization) == SUT_TOKEN_SYSTEM)
		return identify_system(j, db, err);
	return in_transaction(j, db, identify, err);
}

static void drop_prepared(struct web_job *j)
{
	if (j->q.prepared && j->q.route->free_prepared)
		j->q.route->free_prepared(j->q.prepared);
	j->q.prepared = NULL;
}

static int run_route(struct web_job *j, struct sut_err *err)
{
	int rc = j->q.route->run(&j->q, &j->r, err);

	/* A function that never asked for arguments takes none. What it did is undone. */
	if (rc == 0 && j->args.n && !j->args_taken && j->r.status < 400)
		rc = web_only_args(&j->q, &j->r, (const char *const[]){NULL});
	return rc;
}

static int identify_and_run(struct web_job *j, struct sut_err *err)
{
	int rc = identify(j, err);

	return rc == 0 ? run_route(j, err) : rc;
}

static int prepare(struct web_job *j, struct sut_err *err)
{
	drop_prepared(j); /* of a transaction that failed afterwards */
	return j->q.route->prepare(&j->q, &j->r, err);
}

int web_read(struct web_job *j, struct sut_db *db, enum web_next *ret_next, struct sut_err *err)
{
	bool write = j->q.route->flags & WEB_WRITE;
	int rc;

	*ret_next = WEB_ANSWER;
	if (j->admission) {
		rc = identify_writer(j, db, err);
		j->admitted = rc == 0;
	} else if (!write && !j->q.route->prepare) {
		rc = in_transaction(j, db, identify_and_run, err);
		if (rc == WEB_WAIT && (j->q.route->flags & WEB_HOLD) && !j->q.last_try) {
			*ret_next = WEB_PARK;
			return 0;
		}
		if (rc == WEB_WAIT)
			rc = sut_err_set(err, EINVAL, "a call waits that must not");
	} else {
		rc = identify_writer(j, db, err);
		if (rc == 0 && j->q.route->prepare)
			rc = in_transaction(j, db, prepare, err);
		if (rc == 0 && write) {
			rc = web_idem_take(j, err);
			if (rc == 0)
				*ret_next = WEB_WRITER;
			else if (rc == WEB_NO)
				web_finish(j);
			return rc < 0 ? rc : 0;
		}
		if (rc == 0)
			rc = in_transaction(j, db, run_route, err);
	}
	if (rc < 0)
		return rc;
	web_finish(j);
	return 0;
}

/* --- writing --- */

static int put_json(struct web_resp *r)
{
	size_t n = json_dumpb(r->json, NULL, 0, JSON_COMPACT);

	if (!n)
		return -ENOMEM;
	sut_buf_release(&r->raw);
	/* One byte more, for the end of the line. */
	if (sut_buf_addzero(&r->raw, n + 1) < 0 ||
	    json_dumpb(r->json, (char *)r->raw.data, n, JSON_COMPACT) != n)
		return -ENOMEM;
	r->raw.data[n] = '\n';
	if (!r->type)
		r->type = "application/json";
	return 0;
}

int web_seal(struct web_job *j, struct sut_err *err)
{
	return j->r.json && put_json(&j->r) < 0 ? sut_err_oom(err) : 0;
}

static int run_once(struct web_job *j, struct sut_err *err)
{
	int rc = j->idem.on ? web_idem_look(j, err) : 0;

	if (rc < 0)
		return rc;
	if (rc == WEB_IDEM_REPLAY || rc == WEB_IDEM_REFUSED) {
		j->replayed = true;
		return rc == WEB_IDEM_REPLAY ? 0 : WEB_NO;
	}
	rc = run_route(j, err);
	if (rc == 0 && j->idem.on)
		rc = web_idem_keep(j, err);
	/* An answer that cannot be written is found out while it can be undone. */
	return rc == 0 ? web_seal(j, err) : rc;
}

int web_write(struct web_job *j, struct sut_db *db, bool *ret_lost, struct sut_err *err)
{
	struct sut_err second = {0};
	int rc = sut_db_savepoint(db, err);

	*ret_lost = rc < 0;
	if (rc < 0)
		return rc;
	j->q.db = db;
	rc = run_once(j, err);
	j->q.db = NULL;
	if (rc == 0) {
		rc = sut_db_release(db, err);
		*ret_lost = rc < 0;
		return rc;
	}
	/* Nothing of it is told to anybody. */
	j->touched = j->event = false;
	j->nwakes = 0;
	if (sut_db_rollback_to(db, &second) < 0) {
		*ret_lost = true;
		if (rc == WEB_NO) {
			if (err)
				*err = second;
			return -(second.code ? second.code : EIO);
		}
	}
	return rc;
}

/* --- answers --- */

/* what: begins a sentence; the noun of the program goes between the two. */
static void unavailable(struct web_job *j, const char *code, unsigned int sec, const char *what,
			const char *rest)
{
	const char *noun = rest ? j->q.server->program->noun : "";

	web_problem(&j->r, 503, code, "%s%s%s. Try again in %u s", what, noun, rest ? rest : "",
		    sec);
	(void)!web_add_header(&j->r, "Retry-After: %u", sec);
}

void web_fail(struct web_job *j, int rc, const struct sut_err *err)
{
	switch (rc) {
	case -EAGAIN:
		unavailable(j, "busy", 1, "Too much is being done at once", NULL);
		break;
	case -ENOSPC:
		unavailable(j, "storage-full", 30, "The disk of the ", " is full");
		break;
	case -EROFS:
		unavailable(j, "storage-read-only", 30, "The ", " cannot write to its disk");
		break;
	case -ECONNRESET:
		unavailable(j, "database-unavailable", 2, "The ", " has lost its database");
		break;
	case -ENOMEM:
		unavailable(j, "busy", 1, "There is no memory for it now", NULL);
		break;
	default:
		web_problem(&j->r, 500, "internal-error",
			    "This is a mistake of the %s. Its log says more at this request_id",
			    j->q.server->program->noun);
		server_log("error", err && err->code ? err->msg : strerror(-rc), "request_id",
			   j->q.request_id, "method", j->method, "route",
			   j->q.route ? j->q.route->path : "", NULL);
	}
}

static void not_modified(struct web_job *j)
{
	struct web_resp *r = &j->r;

	json_decref(r->json);
	r->json = NULL;
	sut_buf_release(&r->raw);
	r->type = NULL;
	r->status = 304;
}

static bool is_get(const struct web_job *j)
{
	return !strcmp(j->method, "GET") || !strcmp(j->method, "HEAD");
}

static bool has_header(const struct web_resp *r, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < r->headers.n; i++)
		if (!strncasecmp(r->headers.v[i], name, n) && r->headers.v[i][n] == ':')
			return true;
	return false;
}

static void compress(struct web_job *j)
{
	struct web_resp *r = &j->r;

	if (has_header(r, "Content-Encoding"))
		return;
	(void)!web_add_header(r, "Vary: Accept-Encoding");
	if (r->raw.len < GZIP_MIN || !web_takes_gzip(web_header(&j->q, "Accept-Encoding")))
		return;
	/* Without memory it goes as it is. */
	if (web_gzip(&r->raw, NULL) == 0)
		(void)!web_add_header(r, "Content-Encoding: gzip");
}

void web_finish(struct web_job *j)
{
	struct web_resp *r = &j->r;
	const char *none_match;

	if (!r->status)
		r->status = 200;
	if (web_is_problem(r) && r->json)
		(void)!json_object_set_new(r->json, "request_id", json_string(j->q.request_id));
	none_match = is_get(j) && r->etag[0] ? web_header(&j->q, "If-None-Match") : NULL;
	if (r->status == 200 && none_match && web_etag_in(none_match, r->etag, true))
		not_modified(j);
	if (r->json && !r->raw.len && put_json(r) < 0) {
		/* A body that cannot be written is not sent as half of one. */
		r->status = 503;
		sut_buf_release(&r->raw);
	}
	if (j->q.route && (j->q.route->flags & WEB_COMPRESS) && r->status == 200)
		compress(j);
}

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void web_job_again(struct web_job *j)
{
	web_resp_release(&j->r);
	j->touched = j->event = j->replayed = false;
	j->nwakes = 0;
	j->rc = 0;
}

void web_job_release(struct web_job *j)
{
	if (j->q.route && (j->q.route->flags & WEB_SECRET) && j->r.raw.data)
		explicit_bzero(j->r.raw.data, j->r.raw.len);
	drop_prepared(j);
	web_resp_release(&j->r);
	web_args_release(&j->args);
	for (size_t i = 0; i < WEB_PARAMS_MAX; i++)
		free(j->q.params[i]);
	json_decref(j->q.body);
	wipe(j->authorization);
	explicit_bzero(&j->idem, sizeof(j->idem));
	free(j->wakes);
}
