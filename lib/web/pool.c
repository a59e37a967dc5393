// SPDX-License-Identifier: Apache-2.0
#include "web/pool.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "web/group.h"
#include "web/hold.h"
#include "web/metrics.h"

enum {
	REOPEN_MS = 500, /* between tries to reach a database that is gone */
	PROBE_SEC = 2,	 /* a writer that failed looks so often whether it can write again */
	CONNECT_SEC = 3,
};

struct queue {
	struct web_job *head, **tail;
	size_t n, max;
	bool closed;
	pthread_cond_t filled;
};

struct reader {
	struct pool *pool;
	struct sut_db *db;
	int64_t tried_ms; /* when it last tried to get its connection back */
	pthread_t thread;
	bool started;
};

struct pool {
	struct server *p;
	pthread_mutex_t lock; /* queues and stats */
	pthread_mutex_t here; /* without threads: one call at a time */
	struct queue read, write;
	struct reader *readers;
	unsigned int nreaders;
	struct sut_db *db; /* the writer's */
	pthread_t writer;
	bool writer_started;
	struct pool_stats stats;
	struct web_job *group[GROUP_MAX];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- queues; the lock is held --- */

static void queue_init(struct queue *q, size_t max)
{
	pthread_condattr_t a;

	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&q->filled, &a);
	pthread_condattr_destroy(&a);
	q->tail = &q->head;
	q->max = max;
}

static bool queue_put(struct queue *q, struct web_job *j)
{
	if (q->closed || q->n >= q->max)
		return false;
	j->next = NULL;
	*q->tail = j;
	q->tail = &j->next;
	q->n++;
	pthread_cond_signal(&q->filled);
	return true;
}

static struct web_job *queue_take(struct queue *q)
{
	struct web_job *j = q->head;

	if (!j)
		return NULL;
	q->head = j->next;
	if (!q->head)
		q->tail = &q->head;
	q->n--;
	return j;
}

static void queue_close(struct pool *pool, struct queue *q)
{
	pthread_mutex_lock(&pool->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->filled);
	pthread_mutex_unlock(&pool->lock);
}

/* --- */

static void answer(struct pool *pool, struct web_job *j)
{
	bool held = j->hold.held;

	j->done(j);
	if (held)
		hold_ran(pool->p->hold);
}

static void refuse(struct pool *pool, struct web_job *j)
{
	pthread_mutex_lock(&pool->lock);
	pool->stats.refused++;
	pthread_mutex_unlock(&pool->lock);
	web_fail(j, -EAGAIN, NULL);
	web_finish(j);
	answer(pool, j);
}

static void put_or_refuse(struct pool *pool, struct queue *q, struct web_job *j)
{
	bool taken;

	pthread_mutex_lock(&pool->lock);
	taken = queue_put(q, j);
	pthread_mutex_unlock(&pool->lock);
	if (!taken)
		refuse(pool, j);
}

static bool waited_too_long(const struct web_job *j)
{
	return now_ms() - j->since_ms > WEB_WAIT_SEC * 1000;
}

/* Tells the log when it begins and when it ends, not at each call between. */
static void note(struct pool *pool, int *state, int rc, const struct sut_err *err)
{
	bool changed;

	pthread_mutex_lock(&pool->lock);
	changed = *state != rc;
	*state = rc;
	pool->stats.database_errors += rc != 0;
	pthread_mutex_unlock(&pool->lock);
	if (changed && rc)
		server_log("error", err->msg, "part",
			   state == &pool->stats.writer_rc ? "writer" : "database", NULL);
	else if (changed)
		server_log("info", "works again", "part",
			   state == &pool->stats.writer_rc ? "writer" : "database", NULL);
}

static int reopen(struct sut_db *db, int64_t *tried_ms, struct sut_err *err)
{
	int64_t now = now_ms();

	if (sut_db_alive(db))
		return 0;
	if (*tried_ms && now - *tried_ms < REOPEN_MS)
		return sut_err_set(err, ECONNRESET, "the connection to %s is lost",
				   sut_db_name(db));
	*tried_ms = now;
	if (sut_db_reopen(db, err) < 0)
		return -ECONNRESET;
	*tried_ms = 0;
	return 0;
}

static enum web_next read_job(struct pool *pool, struct sut_db *db, int64_t *tried_ms,
			      struct web_job *j)
{
	struct sut_err err = {0};
	enum web_next next = WEB_ANSWER;
	int rc = 0;

