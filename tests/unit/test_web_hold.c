// SPDX-License-Identifier: Apache-2.0
/* web/hold.h: calls that wait for news, in the pool and behind sockets. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sample_frame.h"
#include "sample_portal.h"
#include "web/hold.h"
#include "web/metrics.h"
#include "web/pool.h"
#include "web/router.h"
#include "web/serve.h"

enum { MANY = 5000 };

static _Atomic unsigned int runs, answered, good, last, refused;

/* GET /h/news?key=K&after=ID&sec=N: is there a note with a larger id? mode=missed: it is woken while it runs. */
static int news(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"key", "after", "sec", "mode", NULL};
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int64_t key = 1, after = 0, sec = 25;
	unsigned int run = ++runs;
	int rc;

	if (web_only_args(q, r, args) || web_arg_int(q, r, "key", 0, 1000000, &key) ||
	    web_arg_int(q, r, "after", 0, 1000000, &after) || web_arg_int(q, r, "sec", 0, 60, &sec))
		return WEB_NO;
	rc = sut_db_one(q->db, "SELECT COALESCE(MAX(id), 0) FROM notes", SUT_DB_NONE, &rows, err);
	if (rc < 0)
		return rc;
	if (sut_db_int(rows, 0) <= after && !q->last_try && !(web_arg(q, "mode") && run > 1)) {
		q->wait_key = key;
		q->wait_until = q->now + sec;
		if (web_arg(q, "mode"))
			web_wake(q->server, key);
		return WEB_WAIT;
	}
	return web_json(r, 200,
			json_pack("{s:I, s:b}", "id", (json_int_t)sut_db_int(rows, 0), "last",
				  (int)q->last_try),
			err);
}

/* POST /h/note?key=K&fail=1 */
static int note(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"key", "fail", NULL};
	int64_t key = 1;
	int rc;

	if (web_only_args(q, r, args) || web_arg_int(q, r, "key", 0, 1000000, &key))
		return WEB_NO;
	rc = sut_db_exec(q->db, "INSERT INTO notes (text) VALUES ('x')", SUT_DB_NONE, NULL, err);
	if (rc == 0)
		rc = web_wake_later(q, key, err);
	if (rc == 0 && web_arg(q, "fail"))
		return web_problem(r, 409, "test-no", "No");
	return rc < 0 ? rc : web_no_content(r);
}

static int events(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	int64_t at = web_sse_last(q, 5);
	int rc = 0;

	for (int64_t i = at + 1; rc == 0 && i <= 7; i++)
		rc = web_sse_add(r, i, "job", json_pack("{s:I}", "n", (json_int_t)i), err);
	return rc < 0 ? rc : web_sse_end(r, 1000, err);
}

static const struct web_route routes[] = {
	{"GET", "/h/news", WEB_PUBLIC, WEB_HOLD, news},
	{"GET", "/h/mine", WEB_ANY_USER, WEB_HOLD, news},
	{"GET", "/h/events", WEB_PUBLIC, 0, events},
	{"POST", "/h/note", WEB_PUBLIC, WEB_WRITE, note},
	{0},
};
static const struct web_table tables[] = {{"hold", routes}, {"test", sample_frame_routes}, {0}};

static void set_up(struct sample_server *s)
{
	struct sut_err err = {0};

	sample_frame(s);
	web_router_free(sut_steal(s->p->router));
	assert_ok(web_router_new(tables, &s->p->router, &err), err);
	metrics_free(sut_steal(s->p->metrics));
	assert_ok(metrics_new("suture_test", s->p->router, &s->p->metrics, &err), err);
	runs = answered = good = last = refused = 0;
}

/* --- calls that nobody waits for --- */

static const char *token;

static const char *header(const struct web_job *j _unused_, const char *name)
{
	return token && !strcmp(name, "Authorization") ? token : NULL;
}

static void done(struct web_job *j)
{
	good += j->r.status == 200;
	refused += j->r.status == 401;
	last += j->r.status == 200 && strstr(sut_buf_str(&j->r.raw), "true");
	web_job_release(j);
	free(j);
	atomic_fetch_add(&answered, 1);
}

