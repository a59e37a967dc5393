// SPDX-License-Identifier: Apache-2.0
/* What is kept of a portal: its token sealed, since when it is away, and what others are told of that. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "fleet/sync.h"
#include "link/coverage.h"
#include "link/link.h"
#include "pack.h"
#include "sample_console.h"
#include "web/tasks.h"

static struct web_req req(struct sample_server *s)
{
	return (struct web_req){.server = s->p,
				.db = s->c,
				.who = {.tenant = s->tenant[0].id},
				.now = s->now,
				.peer = "",
				.request_id = ""};
}

static void save(struct sample_server *s, const char *url, const char *token)
{
	const struct link_settings set = {.url = url, .token = token, .ca = ""};
	struct web_req q = req(s);
	struct sut_err err = {0};

	assert_ok(sut_db_begin(s->c, SUT_DB_WRITE, &err), err);
	assert_ok(link_save(&q, &set, &err), err);
	assert_ok(sut_db_commit(s->c, &err), err);
}

static void load(struct sample_server *s, struct link *l)
{
	struct sut_err err = {0};

	assert_int_equal(link_load(sample_console(s), s->c, s->tenant[0].id, l, &err), 1);
}

/* The outcome of a turn. */
static void turn(struct sample_server *s, int rc, unsigned int retry_after)
{
	_cleanup_link_ struct link l = {0};
	const struct sut_err why = {.code = -rc, .msg = "it does not answer"};
	struct web_req q = req(s);
	struct sut_err err = {0};

	load(s, &l);
	assert_ok(sut_db_begin(s->c, SUT_DB_WRITE, &err), err);
	assert_ok(link_note(&q, &l, rc, &why, retry_after, &err), err);
	assert_ok(sut_db_commit(s->c, &err), err);
}

static void assert_state(struct sample_server *s, const char *state, int64_t since)
{
	_cleanup_link_ struct link l = {0};

	load(s, &l);
	assert_string_equal(l.state, state);
	assert_int_equal(sample_number(s, "SELECT since FROM portals"), since);
}

static int64_t events(struct sample_server *s, const char *type)
{
	char sql[128];

	(void)snprintf(sql, sizeof(sql), "SELECT COUNT(*) FROM events WHERE type = '%s'", type);
	return sample_number(s, sql);
}

static void the_token_is_sealed_and_comes_back(void **state)
{
	_cleanup_link_ struct link l = {0};
	struct sample_server *s = *state;
	struct sut_err err = {0};

	save(s, "https://portal.example", "sutapi_secret");
	load(s, &l);
	assert_string_equal(sut_buf_str(&l.token), "sutapi_secret");
	assert_string_equal(l.url, "https://portal.example");
	/* That of another tenant does not open here. */
	sample_sql(s, "UPDATE portals SET tenant = (SELECT id FROM tenants WHERE name = 'beta')");
	link_release(&l);
	assert_int_equal(link_load(sample_console(s), s->c, s->tenant[1].id, &l, &err),
			 -EKEYREJECTED);
	assert_string_equal(err.reason, "seal");
	assert_int_equal(link_load(sample_console(s), s->c, s->tenant[0].id, &l, &err), 0);
}

static void it_is_away_since_the_first_of_two_failures(void **state)
{
	struct sample_server *s = *state;
	int64_t begun = s->now;

	save(s, "https://portal.example", "t");
	s->now += 30;
	turn(s, -EHOSTDOWN, 0);
	assert_state(s, "ok", begun);
	assert_int_equal(events(s, "portal.away"), 0);
	s->now += 5;
	turn(s, -EHOSTDOWN, 0);
	assert_state(s, "away", begun + 30);
	s->now += 10;
	turn(s, -EHOSTDOWN, 0);
	assert_state(s, "away", begun + 30);
	assert_int_equal(events(s, "portal.away"), 1);
	s->now += 10;
	turn(s, 0, 0);
	assert_state(s, "ok", s->now);
	assert_int_equal(events(s, "portal.back"), 1);
	assert_int_equal(sample_number(s, "SELECT last_ok FROM portals"), s->now);
	assert_int_equal(sample_number(s, "SELECT failures FROM portals"), 0);
}

static void one_answer_that_was_lost_is_no_news(void **state)
{
	struct sample_server *s = *state;
	int64_t begun = s->now;

	save(s, "https://portal.example", "t");
	turn(s, -EHOSTDOWN, 0);
	s->now += 5;
	turn(s, 0, 0);
	assert_state(s, "ok", begun);
	assert_int_equal(events(s, "portal.away") + events(s, "portal.back"), 0);
}

