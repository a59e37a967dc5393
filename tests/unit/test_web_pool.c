// SPDX-License-Identifier: Apache-2.0
/* Queues, threads, and a database that goes away or has no room. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "web/system_wide.h"
#include "web/metrics.h"
#include "migrations.h"
#include "web/pool.h"
#include "sample_frame.h"
#include "sample_portal.h"
#include "web/router.h"

static sem_t entered, go;

static int hold(struct web_req *q, struct web_resp *r, struct sut_err *err _unused_)
{
	static const char *const args[] = {"now", NULL};

	if (web_only_args(q, r, args) != 0)
		return WEB_NO;
	/* Only calls that do not say so wait, so that one can be in the way of others. */
	if (!web_arg(q, "now")) {
		sem_post(&entered);
		sem_wait(&go);
	}
	return web_no_content(r);
}

static const struct web_route routes[] = {
	{.method = "GET", .path = "/w/read", .allow = WEB_PUBLIC, .run = hold},
	{.method = "POST",
	 .path = "/w/write",
	 .allow = WEB_PUBLIC,
	 .flags = WEB_WRITE,
	 .run = hold},
	{0},
};
static const struct web_table tables[] = {{"wait", routes},
					  {"system_wide", web_system_wide},
					  {"test", sample_frame_routes},
					  {0}};

static void set_routes(struct server *p)
{
	struct sut_err err = {0};

	web_router_free(sut_steal(p->router));
	assert_ok(web_router_new(tables, &p->router, &err), err);
	metrics_free(sut_steal(p->metrics));
	assert_ok(metrics_new(p->program->metrics, p->router, &p->metrics, &err), err);
	sem_init(&entered, 0, 0);
	sem_init(&go, 0, 0);
}

/* --- calls that nobody waits for --- */

static _Atomic unsigned int answered, good, busy;

static const char *no_header(const struct web_job *j _unused_, const char *name _unused_)
{
	return NULL;
}

static void done(struct web_job *j)
{
	good += j->r.status == 204;
	busy += j->r.status == 503;
	web_job_release(j);
	free(j);
	atomic_fetch_add(&answered, 1);
}

static struct web_job *submit(struct server *p, const char *method, const char *path,
			      const char *query)
{
	struct web_job *j = calloc(1, sizeof(*j));
	enum web_next next;

	assert_non_null(j);
	*j = (struct web_job){.q = {.server = p, .request_id = "test", .peer = "127.0.0.1"},
			      .method = method,
			      .path = path,
			      .query = query,
			      .header = no_header,
			      .done = done};
	next = web_begin(j);
	assert_int_not_equal(next, WEB_ANSWER);
	pool_submit(p->pool, j, next);
	return j;
}

static void reset(void)
{
	answered = good = busy = 0;
}

static bool wait_for(unsigned int n)
{
	for (int i = 0; i < 1000; i++) {
		if (atomic_load(&answered) >= n)
			return true;
		usleep(10000);
	}
	return false;
}

static void who_finds_the_queue_full_is_told_at_once(void **state)
{
	struct sample_server *s = *state;

	set_routes(s->p);
	reset();
	submit(s->p, "GET", "/w/read", "");
	sem_wait(&entered);
	for (unsigned int i = 0; i < POOL_READ_MAX; i++)
		submit(s->p, "GET", "/w/read", "now=1");
	assert_int_equal(answered, 0);
	submit(s->p, "GET", "/w/read", "now=1");
	assert_int_equal(answered, 1);
	assert_int_equal(busy, 1);
	sem_post(&go);
	assert_true(wait_for(POOL_READ_MAX + 2));
	assert_int_equal(good, POOL_READ_MAX + 1);
	assert_int_equal(busy, 1);
}

static void what_waited_too_long_is_not_run(void **state)
{
	struct sample_server *s = *state;
	struct web_job *late;

	set_routes(s->p);
	for (int write = 0; write < 2; write++) {
		reset();
		submit(s->p, write ? "POST" : "GET", write ? "/w/write" : "/w/read", "");
		sem_wait(&entered);
		late = submit(s->p, write ? "POST" : "GET", write ? "/w/write" : "/w/read",
			      "now=1");
		submit(s->p, write ? "POST" : "GET", write ? "/w/write" : "/w/read", "now=1");
		/* Nobody looks at it while the thread is held. */
		late->since_ms -= WEB_WAIT_SEC * 1000 + 1;
		sem_post(&go);
		assert_true(wait_for(3));
		assert_int_equal(good, 2);
		assert_int_equal(busy, 1);
	}
}

