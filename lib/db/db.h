/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL behind one small interface: SQLite when a server is alone, PostgreSQL when there are several.
 *
 * Statements are written in the subset both understand: $1… parameters, INSERT … ON CONFLICT … DO UPDATE,
 * RETURNING, common table expressions, partial indexes. Times are BIGINT, seconds since the epoch in
 * UTC; truth values are INTEGER 0 and 1; documents are TEXT in JSON. Where the dialects differ,
 * sut_db_engine() tells which one it is.
 *
 * A connection is used by one thread at a time. Statements are prepared once per connection and kept
 * by the address of their text, so that text must be a string literal or live as long as the connection.
 *
 * Errors, for all functions:
 *   -EEXIST      a unique or primary key has it already (reason "unique")
 *   -EDOM        another constraint: foreign key, NOT NULL, CHECK (reason "constraint")
 *   -EAGAIN      deadlock, serialisation failure, or busy for longer than busy_ms: roll back, do it again
 *   -ENOSPC      the disk is full; -EROFS it cannot be written to
 *   -ECONNRESET  the database has gone away (PostgreSQL); sut_db_reopen() may bring it back
 *   -EILSEQ      a text argument holds what SQL text cannot: malformed UTF-8
 *   -ENOBUFS     a row or an argument is larger than SUT_DB_VALUE_MAX
 *   -ENOMEM; -EIO whatever else, with the engine's own words
 */
#ifndef SUTURE_DB_DB_H
#define SUTURE_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct sut_db;
struct sut_db_rows;

enum sut_db_engine { SUT_DB_SQLITE = 1, SUT_DB_PGSQL };

enum {
	SUT_DB_ARGS_MAX = 64,
	SUT_DB_VALUE_MAX = 64 << 20, /* bytes of one value */
};

struct sut_db_opts {
	bool read_only;
	unsigned int busy_ms;	    /* SQLite: wait so long for another writer; 0: 5000 */
	unsigned int connect_sec;   /* PostgreSQL; 0: 10 */
	unsigned int statement_sec; /* PostgreSQL: a statement may run so long; 0: 60 */
};

/*
 * "sqlite:PATH" (the file is created unless read_only; its folder must be there), or what libpq takes:
 * "postgresql://…" or "host=… dbname=…". A password comes from ~/.pgpass, PGPASSFILE or a "passfile" in
 * the URL; one that stands in the URL itself is never repeated in a message.
 * SQLite: WAL, synchronous=FULL, foreign keys on, trusted schema off.
 */
int sut_db_open(const char *url, const struct sut_db_opts *opts, struct sut_db **ret,
		struct sut_err *err) _must_check_;
void sut_db_free(struct sut_db *db);
void sut_db_freep(struct sut_db **db);
enum sut_db_engine sut_db_engine(const struct sut_db *db);

/* The URL without password, for messages. */
const char *sut_db_name(const struct sut_db *db);

/* Is the connection usable? Asks the server nothing. */
bool sut_db_alive(const struct sut_db *db);
/* A new connection in place of a lost one. The transaction that was open is lost, and so are locks; rows that
 * were open end with -ECONNRESET. Listening goes on, and the next sut_db_wait() gives 1 at once. */
int sut_db_reopen(struct sut_db *db, struct sut_err *err) _must_check_;

struct sut_db_arg {
	enum {
		SUT_DB_ARG_NULL,
		SUT_DB_ARG_INT,
		SUT_DB_ARG_INT_NULL, /* where else an integer stands */
		SUT_DB_ARG_TEXT,
		SUT_DB_ARG_BLOB
	} type;
	int64_t i;
	const void *p; /* NULL for TEXT and BLOB is SQL's NULL */
	size_t len;    /* of a BLOB */
};

#define SUT_DB_I(x) ((struct sut_db_arg){.type = SUT_DB_ARG_INT, .i = (x)})
#define SUT_DB_T(s) ((struct sut_db_arg){.type = SUT_DB_ARG_TEXT, .p = (s)})
#define SUT_DB_B(ptr, n) ((struct sut_db_arg){.type = SUT_DB_ARG_BLOB, .p = (ptr), .len = (n)})
#define SUT_DB_NULL ((struct sut_db_arg){.type = SUT_DB_ARG_NULL})
/* SQL's NULL when cond is false. Where a parameter may be NULL, this and SUT_DB_T(NULL) are better than
 * SUT_DB_NULL: PostgreSQL wants to know the type. */
#define SUT_DB_I_IF(cond, x)                                                                       \
	((struct sut_db_arg){.type = (cond) ? SUT_DB_ARG_INT : SUT_DB_ARG_INT_NULL,                \
			     .i = (cond) ? (x) : 0})

