// SPDX-License-Identifier: Apache-2.0
/* db/migrate.h, and the portal's own migrations, on both engines. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"
#include "db/migrate.h"
#include "migrations.h"
#include "sample_db.h"

#define _cleanup_db_ _cleanup_(sut_db_freep)

static struct sut_err err;

static const struct sut_migration good[] = {
	{1, "a", "CREATE TABLE a (id @ID@, b @BLOB@ NOT NULL, mail TEXT DEFAULT 'x@y');\n"},
	{2, "b",
	 "-- only sqlite\nCREATE TABLE b (lite TEXT);\n-- end\n"
	 "-- only pgsql\nCREATE TABLE b (pg TEXT);\n-- end\n"
	 "INSERT INTO a (b) VALUES ('1'); INSERT INTO a (b) VALUES ('2');"},
	{3, "c", "CREATE TABLE c (x BIGINT);"},
};

static void state_is(struct sut_db *db, const struct sut_migration *v, size_t n, int current)
{
	struct sut_migration_state st = {-1, -1};

	assert_ok(sut_db_migration_state(db, v, n, &st, &err), err);
	assert_int_equal(st.current, current);
	assert_int_equal(st.known, n);
}

static void migrations_are_applied_once_and_in_order(void **state)
{
	_cleanup_db_ struct sut_db *db = sample_db_open(*state);
	_cleanup_rows_ struct sut_db_rows *rows = NULL;

	state_is(db, good, 3, 0);
	assert_ok(sut_db_migrate(db, good, 3, 1, 1000, &err), err);
	state_is(db, good, 3, 1);
	assert_ok(sut_db_migrate(db, good, 3, 0, 1001, &err), err);
	assert_ok(sut_db_migrate(db, good, 3, 0, 1002, &err), err);
	state_is(db, good, 3, 3);
	assert_ok(sut_db_query(db, "SELECT number, name, applied FROM schema_migrations ORDER BY 1",
			       SUT_DB_NONE, &rows, &err),
		  err);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sut_db_next(rows, &err), 1);
		assert_int_equal(sut_db_int(rows, 0), i + 1);
		assert_string_equal(sut_db_text(rows, 1), good[i].name);
		assert_int_equal(sut_db_int(rows, 2), 1000 + (i > 0));
	}
}

static void each_engine_gets_its_own_words(void **state)
{
	_cleanup_db_ struct sut_db *db = sample_db_open(*state);
	struct sut_db_rows *rows = NULL;
	bool lite = sut_db_engine(db) == SUT_DB_SQLITE;

	assert_ok(sut_db_migrate(db, good, 3, 0, 1000, &err), err);
	assert_ok(sut_db_exec(db,
			      lite ? "INSERT INTO b (lite) VALUES ('x')"
				   : "INSERT INTO b (pg) VALUES ('x')",
			      SUT_DB_NONE, NULL, &err),
		  err);
	assert_int_equal(
		sut_db_one(db, "SELECT MAX(id), MAX(mail) FROM a", SUT_DB_NONE, &rows, &err), 1);
	assert_int_equal(sut_db_int(rows, 0), 2);
	assert_string_equal(sut_db_text(rows, 1), "x@y");
	sut_db_rows_free(rows);
}

static void a_migration_that_fails_leaves_nothing(void **state)
{
	const struct sut_migration bad[] = {
		good[0],
		{2, "bad", "CREATE TABLE half (x BIGINT); INSERT INTO nowhere VALUES (1);"}};
	_cleanup_db_ struct sut_db *db = sample_db_open(*state);

	assert_int_equal(sut_db_migrate(db, bad, 2, 0, 1000, &err), -EIO);
	assert_says(err, "migration 2 (bad)");
	state_is(db, bad, 2, 1);
	assert_true(sut_db_script(db, "SELECT * FROM half", &err) < 0);
	assert_ok(sut_db_migrate(db, good, 3, 0, 1000, &err), err);
	state_is(db, good, 3, 3);
}

static void a_changed_migration_is_noticed(void **state)
{
	const struct sut_migration changed[] = {
		good[0], {2, "b", "CREATE TABLE b (y TEXT)"}, good[2]};
	struct sut_migration_state st = {7, 7};
	_cleanup_db_ struct sut_db *db = sample_db_open(*state);

	assert_ok(sut_db_migrate(db, good, 2, 0, 1000, &err), err);
	assert_int_equal(sut_db_migration_state(db, changed, 3, &st, &err), -EUCLEAN);
	assert_string_equal(err.reason, "changed");
	assert_int_equal(st.current, 7);
	assert_int_equal(sut_db_migrate(db, changed, 3, 0, 1000, &err), -EUCLEAN);
	state_is(db, good, 3, 2);
}

static void a_newer_database_is_left_alone(void **state)
{
	struct sut_migration_state st;
	_cleanup_db_ struct sut_db *db = sample_db_open(*state);

	assert_ok(sut_db_migrate(db, good, 3, 0, 1000, &err), err);
	assert_int_equal(sut_db_migration_state(db, good, 2, &st, &err), -EPROTONOSUPPORT);
	assert_string_equal(err.reason, "newer");
	assert_says(err, "migration 3 (c)");
	assert_int_equal(sut_db_migrate(db, good, 2, 0, 1000, &err), -EPROTONOSUPPORT);
	state_is(db, good, 3, 3);
}

static void a_list_with_mistakes_is_refused(void **state)
{
	static const char *const bad[] = {"-- only sqlite\n", "-- end\n",
					  "-- only sqlite\n-- only pgsql\n-- end\n"};
	const struct sut_migration gap[] = {good[0], good[2]};
	_cleanup_db_ struct sut_db *db = sample_db_open(*state);

	assert_int_equal(sut_db_migrate(db, gap, 2, 0, 1000, &err), -EINVAL);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		const struct sut_migration m = {1, "bad", bad[i]};

		assert_int_equal(sut_db_migrate(db, &m, 1, 0, 1000, &err), -EINVAL);
	}
	assert_int_equal(sut_db_migrate(db, good, 3, 4, 1000, &err), -EINVAL);
	assert_int_equal(sut_db_migrate(db, good, 3, -1, 1000, &err), -EINVAL);
}

/* Processes that begin together: each migration is applied once, and nobody fails. */
static void several_processes_may_migrate_at_once(void **state)
{
	enum { N = 4 };
	struct sample_db *s = *state;
	pid_t pids[N];

	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			struct sut_db *db = NULL;
			int r = sut_db_open(s->url, NULL, &db, &err);

			if (r == 0)
				r = sut_db_migrate(db, portal_migrations, portal_nmigrations, 0,
						   1000, &err);
			if (r < 0)
				fprintf(stderr, "%s\n", err.msg);
			sut_db_free(db);
			_exit(r < 0);
		}
	}
	for (int i = 0; i < N; i++) {
		int status = -1;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	_cleanup_db_ struct sut_db *db = sample_db_open(s);

	state_is(db, portal_migrations, portal_nmigrations, (int)portal_nmigrations);
}