static void a_token_that_is_refused_is_said_at_once(void **state)
{
	struct sample_server *s = *state;

	save(s, "https://portal.example", "t");
	s->now += 30;
	turn(s, -EACCES, 0);
	assert_state(s, "refused", s->now);
	assert_int_equal(events(s, "portal.refused"), 1);
}

static void it_waits_longer_each_time_and_as_it_is_asked_to(void **state)
{
	static const int64_t pauses[] = {5, 10, 20, 30, 30};
	struct sample_server *s = *state;

	save(s, "https://portal.example", "t");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(pauses); i++) {
		turn(s, -EHOSTDOWN, 0);
		assert_int_equal(sample_number(s, "SELECT retry_at FROM portals"),
				 s->now + pauses[i]);
	}
	turn(s, -EHOSTDOWN, 120);
	assert_int_equal(sample_number(s, "SELECT retry_at FROM portals"), s->now + 120);
	/* But not for ever. */
	turn(s, -EHOSTDOWN, 86400);
	assert_int_equal(sample_number(s, "SELECT retry_at FROM portals"),
			 s->now + LINK_RETRY_MAX_SEC);
	turn(s, 0, 0);
	assert_int_equal(sample_number(s, "SELECT retry_at FROM portals"), 0);
}

static void what_came_of_other_settings_is_dropped(void **state)
{
	_cleanup_link_ struct link l = {0};
	const struct sut_err why = {.msg = "gone"};
	struct sample_server *s = *state;
	struct web_req q = req(s);
	struct sut_err err = {0};

	save(s, "https://portal.example", "t");
	turn(s, -EHOSTDOWN, 0);
	load(s, &l);
	save(s, "https://other.example", "t");
	assert_ok(sut_db_begin(s->c, SUT_DB_WRITE, &err), err);
	assert_ok(link_note(&q, &l, -EHOSTDOWN, &why, 0, &err), err);
	assert_ok(sut_db_commit(s->c, &err), err);
	assert_state(s, "ok", s->now);
	assert_int_equal(events(s, "portal.away"), 0);
}

/* A turn that somebody asked for while one was running is not lost. */
static void a_wish_during_a_turn_is_kept(void **state)
{
	_cleanup_link_ struct link l = {0};
	const struct sut_err why = {0};
	struct sample_server *s = *state;
	struct web_req q = req(s);
	struct sut_err err = {0};

	save(s, "https://portal.example", "t");
	load(s, &l);
	assert_ok(sut_db_begin(s->c, SUT_DB_WRITE, &err), err);
	assert_ok(link_want(&q, q.who.tenant, &err), err);
	assert_ok(link_note(&q, &l, 0, &why, 0, &err), err);
	assert_ok(sut_db_commit(s->c, &err), err);
	assert_true(sample_number(s, "SELECT wanted FROM portals") > 0);
	turn(s, 0, 0);
	assert_int_equal(sample_number(s, "SELECT wanted FROM portals"), 0);
}

/* Nobody listens there: an outcome, and no failure of the task. */
static void a_turn_without_an_answer_is_noted(void **state)
{
	struct sample_server *s = *state;
	struct sut_err err = {0};

	save(s, "http://127.0.0.1:9", "t");
	for (int i = 0; i < 2; i++)
		assert_ok(sync_turn(sample_console(s), s->c, s->tenant[0].id, s->now, &err), err);
	assert_state(s, "away", s->now);
	assert_int_equal(events(s, "portal.away"), 1);
	/* And without a portal there is nothing to do. */
	assert_ok(sync_turn(sample_console(s), s->c, s->tenant[1].id, s->now, &err), err);
}

/* Takes connections and says nothing. */
static int hang(char *url, size_t max)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	(void)snprintf(url, max, "http://127.0.0.1:%u", ntohs(a.sin_port));
	return fd;
}

/* alpha's portal hangs, beta's refuses to be called; alpha's turn comes first. Returns where alpha's is. */
static int two_portals(struct sample_server *s)
{
	const struct link_settings beta = {.url = "http://127.0.0.1:9", .token = "t", .ca = ""};
	struct web_req q = req(s);
	struct sut_err err = {0};
	char url[64];
	int fd = hang(url, sizeof(url));

	save(s, url, "t");
	q.who.tenant = s->tenant[1].id;
	assert_ok(sut_db_begin(s->c, SUT_DB_WRITE, &err), err);
	assert_ok(link_save(&q, &beta, &err), err);
	assert_ok(link_want(&q, s->tenant[0].id, &err), err);
	assert_ok(link_want(&q, s->tenant[1].id, &err), err);
	assert_ok(sut_db_commit(s->c, &err), err);
	sample_sql(s, "UPDATE portals SET tried = tried - 5 WHERE url NOT LIKE '%:9'");
	return fd;
}

