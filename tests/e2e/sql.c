// SPDX-License-Identifier: Apache-2.0
/*
 * sql DATABASE STATEMENT: one statement on the database of a server that runs. Of one with rows the first column, which has
 * to be text, is printed, a line for each row.
 */
#include <errno.h>
#include <stdio.h>

#include "base/str.h"
#include "db/db.h"

static int print_rows(struct sut_db *db, const char *sql, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(db, sql, SUT_DB_NONE, &rows, err);

	while (r == 0 && (r = sut_db_next(rows, err)) > 0)
		r = puts(sut_db_text(rows, 0)) < 0 ? sut_err_set(err, EIO, "cannot write") : 0;
	return r;
}

static int change(struct sut_db *db, const char *sql, struct sut_err *err)
{
	int r = sut_db_begin(db, SUT_DB_WRITE, err);

	if (r == 0)
		r = sut_db_exec(db, sql, SUT_DB_NONE, NULL, err);
	if (r == 0)
		return sut_db_commit(db, err);
	sut_db_rollback(db);
	return r;
}

int main(int argc, char **argv)
{
	struct sut_db *db = NULL;
	struct sut_err err = {0};
	int r;

	if (argc != 3)
		return 64;
	r = sut_db_open(argv[1], NULL, &db, &err);
	if (r == 0)
		r = sut_startswith(argv[2], "SELECT") ? print_rows(db, argv[2], &err)
						      : change(db, argv[2], &err);
	sut_db_free(db);
	if (r < 0)
		fprintf(stderr, "sql: %s\n", err.msg);
	return r < 0;
}
