// SPDX-License-Identifier: Apache-2.0
#include "pool.h"

#include <errno.h>
#include <pthread.h>

#include "group.h"

struct pool {
	struct portal *p;
	struct sut_db *db; /* without threads */
	pthread_mutex_t lock;
	struct pool_stats stats;
};

int pool_new(struct portal *p, unsigned int readers _unused_, struct pool **ret,
	     struct sut_err *err)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	int rc;

	if (!pool)
		return sut_err_oom(err);
	pool->p = p;
	pthread_mutex_init(&pool->lock, NULL);
	rc = sut_db_open(p->conf.database, &(struct sut_db_opts){0}, &pool->db, err);
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
	sut_db_free(pool->db);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static enum web_next read_job(struct pool *pool, struct sut_db *db, struct web_job *j)
{
	struct sut_err err = {0};
	enum web_next next = WEB_ANSWER;
	int rc = web_read(j, db, &next, &err);

	/* Reading can be done twice. The connection may have been lost long ago. */
	if (rc == -EAGAIN || (rc == -ECONNRESET && sut_db_reopen(db, &err) == 0)) {
		web_job_again(j);
		rc = web_read(j, db, &next, &err);
	}
	if (rc < 0) {
		web_fail(j, rc, &err);
		web_finish(j);
		next = WEB_ANSWER;
	}
	pool->stats.reader_rc = rc == -ECONNRESET ? rc : 0;
	return next;
}

static void run_here(struct pool *pool, struct web_job *j, enum web_next next)
{
	pthread_mutex_lock(&pool->lock);
	if (next == WEB_READER)
		next = read_job(pool, pool->db, j);
	if (next == WEB_WRITER) {
		struct group_outcome out;

		group_run(pool->p, pool->db, &j, 1, &out);
		pool->stats.commits += out.commits;
		pool->stats.retries += out.retries;
		pool->stats.writer_rc = out.rc;
		pool->stats.grouped++;
	}
	pthread_mutex_unlock(&pool->lock);
	j->done(j);
}

void pool_submit(struct pool *pool, struct web_job *j, enum web_next next)
{
	run_here(pool, j, next);
}

void pool_stats(struct pool *pool, struct pool_stats *ret)
{
	pthread_mutex_lock(&pool->lock);
	*ret = pool->stats;
	pthread_mutex_unlock(&pool->lock);
}
