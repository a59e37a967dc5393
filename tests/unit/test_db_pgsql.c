// SPDX-License-Identifier: Apache-2.0
/* db/db.h: what only PostgreSQL has, a server that may go away and others beside us. */
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample_db.h"

#define _cleanup_db_ _cleanup_(sut_db_freep)

static struct sut_err err;

static struct sut_db *with_table(void **state)
{
	struct sut_db *db = sample_db_open(*state);

	assert_ok(sut_db_script(db, "CREATE TABLE t (n BIGINT, i INTEGER, s TEXT)", &err), err);
	return db;
}

static int put(struct sut_db *db, int64_t n, const char *s)
{
	return sut_db_exec(db, "INSERT INTO t (n, s) VALUES ($1, $2)",
			   SUT_DB_ARGS(SUT_DB_I(n), SUT_DB_T(s)), NULL, &err);
}

static int64_t count(struct sut_db *db)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;

	assert_ok(sut_db_one(db, "SELECT COUNT(*) FROM t", SUT_DB_NONE, &rows, &err), err);
	return sut_db_int(rows, 0);
}

/* Ends db's connection from another one. */
static void cut(int64_t pid, struct sut_db *other)
{
	struct sut_db_rows *rows = NULL;

	assert_int_equal(sut_db_one(other, "SELECT pg_terminate_backend($1::integer, 5000)",
				    SUT_DB_ARGS(SUT_DB_I(pid)), &rows, &err),
			 1);
	assert_int_equal(sut_db_int(rows, 0), 1);
	sut_db_rows_free(rows);
}

static int64_t pid_of(struct sut_db *db)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;

	assert_int_equal(sut_db_one(db, "SELECT pg_backend_pid()", SUT_DB_NONE, &rows, &err), 1);
	return sut_db_int(rows, 0);
}

static void a_lost_connection_says_so_and_comes_back(void **state)
{
	_cleanup_db_ struct sut_db *db = with_table(state), *other = sample_db_open(*state);

	assert_ok(put(db, 1, "a"), err);
	assert_ok(sut_db_begin(db, SUT_DB_WRITE, &err), err);
	assert_ok(put(db, 2, "b"), err);
	cut(pid_of(db), other);
	assert_int_equal(put(db, 3, "c"), -ECONNRESET);
	assert_false(sut_db_alive(db));
	assert_int_equal(put(db, 3, "c"), -ECONNRESET);
	assert_int_equal(sut_db_commit(db, &err), -ECONNRESET);
	assert_int_equal(sut_db_begin(db, SUT_DB_READ, &err), -ECONNRESET);
	assert_ok(sut_db_reopen(db, &err), err);
	assert_true(sut_db_alive(db));
	assert_int_equal(count(db), 1);
	assert_ok(put(db, 3, "c"), err);
	cut(pid_of(db), other);
	assert_int_equal(sut_db_begin(db, SUT_DB_WRITE, &err), -ECONNRESET);
	assert_ok(sut_db_reopen(db, &err), err);
	assert_ok(sut_db_begin(db, SUT_DB_WRITE, &err), err);
	assert_ok(put(db, 4, "d"), err);
	cut(pid_of(db), other);
	assert_int_equal(sut_db_commit(db, &err), -ECONNRESET);
	assert_ok(sut_db_reopen(db, &err), err);
	assert_int_equal(count(db), 2);
}

static void who_listens_is_woken_by_the_commit(void **state)
{
	_cleanup_db_ struct sut_db *db = with_table(state), *other = sample_db_open(*state);

	assert_ok(sut_db_listen(db, "touch", &err), err);
	assert_int_equal(sut_db_wait(db, 0, -1, &err), 0);
	assert_ok(sut_db_begin(other, SUT_DB_WRITE, &err), err);
	assert_ok(sut_db_notify(other, "touch", &err), err);
	assert_int_equal(sut_db_wait(db, 50, -1, &err), 0);
	assert_ok(sut_db_commit(other, &err), err);
	assert_int_equal(sut_db_wait(db, 5000, -1, &err), 1);
	assert_int_equal(sut_db_wait(db, 0, -1, &err), 0);
	assert_ok(sut_db_notify(other, "else", &err), err);
	assert_int_equal(sut_db_wait(db, 50, -1, &err), 0);
	/* One that came while a statement ran is not lost. */
	assert_ok(sut_db_notify(other, "touch", &err), err);
	assert_int_equal(count(db), 0);
	assert_int_equal(sut_db_wait(db, 5000, -1, &err), 1);
}

static void listening_goes_on_after_a_reopen(void **state)
{
	_cleanup_db_ struct sut_db *db = sample_db_open(*state), *other = sample_db_open(*state);
	int r = 0;

	assert_ok(sut_db_listen(db, "touch", &err), err);
	cut(pid_of(db), other);
	for (int i = 0; i < 10 && r == 0; i++)
		r = sut_db_wait(db, 1000, -1, &err);
	assert_int_equal(r, -ECONNRESET);
	assert_ok(sut_db_reopen(db, &err), err);
	assert_int_equal(sut_db_wait(db, 5000, -1, &err), 1); /* who knows what was missed */
	assert_int_equal(sut_db_wait(db, 0, -1, &err), 0);
	assert_ok(sut_db_notify(other, "touch", &err), err);
	assert_int_equal(sut_db_wait(db, 5000, -1, &err), 1);
}

/* Changes 'b', then 'a', while the parent does it the other way round. Each has its first before either asks for its
 * second. */