static int64_t failures(struct sample_server *s, size_t tenant)
{
	char sql[128];

	(void)snprintf(sql, sizeof(sql), "SELECT failures FROM portals WHERE tenant = %lld",
		       (long long)s->tenant[tenant].id);
	return sample_number(s, sql);
}

static int called(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 20000), 1);
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC);
}

struct one_task {
	struct sample_server *s;
	struct sut_db *db;
	int rc;
};

static void *run_one(void *arg)
{
	struct one_task *o = arg;
	struct sut_err err = {0};

	o->rc = task_portal[1].run(o->s->p, o->db, o->s->now, &err);
	return NULL;
}

static void a_portal_that_hangs_keeps_nobody_else_waiting(void **state)
{
	struct sample_server *s = *state;
	struct one_task o = {.s = s};
	struct sut_err err = {0};
	int fd = two_portals(s), peer;
	pthread_t t;

	assert_ok(sut_db_open(s->p->conf->database, NULL, &o.db, &err), err);
	assert_int_equal(pthread_create(&t, NULL, run_one, &o), 0);
	peer = called(fd);
	/* It waits for an answer now. Another takes beta's turn, and leaves alpha's alone. */
	assert_ok(task_portal[0].run(s->p, s->c, s->now, &err), err);
	assert_int_equal(failures(s, 1), 1);
	assert_int_equal(failures(s, 0), 0);
	/* One call, not two. */
	assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0), 0);
	close(fd);
	close(peer);
	pthread_join(t, NULL);
	assert_int_equal(o.rc, 0);
	assert_int_equal(failures(s, 0), 1);
	/* beta's was made meanwhile, and not again. */
	assert_int_equal(failures(s, 1), 1);
	sut_db_free(o.db);
}

static void a_server_that_ends_waits_for_no_portal(void **state)
{
	static const struct task *const list[] = {&task_portal[0], NULL};
	struct sample_server *s = *state;
	struct sut_err err = {0};
	int fd = two_portals(s), peer;

	assert_ok(tasks_start(s->p, list, &err), err);
	peer = called(fd);
	tasks_stop(s->p->tasks);
	s->p->tasks = NULL;
	/* That it was given up is no failure of the portal's. */
	assert_int_equal(failures(s, 0), 0);
	close(peer);
	close(fd);
}

static void what_is_packed_is_unpacked_or_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf z = SUT_BUF_INIT(1 << 20), out = SUT_BUF_INIT(1 << 20);
	_cleanup_buf_ struct sut_buf small = SUT_BUF_INIT(10);
	char text[5000];
	struct sut_err err = {0};

	memset(text, 'x', sizeof(text));
	assert_ok(pack(text, sizeof(text), &z, &err), err);
	assert_true(z.len < 200);
	assert_ok(unpack(z.data, z.len, &out, &err), err);
	assert_int_equal(out.len, sizeof(text));
	assert_memory_equal(out.data, text, sizeof(text));
	assert_int_equal(unpack(z.data, z.len, &small, &err), -EFBIG);
	for (size_t i = 0; i < z.len; i++)
		assert_true(unpack(z.data, i, &out, &err) < 0);
	assert_int_equal(unpack("nonsense", 8, &out, &err), -EBADMSG);
}

int main(void)
{
#define CASE(f)                                                                                    \
	{                                                                                          \
#f, f, NULL, 0                                                                     \
	}
	static const struct sample_server_case cases[] = {
		CASE(the_token_is_sealed_and_comes_back),
		CASE(it_is_away_since_the_first_of_two_failures),
		CASE(one_answer_that_was_lost_is_no_news),
		CASE(a_token_that_is_refused_is_said_at_once),
		CASE(it_waits_longer_each_time_and_as_it_is_asked_to),
		CASE(what_came_of_other_settings_is_dropped),
		CASE(a_wish_during_a_turn_is_kept),
		CASE(a_turn_without_an_answer_is_noted),
		CASE(a_portal_that_hangs_keeps_nobody_else_waiting),
		CASE(a_server_that_ends_waits_for_no_portal),
		CASE(what_is_packed_is_unpacked_or_refused),
	};

	return SAMPLE_CONSOLE_RUN(cases);
}
