/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbered, checksummed changes of a schema, the same files for both engines. In their text stand
 *   @ID@    a 64-bit primary key the database counts (INTEGER PRIMARY KEY AUTOINCREMENT / BIGINT … IDENTITY)
 *   @BLOB@  bytes (BLOB / BYTEA)
 * and lines between "-- only sqlite" or "-- only pgsql" and "-- end" are for that engine.
 *
 * What was applied is in the table schema_migrations (number, name, sha256, applied). A migration that
 * was applied is never changed afterwards: its checksum would differ, and that is an error.
 */
#ifndef SUTURE_DB_MIGRATE_H
#define SUTURE_DB_MIGRATE_H

#include "db/db.h"

struct sut_migration {
	int number; /* 1, 2, … without gaps */
	const char *name;
	const char *sql;
};

struct sut_migration_state {
	int current; /* number of the last one applied; 0: none */
	int known;   /* number of the last one in the list */
};

/* Reads what was applied. -EUCLEAN (reason "changed") when a checksum differs; -EPROTONOSUPPORT (reason
 * "newer") when the database has migrations this program does not know. */
int sut_db_migration_state(struct sut_db *db, const struct sut_migration *v, size_t n,
			   struct sut_migration_state *ret, struct sut_err *err) _must_check_;

/* Applies what is missing, each in a transaction of its own that also records it; several processes may
 * do it at once (advisory lock). upto: stop after this number; 0: all. now: seconds since the epoch. */
int sut_db_migrate(struct sut_db *db, const struct sut_migration *v, size_t n, int upto,
		   int64_t now, struct sut_err *err) _must_check_;

#endif