static int other_way_round(const char *url, int fd, int go)
{
	char c;
	struct sut_db *db = NULL;
	int r = sut_db_open(url, NULL, &db, &err);

	if (r == 0)
		r = sut_db_begin(db, SUT_DB_WRITE, &err);
	if (r == 0)
		r = sut_db_exec(db, "UPDATE t SET n = 9 WHERE s = 'b'", SUT_DB_NONE, NULL, &err);
	if (write(fd, "x", 1) != 1 || read(go, &c, 1) != 1)
		r = -EIO;
	if (r == 0)
		r = sut_db_exec(db, "UPDATE t SET n = 9 WHERE s = 'a'", SUT_DB_NONE, NULL, &err);
	sut_db_free(db);
	return r == 0 ? 0 : r == -EAGAIN ? 1 : 2;
}

static void a_deadlock_says_to_try_again(void **state)
{
	_cleanup_db_ struct sut_db *db = with_table(state);
	struct sample_db *s = *state;
	int fds[2], go[2], status = -1, r;
	pid_t pid;
	char c;

	assert_ok(put(db, 1, "a"), err);
	assert_ok(put(db, 2, "b"), err);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(other_way_round(s->url, fds[1], go[0]));
	assert_ok(sut_db_begin(db, SUT_DB_WRITE, &err), err);
	assert_ok(sut_db_exec(db, "UPDATE t SET n = 8 WHERE s = 'a'", SUT_DB_NONE, NULL, &err),
		  err);
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_int_equal(write(go[1], "x", 1), 1);
	r = sut_db_exec(db, "UPDATE t SET n = 8 WHERE s = 'b'", SUT_DB_NONE, NULL, &err);
	sut_db_rollback(db);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		close(go[i]);
	}
	/* One of the two, and only one. */
	assert_true(WIFEXITED(status));
	assert_true((r == 0 && WEXITSTATUS(status) == 1) ||
		    (r == -EAGAIN && WEXITSTATUS(status) == 0));
}

static void a_statement_that_takes_too_long_is_ended(void **state)
{
	const struct sut_db_opts opts = {.statement_sec = 1};
	struct sample_db *s = *state;
	_cleanup_db_ struct sut_db *db = NULL;

	assert_ok(sut_db_open(s->url, &opts, &db, &err), err);
	assert_int_equal(sut_db_exec(db, "SELECT pg_sleep(30)", SUT_DB_NONE, NULL, &err), -EAGAIN);
	assert_true(sut_db_alive(db));
}

static void a_schema_that_changes_before_a_transaction_says_to_try_again(void **state)
{
	static const char all[] = "SELECT * FROM t";
	_cleanup_db_ struct sut_db *db = with_table(state), *other = sample_db_open(*state);
	struct sut_db_rows *rows = NULL;

	assert_int_equal(sut_db_one(db, all, SUT_DB_NONE, &rows, &err), 0);
	assert_ok(sut_db_script(other, "ALTER TABLE t DROP COLUMN i", &err), err);
	assert_ok(sut_db_begin(db, SUT_DB_WRITE, &err), err);
	assert_int_equal(sut_db_one(db, all, SUT_DB_NONE, &rows, &err), -EAGAIN);
	sut_db_rollback(db);
	assert_ok(sut_db_begin(db, SUT_DB_WRITE, &err), err);
	assert_int_equal(sut_db_one(db, all, SUT_DB_NONE, &rows, &err), 0);
	assert_ok(sut_db_commit(db, &err), err);
}

static void no_password_and_no_value_is_in_a_message(void **state)
{
	static const char *const urls[] = {
		"postgresql://me:hunter2@localhost:1/x",
		"host=localhost port=1 user=me password=hunter2 dbname=x",
		"postgresql://me:hunter2@localhost/x?hunter2",
		"postgresql://me:hunter2@[localhost/x",
		"host=localhost password='hunter2",
		"hunter2=hunter2",
	};
	_cleanup_db_ struct sut_db *db = with_table(state);
	struct sut_db *none = NULL;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(urls); i++) {
		int r = sut_db_open(urls[i], NULL, &none, &err);

		assert_int_equal(r, i < 2 ? -ECONNRESET : -EINVAL);
		assert_null(strstr(err.msg, "hunter2"));
	}
	assert_int_equal(sut_db_exec(db, "INSERT INTO t (i) VALUES (CAST($1 AS INTEGER))",
				     SUT_DB_ARGS(SUT_DB_T("hunter2")), NULL, &err),
			 -EDOM);
	assert_null(strstr(err.msg, "hunter2"));
	assert_int_equal(sut_db_exec(db, "INSERT INTO t (i) VALUES ($1)",
				     SUT_DB_ARGS(SUT_DB_I(INT64_MAX)), NULL, &err),
			 -EDOM);
}

int main(void)
{
	const struct sample_db_case cases[] = {
		SAMPLE_DB_ONLY(SUT_DB_PGSQL, a_lost_connection_says_so_and_comes_back),
		SAMPLE_DB_ONLY(SUT_DB_PGSQL, who_listens_is_woken_by_the_commit),
		SAMPLE_DB_ONLY(SUT_DB_PGSQL, listening_goes_on_after_a_reopen),
		SAMPLE_DB_ONLY(SUT_DB_PGSQL, a_deadlock_says_to_try_again),
		SAMPLE_DB_ONLY(SUT_DB_PGSQL, a_statement_that_takes_too_long_is_ended),
		SAMPLE_DB_ONLY(SUT_DB_PGSQL,
			       a_schema_that_changes_before_a_transaction_says_to_try_again),
		SAMPLE_DB_ONLY(SUT_DB_PGSQL, no_password_and_no_value_is_in_a_message),
	};

	return SAMPLE_DB_RUN(cases);
}
