// SPDX-License-Identifier: Apache-2.0
#include "agent/notes.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "crypto/sha256.h"
#include "job/row.h"
#include "live/live.h"

enum { BUCKETS = 8192, GIVEN_BATCH = 200, SYSTEM_MAX = 63, NONCE_MAX = 127 };

struct nonce {
	struct nonce *next; /* of the bucket */
	int64_t at;
	bool written;
	char system_id[SYSTEM_MAX + 1], nonce[NONCE_MAX + 1];
};

struct agent_notes {
	pthread_mutex_t lock;
	struct nonce *v[BUCKETS];
	size_t n;
	int64_t *given;
	size_t ngiven, cap;
};

int agent_notes_new(struct agent_notes **ret, struct sut_err *err)
{
	struct agent_notes *n = calloc(1, sizeof(*n));

	if (!n)
		return sut_err_oom(err);
	pthread_mutex_init(&n->lock, NULL);
	*ret = n;
	return 0;
}

void agent_notes_free(struct agent_notes *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (n->v[i]) {
			struct nonce *next = n->v[i]->next;

			free(n->v[i]);
			n->v[i] = next;
		}
	free(n->given);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static size_t bucket_of(const char *nonce)
{
	uint8_t h[SUT_SHA256_LEN];

	sut_sha256(nonce, strlen(nonce), h);
	return (size_t)(h[0] | h[1] << 8) % BUCKETS;
}

/* Under the lock. Forgets what could not come again anyway. */
static void prune(struct agent_notes *n, struct nonce **p, int64_t now)
{
	while (*p) {
		struct nonce *e = *p;

		if (now - e->at <= AGENT_NONCE_SEC) {
			p = &e->next;
			continue;
		}
		*p = e->next;
		free(e);
		n->n--;
	}
}

static int add(struct agent_notes *n, const char *system_id, const char *nonce, int64_t now)
{
	struct nonce **bucket = &n->v[bucket_of(nonce)];
	struct nonce *e;

	prune(n, bucket, now);
	for (e = *bucket; e; e = e->next)
		if (sut_streq(e->nonce, nonce) && sut_streq(e->system_id, system_id))
			return -EEXIST;
	if (n->n >= AGENT_NOTES_MAX)
		return -EAGAIN;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->at = now;
	(void)snprintf(e->system_id, sizeof(e->system_id), "%s", system_id);
	(void)snprintf(e->nonce, sizeof(e->nonce), "%s", nonce);
	e->next = *bucket;
	*bucket = e;
	n->n++;
	return 0;
}

int agent_notes_nonce(struct agent_notes *n, const char *system_id, const char *nonce, int64_t now)
{
	int rc;

	pthread_mutex_lock(&n->lock);
	rc = add(n, system_id, nonce, now);
	pthread_mutex_unlock(&n->lock);
	return rc;
}

void agent_notes_given(struct agent_notes *n, int64_t job_system)
{
	pthread_mutex_lock(&n->lock);
	if (n->ngiven == n->cap) {
		size_t cap = n->cap ? 2 * n->cap : 64;
		int64_t *more = reallocarray(n->given, cap, sizeof(*more));

		if (more) {
			n->given = more;
			n->cap = cap;
		}
	}
	if (n->ngiven < n->cap)
		n->given[n->ngiven++] = job_system;
	pthread_mutex_unlock(&n->lock);
}

/* --- writing it down --- */

/* Those that are not written yet, as a list of their own; NULL: none, or memory is short. */
static struct nonce *unwritten(struct agent_notes *n, int64_t now)
{
	struct nonce *list = NULL;

	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < BUCKETS; i++) {
		prune(n, &n->v[i], now);
		for (struct nonce *e = n->v[i]; e; e = e->next) {
			struct nonce *copy = e->written ? NULL : malloc(sizeof(*copy));

			if (!copy)
				continue;
			*copy = *e;
			copy->next = list;
			list = copy;
			e->written = true;
		}
	}
	pthread_mutex_unlock(&n->lock);
	return list;
}

static int write_nonces(struct sut_db *db, struct nonce *list, int64_t now, struct sut_err *err)
{
	int rc = sut_db_begin(db, SUT_DB_WRITE, err);

	for (; rc == 0 && list; list = list->next)
		rc = sut_db_exec(
			db,
			"INSERT INTO agent_nonces (system_id, nonce, at) VALUES ($1, $2, $3)"
			" ON CONFLICT DO NOTHING",
			SUT_DB_ARGS(SUT_DB_T(list->system_id), SUT_DB_T(list->nonce),
				    SUT_DB_I(list->at)),
			NULL, err);
	if (rc == 0)
		rc = sut_db_exec(db, "DELETE FROM agent_nonces WHERE at < $1",
				 SUT_DB_ARGS(SUT_DB_I(now - AGENT_NONCE_SEC)), NULL, err);
	if (rc == 0)
		rc = sut_db_commit(db, err);
	if (rc < 0)
		sut_db_rollback(db);
	return rc;
}

/* In a transaction. */
static int mark(struct sut_db *db, int64_t id, int64_t now, struct sut_err *err)
{
	_cleanup_(job_row_release) struct job_row j = {0};
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int64_t job, changed = 0;
	int k = sut_db_one(db, "SELECT job FROM job_systems WHERE id = $1 AND state = 'offered'",
			   SUT_DB_ARGS(SUT_DB_I(id)), &row, err);

	if (k <= 0)
		return k;
	job = sut_db_int(row, 0);
	sut_db_rows_free(sut_steal(row));
	k = job_row_lock(db, job, err);
	if (k == 0)
		k = sut_db_exec(db,
				"UPDATE job_systems SET state = 'running', given_at = $2"
				" WHERE id = $1 AND state = 'offered'",
				SUT_DB_ARGS(SUT_DB_I(id), SUT_DB_I(now)), &changed, err);
	if (k < 0 || !changed)
		return k;
	k = job_count(db, job, JOB_OFFERED, JOB_RUNNING, 1, NULL, err);
	if (k == 0)
		k = job_row_get(db, job, &j, err);
	return k > 0 ? live_tell(db, j.tenant, now, "job", j.uid, err) : k;
}

static int write_given(struct sut_db *db, const int64_t *v, size_t n, int64_t now,
		       struct sut_err *err)
{
	int rc = sut_db_begin(db, SUT_DB_WRITE, err);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = mark(db, v[i], now, err);
	if (rc == 0)
		rc = sut_db_commit(db, err);
	if (rc < 0)
		sut_db_rollback(db);
	return rc;
}

int agent_notes_flush(struct agent_notes *n, struct sut_db *db, int64_t now, struct sut_err *err)
{
	struct nonce *list = unwritten(n, now);
	int64_t *given;
	size_t ngiven;
	int rc = list ? write_nonces(db, list, now, err) : 0;

	while (list) {
		struct nonce *next = list->next;

		free(list);
		list = next;
	}
	pthread_mutex_lock(&n->lock);
	given = sut_steal(n->given);
	ngiven = n->ngiven;
	n->ngiven = n->cap = 0;
	pthread_mutex_unlock(&n->lock);
	for (size_t i = 0; rc == 0 && i < ngiven; i += GIVEN_BATCH)
		rc = write_given(db, given + i, ngiven - i < GIVEN_BATCH ? ngiven - i : GIVEN_BATCH,
				 now, err);
	free(given);
	return rc;
}
