// SPDX-License-Identifier: Apache-2.0
#include "cve/coverage.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "tasks.h"
#include "portal.h"

enum { WAIT_SEC = 20 };

struct coverage {
	pthread_mutex_t lock;
	pthread_cond_t made;
	struct document *current; /* one reference */
	bool making;
	bool wanted; /* somebody has asked since it was made */
};

int coverage_new(struct coverage **ret, struct sut_err *err)
{
	struct coverage *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;

	if (!c)
		return sut_err_oom(err);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->made, &attr);
	pthread_condattr_destroy(&attr);
	c->wanted = true;
	*ret = c;
	return 0;
}

void coverage_free(struct coverage *c)
{
	if (!c)
		return;
	document_free(c->current);
	pthread_cond_destroy(&c->made);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* With the lock. */
static void drop(struct document *d)
{
	if (d && --d->refs == 0)
		document_free(d);
}

void coverage_put(struct coverage *c, const struct document *d)
{
	if (!d)
		return;
	pthread_mutex_lock(&c->lock);
	drop((struct document *)d);
	pthread_mutex_unlock(&c->lock);
}

static int generation_of(struct sut_db *db, int64_t *ret, struct sut_err *err)
{
	static const char sql[] = "SELECT value FROM meta WHERE name = 'generation'";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, sql, SUT_DB_NONE, &rows, err);

	if (r > 0)
		*ret = sut_db_int(rows, 0);
	return r < 0 ? r : 0;
}

/* With the lock. False: it took too long. */
static bool wait_for_first(struct coverage *c)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += WAIT_SEC;
	while (c->making && !c->current && r == 0)
		r = pthread_cond_timedwait(&c->made, &c->lock, &until);
	return r == 0;
}

/* With the lock, which is let go while the document is made. */
static int make(struct coverage *c, struct sut_db *db, struct sut_err *err)
{
	struct document *d = NULL;
	int r;

	c->making = true;
	pthread_mutex_unlock(&c->lock);
	r = document_make(db, NULL, NULL, &d, err);
	pthread_mutex_lock(&c->lock);
	c->making = false;
	if (r == 0 && (!c->current || c->current->generation < d->generation)) {
		drop(c->current);
		d->refs = 1;
		c->current = sut_steal(d);
		c->wanted = false;
	}
	document_free(d);
	pthread_cond_broadcast(&c->made);
	return r;
}

int coverage_get(struct coverage *c, struct sut_db *db, const struct document **ret,
		 struct sut_err *err)
{
	int64_t generation = 0;
	int r = generation_of(db, &generation, err);

	if (r < 0)
		return r;
	pthread_mutex_lock(&c->lock);
	while (!c->current || c->current->generation < generation) {
		if (!c->making)
			r = make(c, db, err);
		else if (c->current)
			break;
		else if (!wait_for_first(c))
			r = sut_err_set(err, EAGAIN, "the coverage document is still being made");
		if (r < 0)
			break;
	}
	if (r == 0) {
		c->current->refs++;
		c->wanted = true;
		*ret = c->current;
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

/* So that nobody has to wait for it: but only while somebody reads it. */
static int run(struct server *s, struct sut_db *db, int64_t now _unused_, struct sut_err *err)
{
	struct coverage *c = portal_of(s)->coverage;
	const struct document *d = NULL;
	bool wanted;
	int r;

	pthread_mutex_lock(&c->lock);
	wanted = c->wanted;
	pthread_mutex_unlock(&c->lock);
	if (!wanted)
		return 0;
	r = sut_db_begin(db, SUT_DB_READ, err);
	if (r < 0)
		return r;
	r = coverage_get(c, db, &d, err);
	sut_db_rollback(db);
	coverage_put(c, d);
	pthread_mutex_lock(&c->lock);
	c->wanted = false;
	pthread_mutex_unlock(&c->lock);
	return r;
}

const struct task task_coverage = {
	.name = "coverage",
	.every_sec = 60,
	.on_touch = true,
	.run = run,
};