static void submit(struct sample_server *s, const char *path, const char *query)
{
	struct web_job *j = calloc(1, sizeof(*j));
	enum web_next next;

	assert_non_null(j);
	*j = (struct web_job){.q = {.server = s->p, .request_id = "test", .peer = "127.0.0.1"},
			      .method = "GET",
			      .path = path,
			      .query = query,
			      .header = header,
			      .done = done};
	next = web_begin(j);
	assert_int_equal(next, WEB_READER);
	pool_submit(s->p->pool, j, next);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool wait_for(unsigned int n)
{
	for (int i = 0; i < 2000 && atomic_load(&answered) < n; i++)
		usleep(5000);
	return atomic_load(&answered) == n;
}

static bool wait_parked(struct sample_server *s, size_t n)
{
	for (int i = 0; i < 2400 && hold_count(s->p->hold) != n; i++)
		usleep(5000);
	return hold_count(s->p->hold) == n;
}

static void post(struct sample_server *s, const char *target, int status)
{
	sample_call(s, "POST", target, NULL, NULL);
	assert_status(s, status);
}

/* --- */

static void a_call_waits_until_there_is_news(void **state)
{
	struct sample_server *s = *state;
	double began;

	set_up(s);
	submit(s, "/h/news", "after=0&key=7");
	assert_true(wait_parked(s, 1));
	assert_int_equal(runs, 1);
	/* What was taken back is no news, and neither is another key's. */
	post(s, "/h/note?key=7&fail=1", 409);
	post(s, "/h/note?key=8", 204);
	assert_int_equal(runs, 1);
	assert_int_equal(answered, 0);
	began = seconds();
	post(s, "/h/note?key=7", 204);
	assert_true(wait_for(1));
	assert_true(seconds() - began < 0.9);
	assert_int_equal(good, 1);
	assert_int_equal(last, 0);
	assert_int_equal(runs, 2);
}

static void it_answers_when_its_time_is_up(void **state)
{
	struct sample_server *s = *state;
	double began = seconds();

	set_up(s);
	/* This one asks in the thread of the test, or of the pool. */
	assert_int_equal(sample_call(s, "GET", "/h/news?sec=1", NULL, NULL), 200);
	assert_true(json_is_true(json_object_get(s->json, "last")));
	assert_true(seconds() - began >= 0.9 && seconds() - began < 4);
	/* And who does not want to wait at all need not. */
	assert_int_equal(sample_call(s, "GET", "/h/news?sec=0", NULL, NULL), 200);
	assert_true(json_is_true(json_object_get(s->json, "last")));
	assert_int_equal(hold_count(s->p->hold), 0);
}

static void news_while_it_runs_is_not_missed(void **state)
{
	struct sample_server *s = *state;
	double began = seconds();

	set_up(s);
	assert_int_equal(sample_call(s, "GET", "/h/news?mode=missed&sec=30", NULL, NULL), 200);
	assert_true(json_is_false(json_object_get(s->json, "last")));
	assert_true(seconds() - began < 5);
	assert_int_equal(runs, 2);
}

static void five_thousand_wait_and_cost_nobody_else_anything(void **state)
{
	struct sample_server *s = *state;
	double began;

	set_up(s);
	for (int i = 0; i < MANY; i++) {
		submit(s, "/h/news", i % 2 ? "key=1&sec=60" : "key=2&sec=60");
		if (i % 1000 == 999)
			assert_true(wait_parked(s, (size_t)i + 1));
	}
	began = seconds();
	for (int i = 0; i < 20; i++)
		assert_int_equal(sample_call(s, "GET", "/t/etag", NULL, NULL), 200);
	assert_true(seconds() - began < 2);
	assert_int_equal(answered, 0);
	assert_int_equal(sample_call(s, "GET", "/t/allow/public", NULL, NULL), 200);
	post(s, "/h/note?key=1", 204);
	/* While they run, others are not in a queue behind all of them. */
	assert_int_equal(sample_call(s, "GET", "/t/etag", NULL, NULL), 200);
	assert_true(wait_for(MANY / 2));
	assert_int_equal(hold_count(s->p->hold), MANY / 2);
	assert_int_equal(last, 0);
	/* The end: all are answered. */
	hold_stop(s->p->hold);
	assert_true(wait_for(MANY));
	assert_int_equal(good, MANY);
	assert_int_equal(last, MANY / 2);
	assert_int_equal(sample_call(s, "GET", "/h/news?after=1", NULL, NULL), 200);
	assert_true(json_is_true(json_object_get(s->json, "last")));
}

static void closing_answers_those_that_wait(void **state)
{
	struct sample_server *s = *state;

	set_up(s);
	for (int i = 0; i < 300; i++)
		submit(s, "/h/news", "sec=60");
	assert_true(wait_parked(s, 300));
	server_freep(&s->p);
	assert_int_equal(answered, 300);
	assert_int_equal(last, 300);
}

static void few(struct server_conf *c)
{
	c->readers = 2;
	c->connections = 3;
}

static void no_more_wait_than_may(void **state)
{
	struct sample_server *s = *state;

	set_up(s);
	for (int i = 0; i < 3; i++)
		submit(s, "/h/news", "sec=60");
	assert_true(wait_parked(s, 3));
	submit(s, "/h/news", "sec=60");
	assert_true(wait_for(1));
	assert_int_equal(last, 1);
	hold_wake_all(s->p->hold);
	assert_true(wait_parked(s, 3));
	assert_int_equal(answered, 1);
}

static void who_may_not_ask_any_more_is_told_when_it_is_woken(void **state)
{
	struct sample_server *s = *state;
	char bearer[SUT_TOKEN_MAX + 16];

	set_up(s);
	snprintf(bearer, sizeof(bearer), "Bearer %s", s->tenant[0].token[SAMPLE_VIEWER]);
	token = bearer;
	submit(s, "/h/mine", "key=3&sec=60");
	assert_true(wait_parked(s, 1));
	sample_sql(s, "DELETE FROM tokens");
	web_wake(s->p, 3);
	assert_true(wait_for(1));
	assert_int_equal(refused, 1);
	token = NULL;
}

static void what_writes_cannot_wait(void **state _unused_)
{
	static const struct web_route bad[] = {
		{"POST", "/h/bad", WEB_PUBLIC, WEB_HOLD | WEB_WRITE, note}, {0}};
	static const struct web_table t[] = {{"bad", bad}, {0}};
	struct web_router *r = NULL;

	assert_int_equal(web_router_new(t, &r, NULL), -EINVAL);
}

static void events_are_sent_as_the_browser_reads_them(void **state)
{
	struct sample_server *s = *state;

	set_up(s);
	assert_int_equal(sample_call(s, "GET", "/h/events", NULL, NULL), 200);
	assert_string_equal(s->r.type, "text/event-stream");
	assert_string_equal(sut_buf_str(&s->r.raw), "id: 6\nevent: job\ndata: {\"n\":6}\n\n"
						    "id: 7\nevent: job\ndata: {\"n\":7}\n\n"
						    ": \nretry: 1000\n\n");
	sample_header(s, "Last-Event-ID: 7");
	assert_int_equal(sample_call(s, "GET", "/h/events", NULL, NULL), 200);
	assert_string_equal(sut_buf_str(&s->r.raw), ": \nretry: 1000\n\n");
}

/* --- behind sockets --- */

static int connect_to(struct sample_server *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)sut_httpd_port(s->p->httpd, 0)),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static void ask(int fd)
{
	static const char text[] = "GET /h/news?sec=60 HTTP/1.1\r\nHost: x\r\n\r\n";

	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
}

