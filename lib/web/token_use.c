// SPDX-License-Identifier: Apache-2.0
#include "web/token_use.h"

#include <pthread.h>
#include <string.h>

#include "web/server.h"
#include "web/task.h"

struct use {
	int64_t token, at;
};

struct token_use {
	pthread_mutex_t lock;
	struct use v[TOKEN_USE_MAX];
	size_t n;
};

int token_use_new(struct token_use **ret, struct sut_err *err)
{
	struct token_use *u = calloc(1, sizeof(*u));

	if (!u)
		return sut_err_oom(err);
	pthread_mutex_init(&u->lock, NULL);
	*ret = u;
	return 0;
}

void token_use_free(struct token_use *u)
{
	if (!u)
		return;
	pthread_mutex_destroy(&u->lock);
	free(u);
}

void token_use_note(struct token_use *u, int64_t token, int64_t now)
{
	size_t i = 0;

	pthread_mutex_lock(&u->lock);
	while (i < u->n && u->v[i].token != token)
		i++;
	if (i == u->n && u->n < TOKEN_USE_MAX)
		u->v[u->n++] = (struct use){token, now};
	pthread_mutex_unlock(&u->lock);
}

/* Those that were not written down come again with the next call. */
static int run(struct server *p, struct sut_db *db, int64_t now _unused_, struct sut_err *err)
{
	struct token_use *u = p->token_use;
	struct use *v = calloc(TOKEN_USE_MAX, sizeof(*v));
	size_t n;
	int k = 0;

	if (!v)
		return sut_err_oom(err);
	pthread_mutex_lock(&u->lock);
	n = u->n;
	memcpy(v, u->v, n * sizeof(*v));
	u->n = 0;
	pthread_mutex_unlock(&u->lock);
	if (n)
		k = sut_db_begin(db, SUT_DB_WRITE, err);
	for (size_t i = 0; k == 0 && i < n; i++)
		k = sut_db_exec(db,
				"UPDATE tokens SET last_used = $2 WHERE id = $1 AND "
				"(last_used IS NULL OR last_used < $2)",
				SUT_DB_ARGS(SUT_DB_I(v[i].token), SUT_DB_I(v[i].at)), NULL, err);
	if (k == 0 && n)
		k = sut_db_commit(db, err);
	if (k < 0)
		sut_db_rollback(db);
	free(v);
	return k;
}

const struct task task_token_use = {
	.name = "token-use",
	.every_sec = 60,
	.run = run,
};
