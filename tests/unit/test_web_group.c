// SPDX-License-Identifier: Apache-2.0
/* Group commit: what happens to the others when one call fails, and to all when the commit does. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "web/group.h"
#include "sample_frame.h"
#include "sample_portal.h"

enum { N = 8 };

struct batch {
	struct web_job job[N];
	struct web_job *v[N];
	char body[N][128];
	size_t n;
	struct group_outcome out;
};

static const char *no_header(const struct web_job *j _unused_, const char *name _unused_)
{
	return NULL;
}

static void add(struct sample_server *s, struct batch *b, const char *path, const char *mode)
{
	struct web_job *j = &b->job[b->n];

	snprintf(b->body[b->n], sizeof(b->body[0]), "{\"text\": \"%zu\", \"mode\": \"%s\"}", b->n,
		 mode);
	*j = (struct web_job){.q = {.server = s->p,
				    .raw = b->body[b->n],
				    .raw_len = strlen(b->body[b->n]),
				    .request_id = "test",
				    .peer = "127.0.0.1"},
			      .method = "POST",
			      .path = path,
			      .query = "",
			      .header = no_header};
	assert_int_equal(web_begin(j), WEB_WRITER);
	b->v[b->n++] = j;
}

static void run(struct sample_server *s, struct batch *b)
{
	group_run(s->p, s->c, b->v, b->n, &b->out);
}

static void drop(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		web_job_release(&b->job[i]);
	*b = (struct batch){0};
}

static int64_t notes(struct sample_server *s)
{
	return sample_number(s, "SELECT COUNT(*) FROM notes");
}

static void a_group_is_one_transaction(void **state)
{
	struct sample_server *s = *state;
	struct batch b = {0};

	sample_frame(s);
	for (size_t i = 0; i < N; i++)
		add(s, &b, "/t/open", "");
	run(s, &b);
	assert_int_equal(b.out.rc, 0);
	assert_int_equal(b.out.commits, 1);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(b.job[i].r.status, 201);
	assert_int_equal(notes(s), N);
	drop(&b);
}

/* Its row is gone, those of the others are there. */
static void one_that_fails_leaves_nothing_behind(void **state)
{
	static const struct {
		const char *mode;
		int status;
	} cases[] = {{"no", 409}, {"io", 500}, {"break", 500}};
	struct sample_server *s = *state;

	sample_frame(s);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		struct batch b = {0};

		sample_sql(s, "DELETE FROM notes");
		add(s, &b, "/t/open", "");
		add(s, &b, "/t/open", cases[i].mode);
		add(s, &b, "/t/open", "");
		run(s, &b);
		assert_int_equal(b.out.rc, 0);
		assert_int_equal(b.out.commits, 1);
		assert_int_equal(b.job[0].r.status, 201);
		assert_int_equal(b.job[1].r.status, cases[i].status);
		assert_int_equal(b.job[2].r.status, 201);
		assert_int_equal(notes(s), 2);
		drop(&b);
	}
}

static void what_failed_inside_is_not_told_outside(void **state)
{
	struct sample_server *s = *state;
	struct batch b = {0};

	sample_frame(s);
	add(s, &b, "/t/open", "io");
	run(s, &b);
	assert_int_equal(b.job[0].r.status, 500);
	assert_null(strstr((const char *)b.job[0].r.raw.data, "secret-detail"));
	drop(&b);
}

/* The constraint is looked at in the commit, which fails for all of them; only one is to blame. */
static void a_commit_that_fails_is_repeated_without_its_cause(void **state)
{
	struct sample_server *s = *state;
	struct batch b = {0};

	sample_frame(s);
	for (size_t i = 0; i < N; i++)
		add(s, &b, "/t/open", i == 5 ? "orphan" : "");
	run(s, &b);
	assert_true(b.out.commits > 1);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(b.job[i].r.status, i == 5 ? 500 : 201);
	assert_int_equal(notes(s), N - 1);
	drop(&b);
}

