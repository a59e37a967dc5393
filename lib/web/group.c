// SPDX-License-Identifier: Apache-2.0
#include "web/group.h"

#include <errno.h>
#include <time.h>

#include "web/hold.h"
#include "web/server.h"
#include "web/tasks.h"

struct group {
	struct server *p;
	struct sut_db *db;
	struct group_outcome *out;
	int64_t since_ms; /* when it began */
	bool stuck;	  /* the database has said "again" for too long */
	/* Requests of one route with .many */
	struct web_req *q[GROUP_MAX];
	struct web_resp *r[GROUP_MAX];
	struct web_job *j[GROUP_MAX];
	int rets[GROUP_MAX];
};

/* The whole transaction is concerned, not one call. */
static bool is_common(int rc)
{
	return rc == -EAGAIN || rc == -ECONNRESET || rc == -ENOSPC || rc == -EROFS;
}

/* What `run` of each would do. Those that could not be done so are left for it. */
static int run_many(struct group *g, struct web_job **v, size_t n, size_t first,
		    struct sut_err *err)
{
	const struct web_route *route = v[first]->q.route;
	struct sut_err second = {0};
	size_t m = 0;
	int rc;

	for (size_t i = first; i < n; i++) {
		if (v[i]->ran || v[i]->q.route != route || v[i]->idem.on)
			continue;
		g->j[m] = v[i];
		g->q[m] = &v[i]->q;
		g->r[m] = &v[i]->r;
		g->rets[m] = 0;
		v[i]->tried_many = true;
		v[i]->q.db = g->db;
		m++;
	}
	rc = sut_db_savepoint(g->db, err);
	if (rc < 0)
		return rc;
	rc = route->many(g->q, g->r, g->rets, m, err);
	/* What one of them has done before it failed cannot be told from the rest. */
	for (size_t i = 0; rc == 0 && i < m; i++)
		rc = g->rets[i] == WEB_NO ? 0
		     : g->rets[i] < 0	  ? g->rets[i]
					  : web_seal(g->j[i], err);
	for (size_t i = 0; i < m; i++)
		g->j[i]->q.db = NULL;
	if (rc < 0) {
		for (size_t i = 0; i < m; i++)
			web_job_again(g->j[i]);
		if (sut_db_rollback_to(g->db, &second) < 0 || is_common(rc))
			return rc;
		server_log("warning", err->code ? err->msg : "a call of a group failed", "route",
			   route->path, NULL);
		*err = (struct sut_err){0};
		return 0;
	}
	for (size_t i = 0; i < m; i++)
		g->j[i]->ran = true;
	return sut_db_release(g->db, err);
}

static int run_one(struct group *g, struct web_job *j, struct sut_err *err)
{
	bool lost;
	int rc = web_write(j, g->db, &lost, err);

	if (rc < 0 && (lost || is_common(rc)))
		return rc;
	if (rc < 0)
		web_fail(j, rc, err);
	j->ran = true;
	return 0;
}