static void what_waits_is_written_together(void **state)
{
	struct sample_server *s = *state;
	struct pool_stats before, after;

	set_routes(s->p);
	reset();
	pool_stats(s->p->pool, &before);
	submit(s->p, "POST", "/w/write", "");
	sem_wait(&entered);
	for (int i = 0; i < 40; i++)
		submit(s->p, "POST", "/w/write", "now=1");
	pool_stats(s->p->pool, &after);
	assert_int_equal(after.write_queue, 40);
	/* Nobody is answered before the commit. */
	assert_int_equal(answered, 0);
	/* Reading goes on. */
	submit(s->p, "GET", "/w/read", "now=1");
	assert_true(wait_for(1));
	sem_post(&go);
	assert_true(wait_for(42));
	pool_stats(s->p->pool, &after);
	assert_int_equal(after.commits - before.commits, 2);
	assert_int_equal(after.grouped - before.grouped, 41);
}

static void what_is_queued_is_answered_before_the_end(void **state)
{
	struct sample_server *s = *state;

	set_routes(s->p);
	reset();
	submit(s->p, "GET", "/w/read", "");
	sem_wait(&entered);
	submit(s->p, "GET", "/w/read", "now=1");
	submit(s->p, "POST", "/w/write", "now=1");
	sem_post(&go);
	pool_free(sut_steal(s->p->pool));
	assert_int_equal(answered, 3);
	assert_int_equal(good, 3);
}

/* --- a database that is gone, and comes back --- */

static void cut_all(struct sample_server *s)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct sut_err err = {0};

	assert_ok(sut_db_query(
			  s->c,
			  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
			  " current_database() AND pid <> pg_backend_pid()",
			  SUT_DB_NONE, &rows, &err),
		  err);
	while (sut_db_next(rows, &err) > 0)
		;
	usleep(100000);
}

static void connections_that_were_cut_are_made_anew(void **state)
{
	struct sample_server *s = *state;

	set_routes(s->p);
	for (int i = 0; i < 3; i++) {
		cut_all(s);
		sample_call(s, "GET", "/t/allow/any", s->staff, NULL);
		assert_status(s, 200);
		sample_call(s, "POST", "/t/open", NULL, "{\"text\": \"x\"}");
		assert_status(s, 201);
	}
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM notes"), 3);
}

/* By a connection to another database: nobody can do it to his own. */
static void let_in(struct sample_server *s, bool yes)
{
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	struct sut_err err = {0};
	char sql[128];

	assert_ok(sut_db_open(getenv("SUTURE_TEST_PG"), NULL, &db, &err), err);
	snprintf(sql, sizeof(sql), "ALTER DATABASE %s ALLOW_CONNECTIONS %s", s->db.pg_name,
		 yes ? "true" : "false");
	assert_ok(sut_db_script(db, sql, &err), err);
}

static void a_database_that_lets_nobody_in_is_waited_for(void **state)
{
	struct sample_server *s = *state;

	set_routes(s->p);
	let_in(s, false);
	cut_all(s);
	sample_call(s, "GET", "/t/allow/any", s->staff, NULL);
	assert_problem(s, 503, "database-unavailable");
	assert_string_equal(sample_answer_header(s, "Retry-After"), "2");
	sample_call(s, "POST", "/t/open", NULL, "{\"text\": \"x\"}");
	assert_problem(s, 503, "database-unavailable");
	sample_call(s, "GET", "/healthz", NULL, NULL);
	assert_status(s, 503);
	assert_string_equal(sample_text(s, "database"), "unreachable");
	assert_string_equal(sample_text(s, "writer"), "unreachable");
	let_in(s, true);
	/* The writer finds it by itself. */
	for (int i = 0; i < 500; i++) {
		sample_call(s, "GET", "/t/allow/any", s->staff, NULL);
		if (sample_call(s, "GET", "/healthz", NULL, NULL) == 200)
			break;
		usleep(10000);
	}
	assert_status(s, 200);
	sample_call(s, "POST", "/t/open", NULL, "{\"text\": \"x\"}");
	assert_status(s, 201);
}

/* --- a disk without room --- */