/* Two parameters of the functions below: SUT_DB_ARGS(SUT_DB_I(1), SUT_DB_T("x")), or SUT_DB_NONE. */
#define SUT_DB_ARGS(...)                                                                           \
	((const struct sut_db_arg[]){__VA_ARGS__}),                                                \
		(sizeof((const struct sut_db_arg[]){__VA_ARGS__}) / sizeof(struct sut_db_arg))
#define SUT_DB_NONE NULL, 0

/* A statement without rows. *ret_changed (may be NULL): rows inserted, updated or deleted. */
int sut_db_exec(struct sut_db *db, const char *sql, const struct sut_db_arg *args, size_t n,
		int64_t *ret_changed, struct sut_err *err) _must_check_;

/* Several statements separated by ';', without parameters and not kept. For migrations. */
int sut_db_script(struct sut_db *db, const char *sql, struct sut_err *err) _must_check_;

/* A statement with rows: SELECT, or … RETURNING. Free the rows before the next statement with the
 * same text, and before the transaction ends. */
int sut_db_query(struct sut_db *db, const char *sql, const struct sut_db_arg *args, size_t n,
		 struct sut_db_rows **ret, struct sut_err *err) _must_check_;
/* 1: there is a row; 0: no more. */
int sut_db_next(struct sut_db_rows *rows, struct sut_err *err) _must_check_;
void sut_db_rows_free(struct sut_db_rows *rows);
void sut_db_rows_freep(struct sut_db_rows **rows);
#define _cleanup_rows_ _cleanup_(sut_db_rows_freep)

/* As sut_db_query() and sut_db_next() for a statement that gives at most one row: 1 with *ret at the
 * row, 0 with *ret NULL. */
int sut_db_one(struct sut_db *db, const char *sql, const struct sut_db_arg *args, size_t n,
	       struct sut_db_rows **ret, struct sut_err *err) _must_check_;

/* Columns of the row, from 0. Pointers live until the next sut_db_next(). NULL reads as 0, NULL, 0 bytes. */
bool sut_db_is_null(const struct sut_db_rows *rows, int col);
int64_t sut_db_int(const struct sut_db_rows *rows, int col);
const char *sut_db_text(const struct sut_db_rows *rows, int col);
const void *sut_db_blob(const struct sut_db_rows *rows, int col, size_t *ret_len);

/*
 * Transactions. WRITE takes SQLite's write lock at once (BEGIN IMMEDIATE); READ sees one state of the
 * data throughout and refuses to write (-EROFS). After an error in a transaction only rollback, or rollback
 * to the savepoint, is possible; anything else is -EIO (reason "failed-transaction"). When a commit fails
 * no transaction is open any more. Savepoints nest up to 8 deep.
 */
enum sut_db_mode { SUT_DB_READ, SUT_DB_WRITE };
int sut_db_begin(struct sut_db *db, enum sut_db_mode mode, struct sut_err *err) _must_check_;
int sut_db_commit(struct sut_db *db, struct sut_err *err) _must_check_;
void sut_db_rollback(struct sut_db *db);
int sut_db_savepoint(struct sut_db *db, struct sut_err *err) _must_check_;
int sut_db_release(struct sut_db *db, struct sut_err *err) _must_check_;
int sut_db_rollback_to(struct sut_db *db, struct sut_err *err) _must_check_; /* and removes it */

/* " FOR UPDATE" for PostgreSQL, "" for SQLite, whose writer is alone anyway. For building literals use
 * two statements chosen by engine; this is for messages and tests. */
const char *sut_db_for_update(const struct sut_db *db);

/*
 * What several processes need. Advisory locks last until sut_db_unlock() or the end of the connection;
 * 1: taken, 0: somebody else has it. SQLite: a lock file beside the database, so one machine.
 */
int sut_db_try_lock(struct sut_db *db, int64_t number, struct sut_err *err) _must_check_;
void sut_db_unlock(struct sut_db *db, int64_t number);

/* Wakes those who listen, when the transaction commits. SQLite: nobody listens, nothing happens. */
int sut_db_notify(struct sut_db *db, const char *channel, struct sut_err *err) _must_check_;
int sut_db_listen(struct sut_db *db, const char *channel, struct sut_err *err) _must_check_;
/* 1: notified, 0: timeout (SQLite: always, after the time). *stop (may be NULL) ends it early when
 * it becomes readable. */
int sut_db_wait(struct sut_db *db, unsigned int timeout_ms, int stop_fd,
		struct sut_err *err) _must_check_;

#endif