/* --- the portal's schema --- */

/* Tables and columns, one a line. */
static void describe(struct sut_db *db, struct sut_buf *b)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;

	assert_ok(
		sut_db_query(db,
			     sut_db_engine(db) == SUT_DB_SQLITE
				     ? "SELECT m.name, c.name, c.\"notnull\" OR c.pk FROM "
				       "sqlite_master m, pragma_table_info(m.name) c WHERE m.type "
				       "= 'table' AND m.name NOT LIKE 'sqlite%' ORDER BY 1, 2"
				     : "SELECT table_name, column_name, (is_nullable = 'NO')::int "
				       "FROM information_schema.columns WHERE table_schema = "
				       "current_schema() ORDER BY table_name COLLATE \"C\", "
				       "column_name COLLATE \"C\"",
			     SUT_DB_NONE, &rows, &err),
		err);
	while (sut_db_next(rows, &err) == 1)
		assert_ok(sut_buf_addf(b, "%s.%s%s\n", sut_db_text(rows, 0), sut_db_text(rows, 1),
				       sut_db_int(rows, 2) ? " not null" : ""),
			  err);
}

static void an_old_database_with_data_becomes_the_same_as_a_new_one(void **state)
{
	_cleanup_buf_ struct sut_buf fresh = SUT_BUF_INIT(1 << 20), old = SUT_BUF_INIT(1 << 20);
	struct sample_db *s = *state, second;
	struct sut_db *db = sample_db_open(s);
	struct sut_db_rows *rows = NULL;

	assert_ok(sut_db_migrate(db, portal_migrations, portal_nmigrations, 0, 1000, &err), err);
	describe(db, &fresh);
	sut_db_free(db);

	sample_db_new(s->engine, &second);
	db = sample_db_open(&second);
	for (int upto = 1; upto <= (int)portal_nmigrations; upto++) {
		assert_ok(
			sut_db_migrate(db, portal_migrations, portal_nmigrations, upto, 1000, &err),
			err);
		if (upto == 1)
			assert_ok(sut_db_script(db,
						"INSERT INTO tenants (name, created) VALUES "
						"('default', 1)",
						&err),
				  err);
		if (upto == 2)
			assert_ok(sut_db_script(db,
						"INSERT INTO users (uid, tenant, name, roles, "
						"created) VALUES ('u', 1, 'admin', 'admin', 1)",
						&err),
				  err);
	}
	describe(db, &old);
	assert_int_equal(sut_db_one(db,
				    "SELECT u.name FROM users u JOIN tenants t ON t.id = u.tenant "
				    "WHERE t.name = 'default'",
				    SUT_DB_NONE, &rows, &err),
			 1);
	assert_string_equal(sut_db_text(rows, 0), "admin");
	sut_db_rows_free(rows);
	sut_db_free(db);
	sample_db_drop(&second);
	assert_string_equal(sut_buf_str(&fresh), sut_buf_str(&old));
	assert_non_null(strstr(sut_buf_str(&fresh), "systems.machine_id not null"));
}