static int fill(const char *at)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/rest", at);
	_cleanup_(sut_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	char block[4096] = {0};

	while (write(fd, block, sizeof(block)) > 0)
		;
	return errno == ENOSPC ? 0 : -errno;
}

static int open_on_small_disk(struct sample_server *s, const char *at)
{
	_cleanup_(portal_conf_release) struct portal_conf conf = {0};
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	struct sut_err err = {0};
	int r = portal_conf_init(&conf, &err);

	free(conf.s.database);
	conf.s.database = sut_sprintf("sqlite:%s/test.db", at);
	conf.s.readers = 1;
	if (r == 0)
		r = sut_db_open(conf.s.database, NULL, &db, &err);
	if (r == 0)
		r = sut_db_migrate(db, portal_migrations, portal_nmigrations, 0, s->now, &err);
	if (r == 0)
		r = sut_db_script(db,
				  "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
				  &err);
	if (r == 0) {
		server_freep(&s->p);
		r = portal_program.open(&conf.s, &s->p, &err);
	}
	if (r < 0)
		print_error("%s\n", err.msg);
	return r;
}

/* Not with assertions: whatever happens, the disk has to be unmounted. */
static int use_full_disk(struct sample_server *s, const char *at)
{
	_cleanup_(sut_freep) char *rest = sut_sprintf("%s/rest", at);
	char body[8192] = "{\"text\": \"";
	int kept = 0;

	memset(body + 10, 'x', 1000);
	memcpy(body + 1010, "\"}", 3);
	if (sample_call(s, "POST", "/t/open", NULL, body) != 201 || fill(at) < 0)
		return 1;
	for (int i = 0; i < 5000 && sample_call(s, "POST", "/t/open", NULL, body) == 201; i++)
		kept++;
	if (s->status != 503 || strcmp(sample_code(s), "storage-full") != 0)
		return 2;
	if (sample_call(s, "GET", "/healthz", NULL, NULL) != 503 ||
	    strcmp(sample_text(s, "writer"), "full") != 0)
		return 3;
	/* Reading goes on. */
	if (sample_call(s, "GET", "/t/allow/public", NULL, NULL) != 200)
		return 4;
	unlink(rest);
	/* It finds out by itself that there is room again. */
	for (int i = 0; i < 500 && sample_call(s, "GET", "/healthz", NULL, NULL) != 200; i++)
		usleep(10000);
	if (s->status != 200)
		return 5;
	if (sample_call(s, "POST", "/t/open", NULL, body) != 201)
		return 6;
	return sample_int(s, "id") == kept + 2 ? 0 : 7;
}

static void a_full_disk_is_told_and_left_behind(void **state)
{
	struct sample_server *s = *state;
	_cleanup_(sut_freep) char *at = sut_sprintf("%s/full", s->db.dir);
	int r;

	assert_int_equal(mkdir(at, 0700), 0);
	if (mount("none", at, "tmpfs", 0, "size=4m") < 0)
		skip();
	r = open_on_small_disk(s, at);
	if (r == 0) {
		set_routes(s->p);
		r = use_full_disk(s, at);
	}
	server_freep(&s->p);
	(void)umount2(at, MNT_DETACH);
	assert_int_equal(r, 0);
}

/* --- */

static void one_reader(struct server_conf *c)
{
	c->readers = 1;
}

static void with_notes(void **state, void (*run)(void **state))
{
	sample_frame(*state);
	run(state);
}

static void cut(void **state)
{
	with_notes(state, connections_that_were_cut_are_made_anew);
}

static void shut(void **state)
{
	with_notes(state, a_database_that_lets_nobody_in_is_waited_for);
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, one_reader, 0                                                               \
	}
	static const struct sample_server_case cases[] = {
		CASE(who_finds_the_queue_full_is_told_at_once),
		CASE(what_waited_too_long_is_not_run),
		CASE(what_waits_is_written_together),
		CASE(what_is_queued_is_answered_before_the_end),
		{"connections_that_were_cut_are_made_anew", cut, one_reader, SUT_DB_PGSQL},
		{"a_database_that_lets_nobody_in_is_waited_for", shut, one_reader, SUT_DB_PGSQL},
		{"a_full_disk_is_told_and_left_behind", a_full_disk_is_told_and_left_behind, NULL,
		 SUT_DB_SQLITE},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