/* tokens.last_used, for those that have not been marked for an hour. */
static int mark_tokens(struct group *g, struct web_job **v, size_t n, struct sut_err *err)
{
	static const char sql[] = "UPDATE tokens SET last_used = $1 WHERE id = $2"
				  " AND (last_used IS NULL OR last_used < $1)";

	for (size_t i = 0; i < n; i++) {
		int rc = 0;

		if (v[i]->token_used)
			rc = sut_db_exec(
				g->db, sql,
				SUT_DB_ARGS(SUT_DB_I(v[i]->q.now), SUT_DB_I(v[i]->token_used)),
				NULL, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int run_all(struct group *g, struct web_job **v, size_t n, struct sut_err *err)
{
	bool tell = false;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		web_job_again(v[i]);
		v[i]->ran = v[i]->tried_many = false;
	}
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (v[i]->q.route->many && !v[i]->tried_many && !v[i]->idem.on)
			rc = run_many(g, v, n, i, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		if (!v[i]->ran)
			rc = run_one(g, v[i], err);
	for (size_t i = 0; i < n; i++)
		tell = tell || v[i]->touched || v[i]->event;
	if (rc == 0)
		rc = mark_tokens(g, v, n, err);
	if (rc == 0 && tell)
		rc = sut_db_notify(g->db, SERVER_CHANNEL, err);
	return rc;
}

static int attempt(struct group *g, struct web_job **v, size_t n, bool *ret_unknown,
		   struct sut_err *err)
{
	int rc;

	*ret_unknown = false;
	if (!sut_db_alive(g->db)) {
		rc = sut_db_reopen(g->db, err);
		if (rc < 0)
			return rc;
	}
	rc = sut_db_begin(g->db, SUT_DB_WRITE, err);
	if (rc < 0)
		return rc;
	rc = run_all(g, v, n, err);
	if (rc == 0) {
		rc = sut_db_commit(g->db, err);
		*ret_unknown = rc == -ECONNRESET;
	}
	if (rc < 0)
		sut_db_rollback(g->db);
	return rc;
}

static void fail_all(struct group *g, struct web_job **v, size_t n, int rc,
		     const struct sut_err *err)
{
	g->out->rc = rc;
	g->out->err = *err;
	for (size_t i = 0; i < n; i++) {
		web_job_again(v[i]);
		web_fail(v[i], rc, err);
		web_finish(v[i]);
	}
}

static void succeed(struct group *g, struct web_job **v, size_t n)
{
	int64_t generation = 0;
	bool event = false;

	g->out->commits++;
	for (size_t i = 0; i < n; i++) {
		if (v[i]->touched && v[i]->generation > generation)
			generation = v[i]->generation;
		event = event || v[i]->event;
		if (v[i]->nwakes)
			hold_wake(g->p->hold, v[i]->wakes, v[i]->nwakes);
		web_finish(v[i]);
	}
	/* Who asks again sees what he has changed. */
	if (generation)
		server_generation(g->p, generation);
	if (event)
		tasks_wake(g->p->tasks);
}

/* 5, 10, 20 … ms, and up to as much again, so that two portals do not meet again. */
static void pause_before(unsigned int tries)
{
	struct timespec t = {0};
	long ms = 5L << (tries < 6 ? tries : 6);

	clock_gettime(CLOCK_MONOTONIC, &t);
	ms += t.tv_nsec / 1000 % ms;
	t = (struct timespec){.tv_nsec = ms * 1000000 % 1000000000, .tv_sec = ms / 1000};
	nanosleep(&t, NULL);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void run(struct group *g, struct web_job **v, size_t n, unsigned int tries)
{
	for (;;) {
		struct sut_err err = {0};
		bool unknown = false;
		/* Each try may wait for seconds, and halves of halves would for hours. */
		int rc = g->stuck ? sut_err_set(&err, EAGAIN, "%s", g->out->err.msg)
				  : attempt(g, v, n, &unknown, &err);

		if (rc == 0) {
			succeed(g, v, n);
			return;
		}
		tries++;
		g->out->retries++;
		if (rc == -EAGAIN && now_ms() - g->since_ms >= WEB_WAIT_SEC * 1000)
			g->stuck = true;
		if (unknown || g->stuck || rc == -ENOSPC || rc == -EROFS || tries >= GROUP_TRIES ||
		    (rc == -ECONNRESET && !sut_db_alive(g->db) && sut_db_reopen(g->db, &err) < 0) ||
		    (!is_common(rc) && n == 1)) {
			fail_all(g, v, n, rc, &err);
			return;
		}
		if (rc == -EAGAIN)
			pause_before(tries);
		if (n > 1 && (!is_common(rc) || (rc == -EAGAIN && tries >= 2))) {
			run(g, v, n / 2, 1);
			run(g, v + n / 2, n - n / 2, 1);
			return;
		}
	}
}

void group_run(struct server *p, struct sut_db *db, struct web_job **v, size_t n,
	       struct group_outcome *ret)
{
	struct group g = {.p = p, .db = db, .out = ret, .since_ms = now_ms()};

	*ret = (struct group_outcome){0};
	run(&g, v, n, 0);
}
