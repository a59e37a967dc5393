// SPDX-License-Identifier: Apache-2.0
/* db/db.h and db/migrate.h when memory is short: each allocation, of ours and of the engines, fails once. What was
 * not committed is not there, what was committed is, and what is read is right. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "db/migrate.h"
#include "fault.h"
#include "sample_db.h"

enum { ALLOCATIONS_MAX = 100000 };

static const struct sut_migration schema[] = {
	{1, "t", "CREATE TABLE t (id @ID@, s TEXT NOT NULL UNIQUE, b @BLOB@);"},
};
static const uint8_t bytes[] = {0, 1, 2, 0xff};

static int64_t count(struct sut_db *db, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, "SELECT COUNT(*) FROM t", SUT_DB_NONE, &rows, err);

	return r < 0 ? r : sut_db_int(rows, 0);
}

static int put(struct sut_db *db, const char *s, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, "INSERT INTO t (s, b) VALUES ($1, $2) RETURNING s, b",
			   SUT_DB_ARGS(SUT_DB_T(s), SUT_DB_B(bytes, sizeof(bytes))), &rows, err);
	size_t len;

	if (r < 0)
		return r;
	assert_int_equal(r, 1);
	assert_string_equal(sut_db_text(rows, 0), s);
	assert_memory_equal(sut_db_blob(rows, 1, &len), bytes, sizeof(bytes));
	assert_int_equal(len, sizeof(bytes));
	return 0;
}

static int read_all(struct sut_db *db, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(db, "SELECT s, b FROM t WHERE s <> $1 ORDER BY id",
			     SUT_DB_ARGS(SUT_DB_T("none")), &rows, err);
	int n = 0;

	while (r == 0 && (r = sut_db_next(rows, err)) > 0) {
		size_t len;

		assert_non_null(sut_db_text(rows, 0));
		assert_int_equal(sut_db_text(rows, 0)[0], 'a' + n);
		assert_memory_equal(sut_db_blob(rows, 1, &len), bytes, sizeof(bytes));
		n++;
		r = 0;
	}
	return r < 0 ? r : n;
}

/* Two rows in one transaction, a third in a savepoint that is taken back. *committed: it said so. */
static int work(const char *url, bool *committed, struct sut_err *err)
{
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	int r = sut_db_open(url, NULL, &db, err);

	if (r == 0)
		r = sut_db_migrate(db, schema, 1, 0, 1000, err);
	if (r == 0)
		r = sut_db_begin(db, SUT_DB_WRITE, err);
	if (r == 0)
		r = put(db, "a", err);
	if (r == 0)
		r = put(db, "b", err);
	if (r == 0)
		r = sut_db_savepoint(db, err);
	if (r == 0)
		r = put(db, "c", err);
	if (r == 0)
		r = sut_db_rollback_to(db, err);
	if (r == 0) {
		r = sut_db_commit(db, err);
		*committed = r == 0;
	}
	if (r == 0)
		r = read_all(db, err);
	return r < 0 ? r : r == 2 ? 0 : -EBADMSG;
}

static void each_allocation_may_fail(void **state)
{
	const struct sample_db *s = *state;

	for (uint64_t n = 1;; n++) {
		struct sut_err err = {0};
		struct sut_db *db;
		bool committed = false;
		int64_t there;
		int r;

		fault_alloc_arm(n);
		r = work(s->url, &committed, &err);
		if (fault_alloc_disarm() < n) {
			assert_ok(r, err);
			break;
		}
		/* A failure may have been made good, as by a smaller cache; but none is silent. */
		if (r < 0)
			assert_true(err.msg[0] && -r == err.code);
		db = sample_db_open(s);
		assert_ok(sut_db_migrate(db, schema, 1, 0, 1000, &err), err);
		there = count(db, &err);
		if (there != 0 && there != 2)
			fail_msg("allocation %llu: %lld rows", (unsigned long long)n,
				 (long long)there);
		if (committed)
			assert_int_equal(there, 2);
		assert_ok(sut_db_script(db, "DROP TABLE t; DROP TABLE schema_migrations", &err),
			  err);
		sut_db_free(db);
		assert_true(n < ALLOCATIONS_MAX);
	}
}

int main(void)
{
	const struct sample_db_case cases[] = {SAMPLE_DB_CASE(each_allocation_may_fail)};

	return SAMPLE_DB_RUN(cases);
}
