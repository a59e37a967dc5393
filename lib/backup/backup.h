/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of a server's database in one file, which either engine writes and either reads: so it is also the way
 * from SQLite to PostgreSQL. The file is text in lines (JSON), compressed by zstd:
 *
 *   {"format": "suture-portal-backup/1", "version": "0.1.0", "migration": 5, "created": 1795000000}
 *   {"table": "tenants", "columns": ["id", "name", …], "sequence": 17}
 *   [1, "default", null, {"hex": "00ff"}]       a row: numbers, texts, NULL, bytes
 *   …
 *   {"end": true, "rows": 12345, "sha256": "…"}  of all lines before
 *
 * Tables come in an order in which rows refer to what is there already, but for rows of their own table.
 * Only tables are in it: what a server keeps in files of its own is backed up apart.
 * The file has hashes of passwords and secrets of webhooks: it is 0600.
 */
#ifndef SUTURE_BACKUP_BACKUP_H
#define SUTURE_BACKUP_BACKUP_H

#include <stdint.h>

#include "db/db.h"
#include "db/migrate.h"

/* Whose database it is. Everything lives as long as the process. */
struct backup_of {
	const char
		*program; /* "suture-portal": the format of its files is suture-portal-backup/1 */
	const struct sut_migration *migrations;
	size_t nmigrations;
};

struct backup_info {
	char version[32]; /* of the program that wrote it */
	int migration;	  /* of the schema */
	int64_t created;
	int64_t tables, rows;
};

/* Of one consistent state, while the server goes on working. Replaces path when all of it was written and
 * read back; memory does not grow with the number of rows. */
int backup_write(const struct backup_of *of, struct sut_db *db, const char *path, int64_t now,
		 struct backup_info *ret, struct sut_err *err) _must_check_;

/* Reads it to its end. -EBADMSG (reason "damaged") when it is truncated or changed; -EPROTONOSUPPORT
 * (reason "newer") for a newer format; -EMEDIUMTYPE (reason "other") for one of another
 * program. */
int backup_check(const struct backup_of *of, const char *path, struct backup_info *ret,
		 struct sut_err *err) _must_check_;

/*
 * Into a database without tenants: an empty one, which gets the schema of the backup first, or one that has
 * just been migrated to it. One transaction; afterwards what the backup's schema lacks is migrated.
 * Errors as above, before anything is written; -EEXIST (reason "not-empty"); -EPROTONOSUPPORT when its
 * schema is newer than this program.
 */
int backup_restore(const struct backup_of *of, struct sut_db *db, const char *path, int64_t now,
		   struct backup_info *ret, struct sut_err *err) _must_check_;

#endif
