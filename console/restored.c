// SPDX-License-Identifier: Apache-2.0
/* After a restore: secrets in the database open only with the key that they were sealed with, which is in no backup. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "console.h"
#include "job/key.h"
#include "link/link.h"
#include "seal.h"

static void sealp(struct seal **s)
{
	seal_free(*s);
}

/* Does the token of this tenant's portal open? */
static int try_token(const struct seal *s, struct sut_db *db, int64_t tenant, struct sut_err *err)
{
	_cleanup_link_ struct link l = {0};
	struct console c = {.seal = (struct seal *)s};
	int r = link_load(&c, db, tenant, &l, err);

	return r < 0 ? r : 0;
}

/* The key of its jobs, which is there already: nothing is written. */
static int try_job_key(const struct seal *s, struct sut_db *db, int64_t tenant, struct sut_err *err)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	char id[SUT_DSSE_KEYID];
	int r = sut_db_begin(db, SUT_DB_WRITE, err);

	if (r < 0)
		return r;
	r = job_key_use(s, db, tenant, time(NULL), &key, id, err);
	sut_db_rollback(db);
	return r;
}

/* 1: a row of this question, whose tenant is *ret. All of a database was sealed with one key: one secret tells for all. */
static int first(struct sut_db *db, const char *sql, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int r = sut_db_one(db, sql, SUT_DB_NONE, &row, err);

	if (r > 0)
		*ret = sut_db_int(row, 0);
	return r;
}

int console_restored(const struct server_conf *conf, struct sut_db *db, struct sut_err *err)
{
	const char *path = ((const struct console_conf *)conf)->secret_key;
	_cleanup_(sealp) struct seal *s = NULL;
	int64_t token = 0, job = 0;
	int has_token, has_job, r = 0;

	has_token = first(db, "SELECT tenant FROM portals ORDER BY id LIMIT 1", &token, err);
	if (has_token < 0)
		return has_token;
	has_job = first(db,
			"SELECT tenant FROM job_keys WHERE secret IS NOT NULL ORDER BY id LIMIT 1",
			&job, err);
	if (has_job < 0 || (!has_token && !has_job))
		return has_job;
	r = seal_open(path, &s, err);
	if (r == 0 && has_token)
		r = try_token(s, db, token, err);
	if (r == 0 && has_job)
		r = try_job_key(s, db, job, err);
	if (r < 0 && !strcmp(err->reason, "seal"))
		return sut_err_reason(
			err, EKEYREJECTED, "seal",
			"all is restored, but the key %s does not open the secrets in it. Put the "
			"secret-key of the console that was backed up there, for nobody but the "
			"user of the console to read, and run: suture-console doctor",
			path);
	return r;
}
