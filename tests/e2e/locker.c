// SPDX-License-Identifier: Apache-2.0
/*
 * locker DATABASE SECONDS: holds the database's one write lock so long, as a backup program or a forgotten shell would. Of
 * PostgreSQL, a lock on the table "meta". Prints "locked" when it has it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/db.h"

int main(int argc, char **argv)
{
	struct sut_db *db = NULL;
	struct sut_err err = {0};
	int r;

	if (argc != 3)
		return 64;
	r = sut_db_open(argv[1], NULL, &db, &err);
	if (r == 0)
		r = sut_db_begin(db, SUT_DB_WRITE, &err);
	if (r == 0)
		r = sut_db_exec(db, "UPDATE meta SET value = value WHERE name = 'generation'",
				SUT_DB_NONE, NULL, &err);
	if (r < 0) {
		fprintf(stderr, "locker: %s\n", err.msg);
		return 1;
	}
	puts("locked");
	fflush(stdout);
	sleep((unsigned int)strtoul(argv[2], NULL, 10));
	sut_db_rollback(db);
	sut_db_free(db);
	return 0;
}