static void again_runs_all_once_more(void **state)
{
	struct sample_server *s = *state;
	struct batch b = {0};

	sample_frame(s);
	frame.again = 1;
	add(s, &b, "/t/open", "");
	add(s, &b, "/t/open", "again");
	run(s, &b);
	assert_int_equal(b.out.rc, 0);
	assert_int_equal(b.out.retries, 1);
	assert_int_equal(b.job[0].r.status, 201);
	assert_int_equal(b.job[1].r.status, 201);
	assert_int_equal(frame.runs, 4);
	assert_int_equal(notes(s), 2);
	drop(&b);
}

static void one_that_always_says_again_is_alone_with_it(void **state)
{
	struct sample_server *s = *state;
	struct batch b = {0};

	sample_frame(s);
	frame.again = 1000;
	for (size_t i = 0; i < N; i++)
		add(s, &b, "/t/open", i == 2 ? "again" : "");
	run(s, &b);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(b.job[i].r.status, i == 2 ? 503 : 201);
	assert_int_equal(notes(s), N - 1);
	drop(&b);
}

static void a_full_disk_is_told_to_all_and_nothing_is_kept(void **state)
{
	struct sample_server *s = *state;
	struct batch b = {0};

	sample_frame(s);
	add(s, &b, "/t/open", "");
	add(s, &b, "/t/open", "full");
	run(s, &b);
	assert_int_equal(b.out.rc, -ENOSPC);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(b.job[i].r.status, 503);
		assert_non_null(strstr((const char *)b.job[i].r.raw.data, "\"storage-full\""));
		assert_true(sut_strv_has(&b.job[i].r.headers, "Retry-After: 30"));
	}
	assert_int_equal(notes(s), 0);
	drop(&b);
}

/* Each try waits for seconds: neither all tries nor halves of halves are made then. */
static void a_database_that_stays_locked_is_told_in_time(void **state)
{
	_cleanup_(sut_db_freep) struct sut_db *other = NULL;
	struct sample_server *s = *state;
	struct batch b = {0};
	time_t began;

	sample_frame(s);
	for (size_t i = 0; i < N; i++)
		add(s, &b, "/t/open", "");
	assert_int_equal(sut_db_open(s->p->conf->database, NULL, &other, NULL), 0);
	assert_int_equal(sut_db_begin(other, SUT_DB_WRITE, NULL), 0);
	began = time(NULL);
	run(s, &b);
	assert_in_range(time(NULL) - began, 0, 2 * WEB_WAIT_SEC);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(b.job[i].r.status, 503);
	assert_int_equal(b.out.rc, -EAGAIN);
	sut_db_rollback(other);
	assert_int_equal(notes(s), 0);
	drop(&b);
}

static void many_are_run_at_once(void **state)
{
	struct sample_server *s = *state;
	struct batch b = {0};

	sample_frame(s);
	add(s, &b, "/t/many", "");
	add(s, &b, "/t/open", "");
	add(s, &b, "/t/many", "");
	add(s, &b, "/t/many", "no");
	run(s, &b);
	assert_int_equal(frame.many, 1);
	assert_int_equal(frame.runs, 1);
	assert_int_equal(b.job[0].r.status, 201);
	assert_int_equal(b.job[1].r.status, 201);
	assert_int_equal(b.job[2].r.status, 201);
	assert_int_equal(b.job[3].r.status, 409);
	drop(&b);
}

static void many_that_fail_are_run_one_by_one(void **state)
{
	struct sample_server *s = *state;
	struct batch b = {0};

	sample_frame(s);
	frame.many_fails = EIO;
	add(s, &b, "/t/many", "");
	add(s, &b, "/t/many", "io");
	run(s, &b);
	assert_int_equal(frame.many, 1);
	assert_int_equal(frame.runs, 2);
	assert_int_equal(b.job[0].r.status, 201);
	assert_int_equal(b.job[1].r.status, 500);
	assert_int_equal(notes(s), 1);
	drop(&b);
}