static void a_client_that_goes_away_is_let_go(void **state)
{
	struct sample_server *s = *state;
	struct sut_err err = {0};
	int fd[20];
	char buf[512];
	ssize_t n;

	set_up(s);
	assert_ok(serve_start(s->p, NULL, 0, &err), err);
	for (int i = 0; i < 20; i++) {
		fd[i] = connect_to(s);
		ask(fd[i]);
	}
	assert_true(wait_parked(s, 20));
	for (int i = 0; i < 15; i++)
		close(fd[i]);
	assert_true(wait_parked(s, 5));
	/* Those that are still there are answered at the end, at once. */
	serve_stop(s->p);
	for (int i = 15; i < 20; i++) {
		n = read(fd[i], buf, sizeof(buf) - 1);
		assert_true(n > 0);
		buf[n] = '\0';
		assert_int_equal(strncmp(buf, "HTTP/1.1 200 ", 13), 0);
		assert_non_null(strstr(buf, "\"last\":true"));
		close(fd[i]);
	}
}

static void two_readers(struct server_conf *c)
{
	c->readers = 2;
	assert_int_equal(sut_strv_add(&c->listen, "127.0.0.1:0"), 0);
}

int main(void)
{
	static const struct sample_server_case cases[] = {
		{"a call waits until there is news", a_call_waits_until_there_is_news, two_readers,
		 0},
		{"it answers when its time is up", it_answers_when_its_time_is_up, two_readers, 0},
		{"and without threads", it_answers_when_its_time_is_up, NULL, SUT_DB_SQLITE},
		{"news while it runs is not missed", news_while_it_runs_is_not_missed, two_readers,
		 0},
		{"five thousand wait, and cost nobody else anything",
		 five_thousand_wait_and_cost_nobody_else_anything, two_readers, 0},
		{"closing answers those that wait", closing_answers_those_that_wait, two_readers,
		 SUT_DB_SQLITE},
		{"no more wait than may", no_more_wait_than_may, few, SUT_DB_SQLITE},
		{"who may not ask any more is told when it is woken",
		 who_may_not_ask_any_more_is_told_when_it_is_woken, two_readers, 0},
		{"what writes cannot wait", what_writes_cannot_wait, NULL, SUT_DB_SQLITE},
		{"events are sent as the browser reads them",
		 events_are_sent_as_the_browser_reads_them, NULL, SUT_DB_SQLITE},
		{"a client that goes away is let go", a_client_that_goes_away_is_let_go,
		 two_readers, SUT_DB_SQLITE},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