/* What either engine has, the other has too. */
static void both_engines_have_the_same_schema(void **state)
{
	_cleanup_buf_ struct sut_buf pg = SUT_BUF_INIT(1 << 20), lite = SUT_BUF_INIT(1 << 20);
	struct sample_db *s = *state, second;
	struct sut_db *db = sample_db_open(s);

	assert_ok(sut_db_migrate(db, portal_migrations, portal_nmigrations, 0, 1000, &err), err);
	describe(db, &pg);
	sut_db_free(db);
	sample_db_new(SUT_DB_SQLITE, &second);
	db = sample_db_open(&second);
	assert_ok(sut_db_migrate(db, portal_migrations, portal_nmigrations, 0, 1000, &err), err);
	describe(db, &lite);
	sut_db_free(db);
	sample_db_drop(&second);
	assert_string_equal(sut_buf_str(&pg), sut_buf_str(&lite));
}

int main(void)
{
	const struct sample_db_case cases[] = {
		SAMPLE_DB_CASE(migrations_are_applied_once_and_in_order),
		SAMPLE_DB_CASE(each_engine_gets_its_own_words),
		SAMPLE_DB_CASE(a_migration_that_fails_leaves_nothing),
		SAMPLE_DB_CASE(a_changed_migration_is_noticed),
		SAMPLE_DB_CASE(a_newer_database_is_left_alone),
		SAMPLE_DB_CASE(a_list_with_mistakes_is_refused),
		SAMPLE_DB_CASE(several_processes_may_migrate_at_once),
		SAMPLE_DB_CASE(an_old_database_with_data_becomes_the_same_as_a_new_one),
		SAMPLE_DB_ONLY(SUT_DB_PGSQL, both_engines_have_the_same_schema),
	};

	return SAMPLE_DB_RUN(cases);
}