static void a_lost_connection_is_found_again(void **state)
{
	struct sample_server *s = *state;
	struct batch b = {0};

	sample_frame(s);
	frame.again = 1;
	add(s, &b, "/t/open", "");
	add(s, &b, "/t/open", "cut");
	run(s, &b);
	assert_int_equal(b.out.rc, 0);
	assert_int_equal(b.job[0].r.status, 201);
	assert_int_equal(b.job[1].r.status, 201);
	assert_int_equal(notes(s), 2);
	drop(&b);
}

static void a_change_is_known_as_soon_as_it_is_committed(void **state)
{
	struct sample_server *s = *state;
	int64_t before;
	struct batch b = {0};

	sample_frame(s);
	before = atomic_load(&s->p->generation);
	add(s, &b, "/t/open", "touch");
	add(s, &b, "/t/open", "event");
	run(s, &b);
	assert_int_equal(atomic_load(&s->p->generation), before + 1);
	assert_int_equal(sample_number(s, "SELECT value FROM meta WHERE name = 'generation'"),
			 before + 1);
	assert_int_equal(sample_number(s, "SELECT COUNT(*) FROM events"), 1);
	drop(&b);
}

/* --- with threads --- */

enum { CLIENTS = 8, CALLS = 25 };

struct client {
	pthread_t thread;
	struct server *p;
	unsigned int number, good, bad;
};

static void *client_main(void *arg)
{
	struct client *c = arg;

	for (unsigned int i = 0; i < CALLS; i++) {
		char body[80];
		struct web_resp r;
		struct web_call call = {.method = "POST", .target = "/t/open", .body = body};

		snprintf(body, sizeof(body), "{\"text\": \"%u-%u\", \"mode\": \"%s\"}", c->number,
			 i, i % 5 == 3 ? "no" : "");
		call.len = strlen(body);
		web_handle(c->p, &call, &r);
		c->good += r.status == 201;
		c->bad += r.status == 409;
		web_resp_release(&r);
		call = (struct web_call){.method = "GET", .target = "/t/allow/public"};
		web_handle(c->p, &call, &r);
		assert_int_equal(r.status, 200);
		web_resp_release(&r);
	}
	return NULL;
}

static void many_clients_get_each_their_own_answer(void **state)
{
	struct sample_server *s = *state;
	struct client c[CLIENTS] = {0};

	sample_frame(s);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		c[i] = (struct client){.p = s->p, .number = i};
		assert_int_equal(pthread_create(&c[i].thread, NULL, client_main, &c[i]), 0);
	}
	for (unsigned int i = 0; i < CLIENTS; i++) {
		pthread_join(c[i].thread, NULL);
		assert_int_equal(c[i].good, CALLS * 4 / 5);
		assert_int_equal(c[i].bad, CALLS / 5);
	}
	assert_int_equal(notes(s), CLIENTS * CALLS * 4 / 5);
}

static void two_readers(struct server_conf *c)
{
	c->readers = 2;
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}
	static const struct sample_server_case cases[] = {
		CASE(a_group_is_one_transaction),
		CASE(one_that_fails_leaves_nothing_behind),
		CASE(what_failed_inside_is_not_told_outside),
		CASE(a_commit_that_fails_is_repeated_without_its_cause),
		CASE(again_runs_all_once_more),
		CASE(one_that_always_says_again_is_alone_with_it),
		CASE(a_full_disk_is_told_to_all_and_nothing_is_kept),
		/* PostgreSQL lets one write who does not want the same rows. */
		{"a_database_that_stays_locked_is_told_in_time",
		 a_database_that_stays_locked_is_told_in_time, NULL, SUT_DB_SQLITE},
		CASE(many_are_run_at_once),
		CASE(many_that_fail_are_run_one_by_one),
		{"a_lost_connection_is_found_again", a_lost_connection_is_found_again, NULL,
		 SUT_DB_PGSQL},
		CASE(a_change_is_known_as_soon_as_it_is_committed),
		{"many_clients_get_each_their_own_answer", many_clients_get_each_their_own_answer,
		 two_readers, 0},
	};

	return SAMPLE_PORTAL_RUN(cases);
}