	/* Reading can be done again. A connection may have been lost long ago, and shows it now. */
	if (j->q.route->flags & WEB_HOLD)
		hold_begin(pool->p->hold, j);
	for (unsigned int tries = 0; tries < 3; tries++) {
		rc = reopen(db, tried_ms, &err);
		if (rc < 0)
			break;
		rc = web_read(j, db, &next, &err);
		if (rc != -EAGAIN && rc != -ECONNRESET)
			break;
		web_job_again(j);
	}
	note(pool, &pool->stats.reader_rc, rc == -ECONNRESET ? rc : 0, &err);
	if (rc < 0) {
		web_fail(j, rc, &err);
		web_finish(j);
		next = WEB_ANSWER;
	}
	return next;
}

/* Parks it, or has it answer now. True: it is parked, and may run or be gone already. */
static bool park(struct pool *pool, struct sut_db *db, int64_t *tried_ms, struct web_job *j)
{
	bool held = j->hold.held;

	j->hold.held = false;
	if (hold_park(pool->p->hold, j)) {
		if (held)
			hold_ran(pool->p->hold);
		return true;
	}
	j->hold.held = held;
	j->q.last_try = true;
	web_job_again(j);
	(void)read_job(pool, db, tried_ms, j);
	return false;
}

static void *reader_main(void *arg)
{
	struct reader *r = arg;
	struct pool *pool = r->pool;

	for (;;) {
		enum web_next next;
		struct web_job *j;

		pthread_mutex_lock(&pool->lock);
		while (!(j = queue_take(&pool->read)) && !pool->read.closed)
			pthread_cond_wait(&pool->read.filled, &pool->lock);
		pthread_mutex_unlock(&pool->lock);
		if (!j)
			return NULL;
		if (waited_too_long(j)) {
			refuse(pool, j);
			continue;
		}
		next = read_job(pool, r->db, &r->tried_ms, j);
		if (next == WEB_WRITER)
			put_or_refuse(pool, &pool->write, j);
		else if (next != WEB_PARK || !park(pool, r->db, &r->tried_ms, j))
			answer(pool, j);
	}
}

/* --- the writer --- */

static void write_group(struct pool *pool, struct web_job **v, size_t n)
{
	struct group_outcome out;
	int64_t began = now_ms();

	group_run(pool->p, pool->db, v, n, &out);
	metrics_group(pool->p->metrics, n, (double)(now_ms() - began) / 1000);
	pthread_mutex_lock(&pool->lock);
	pool->stats.commits += out.commits;
	pool->stats.retries += out.retries;
	pool->stats.grouped += n;
	pthread_mutex_unlock(&pool->lock);
	note(pool, &pool->stats.writer_rc, out.rc, &out.err);
}

/* Can it write again? Nobody may ask for days. */
static void probe(struct pool *pool)
{
	static const char sql[] = "INSERT INTO meta (name, value) VALUES ('probe', $1)"
				  " ON CONFLICT (name) DO UPDATE SET value = excluded.value";
	struct sut_db *db = pool->db;
	struct sut_err err = {0};
	int rc = sut_db_alive(db) ? 0 : sut_db_reopen(db, &err);

	if (rc == 0)
		rc = sut_db_begin(db, SUT_DB_WRITE, &err);
	if (rc == 0) {
		rc = sut_db_exec(db, sql, SUT_DB_ARGS(SUT_DB_I(time(NULL))), NULL, &err);
		if (rc == 0)
			rc = sut_db_commit(db, &err);
		if (rc < 0)
			sut_db_rollback(db);
	}
	if (rc == 0)
		note(pool, &pool->stats.writer_rc, 0, &err);
}

/* Waits until something is there; false: until the time for a probe came. */
static bool wait_for_writes(struct pool *pool)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PROBE_SEC;
	while (!pool->write.head && !pool->write.closed) {
		if (!pool->stats.writer_rc)
			pthread_cond_wait(&pool->write.filled, &pool->lock);
		else if (pthread_cond_timedwait(&pool->write.filled, &pool->lock, &until) ==
			 ETIMEDOUT)
			return false;
	}
	return true;
}

