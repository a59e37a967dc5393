// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "sample_db.h"

enum { CASES_MAX = 128 };

static struct sample_db current[2 * CASES_MAX];
static char *names[2 * CASES_MAX];

bool sample_db_has(enum sut_db_engine engine)
{
	const char *s = getenv("SUTURE_TEST_PG");

	return engine == SUT_DB_SQLITE || (s && *s);
}

static void on_server(const char *sql)
{
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	struct sut_err err = {0};

	assert_ok(sut_db_open(getenv("SUTURE_TEST_PG"), NULL, &db, &err), err);
	assert_ok(sut_db_script(db, sql, &err), err);
}

void sample_db_new(enum sut_db_engine engine, struct sample_db *ret)
{
	static unsigned int count;
	struct sut_err err = {0};

	*ret = (struct sample_db){.engine = engine};
	assert_ok(sut_tmpdir("db", &ret->dir, &err), err);
	if (engine == SUT_DB_SQLITE) {
		ret->url = sut_sprintf("sqlite:%s/test.db", ret->dir);
	} else {
		_cleanup_(sut_freep) char *sql = NULL;

		ret->pg_name = sut_sprintf("t%ld_%u", (long)getpid(), count++);
		assert_non_null(ret->pg_name);
		sql = sut_sprintf("CREATE DATABASE %s", ret->pg_name);
		assert_non_null(sql);
		on_server(sql);
		ret->url = sut_sprintf("%s&dbname=%s", getenv("SUTURE_TEST_PG"), ret->pg_name);
	}
	assert_non_null(ret->url);
}

void sample_db_drop(struct sample_db *s)
{
	if (s->pg_name) {
		_cleanup_(sut_freep) char *sql =
			sut_sprintf("DROP DATABASE %s WITH (FORCE)", s->pg_name);

		assert_non_null(sql);
		on_server(sql);
	}
	if (s->dir)
		(void)!sut_rm_rf(s->dir, NULL);
	free(s->dir);
	free(s->url);
	free(s->pg_name);
	*s = (struct sample_db){0};
}

struct sut_db *sample_db_open(const struct sample_db *s)
{
	struct sut_db *db = NULL;
	struct sut_err err = {0};

	assert_ok(sut_db_open(s->url, NULL, &db, &err), err);
	return db;
}

static int setup(void **state)
{
	struct sample_db *s = *state;

	sample_db_new(s->engine, s);
	return 0;
}

static int teardown(void **state)
{
	struct sample_db *s = *state;

	if (s->url)
		sample_db_drop(s);
	return 0;
}

int sample_db_run(const struct sample_db_case *cases, size_t n)
{
	static const char *const prefix[] = {"", "sqlite", "pgsql"};
	struct CMUnitTest tests[2 * CASES_MAX];
	size_t k = 0;
	int r;

	if (n > CASES_MAX)
		return 1;
	for (enum sut_db_engine e = SUT_DB_SQLITE; e <= SUT_DB_PGSQL; e++)
		for (size_t i = 0; i < n; i++) {
			if (!sample_db_has(e) || (cases[i].only && cases[i].only != e))
				continue;
			current[k].engine = e;
			names[k] = sut_sprintf("%s: %s", prefix[e], cases[i].name);
			tests[k] = (struct CMUnitTest){.name = names[k] ? names[k] : cases[i].name,
						       .test_func = cases[i].run,
						       .setup_func = setup,
						       .teardown_func = teardown,
						       .initial_state = &current[k]};
			k++;
		}
	if (!sample_db_has(SUT_DB_PGSQL))
		printf("# without PostgreSQL: SUTURE_TEST_PG is not set (tests/pg.sh)\n");
	r = _cmocka_run_group_tests("db", tests, k, NULL, NULL);
	for (size_t i = 0; i < k; i++)
		free(names[i]);
	return r;
}
