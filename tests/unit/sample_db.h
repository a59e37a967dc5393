/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fresh databases for tests: a SQLite file in a folder of its own, and a PostgreSQL database when
 * SUTURE_TEST_PG names a server (tests/pg.sh starts one).
 */
#ifndef SUTURE_TESTS_SAMPLE_DB_H
#define SUTURE_TESTS_SAMPLE_DB_H

#include <stdbool.h>

#include "db/db.h"

struct sample_db {
	enum sut_db_engine engine;
	char *url;
	char *dir; /* private; the SQLite file is DIR/test.db */
	char *pg_name;
};

/* Is there a server to test with? */
bool sample_db_has(enum sut_db_engine engine);
/* An empty database. Failures end the test. */
void sample_db_new(enum sut_db_engine engine, struct sample_db *ret);
/* Removes it; connections to it are ended. */
void sample_db_drop(struct sample_db *s);
/* A connection that works, or the test has failed. */
struct sut_db *sample_db_open(const struct sample_db *s);

/* Runs every case on each engine (names get "sqlite: " and "pgsql: "), with a fresh database: *state is a
 * struct sample_db. Without a server those of PostgreSQL are left out. */
struct sample_db_case {
	const char *name;
	void (*run)(void **state);
	enum sut_db_engine only; /* 0: both */
};
#define SAMPLE_DB_CASE(f) ((struct sample_db_case){#f, f, 0})
#define SAMPLE_DB_ONLY(engine, f) ((struct sample_db_case){#f, f, engine})
int sample_db_run(const struct sample_db_case *cases, size_t n);
#define SAMPLE_DB_RUN(cases) sample_db_run(cases, SUT_ARRAY_SIZE(cases))

#endif