static void *writer_main(void *arg)
{
	struct pool *pool = arg;

	for (;;) {
		struct web_job **v = pool->group, *late = NULL, *j;
		size_t n = 0;
		bool work, closed;

		pthread_mutex_lock(&pool->lock);
		work = wait_for_writes(pool);
		while (n < GROUP_MAX && (j = queue_take(&pool->write))) {
			if (waited_too_long(j)) {
				j->next = late;
				late = j;
			} else {
				v[n++] = j;
			}
		}
		closed = pool->write.closed;
		pthread_mutex_unlock(&pool->lock);
		while ((j = late)) {
			late = j->next;
			refuse(pool, j);
		}
		if (n)
			write_group(pool, v, n);
		for (size_t i = 0; i < n; i++)
			v[i]->done(v[i]);
		if (!work)
			probe(pool);
		else if (closed && !n)
			return NULL;
	}
}

/* --- */

static void run_here(struct pool *pool, struct web_job *j, enum web_next next)
{
	int64_t tried_ms = 0;
	bool parked = false;

	pthread_mutex_lock(&pool->here);
	if (next == WEB_READER)
		next = read_job(pool, pool->db, &tried_ms, j);
	if (next == WEB_WRITER)
		write_group(pool, &j, 1);
	else if (next == WEB_PARK)
		parked = park(pool, pool->db, &tried_ms, j);
	pthread_mutex_unlock(&pool->here);
	if (!parked)
		answer(pool, j);
}

void pool_submit(struct pool *pool, struct web_job *j, enum web_next next)
{
	j->since_ms = now_ms();
	if (!pool->nreaders)
		run_here(pool, j, next);
	else
		put_or_refuse(pool, next == WEB_READER ? &pool->read : &pool->write, j);
}

void pool_stats(struct pool *pool, struct pool_stats *ret)
{
	pthread_mutex_lock(&pool->lock);
	*ret = pool->stats;
	ret->read_queue = pool->read.n;
	ret->write_queue = pool->write.n;
	pthread_mutex_unlock(&pool->lock);
}

static int start(struct pool *pool, unsigned int readers, struct sut_err *err)
{
	const struct sut_db_opts read_opts = {.read_only = true, .connect_sec = CONNECT_SEC};
	int rc;

	pool->readers = calloc(readers ? readers : 1, sizeof(*pool->readers));
	if (!pool->readers)
		return sut_err_oom(err);
	for (unsigned int i = 0; i < readers; i++) {
		struct reader *r = &pool->readers[i];

		r->pool = pool;
		pool->nreaders = i + 1;
		rc = sut_db_open(pool->p->conf->database, &read_opts, &r->db, err);
		if (rc < 0)
			return rc;
		if (pthread_create(&r->thread, NULL, reader_main, r) != 0)
			return sut_err_set(err, EAGAIN, "cannot make a thread");
		r->started = true;
	}
	if (!readers)
		return 0;
	if (pthread_create(&pool->writer, NULL, writer_main, pool) != 0)
		return sut_err_set(err, EAGAIN, "cannot make a thread");
	pool->writer_started = true;
	return 0;
}

int pool_new(struct server *p, unsigned int readers, struct pool **ret, struct sut_err *err)
{
	const struct sut_db_opts opts = {.connect_sec = CONNECT_SEC};
	struct pool *pool = calloc(1, sizeof(*pool));
	int rc;

	if (!pool)
		return sut_err_oom(err);
	pool->p = p;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_mutex_init(&pool->here, NULL);
	queue_init(&pool->read, POOL_READ_MAX);
	queue_init(&pool->write, POOL_WRITE_MAX);
	/* The writer first: it may be what makes the files that readers need. */
	rc = sut_db_open(p->conf->database, &opts, &pool->db, err);
	if (rc == 0)
		rc = start(pool, readers, err);
	if (rc < 0) {
		pool_free(pool);
		return rc;
	}
	*ret = pool;
	return 0;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	queue_close(pool, &pool->read);
	for (unsigned int i = 0; i < pool->nreaders; i++)
		if (pool->readers[i].started)
			pthread_join(pool->readers[i].thread, NULL);
	queue_close(pool, &pool->write);
	if (pool->writer_started)
		pthread_join(pool->writer, NULL);
	for (unsigned int i = 0; i < pool->nreaders; i++)
		sut_db_free(pool->readers[i].db);
	free(pool->readers);
	sut_db_free(pool->db);
	pthread_cond_destroy(&pool->read.filled);
	pthread_cond_destroy(&pool->write.filled);
	pthread_mutex_destroy(&pool->here);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
