/* SPDX-License-Identifier: Apache-2.0 */
/* Between db.c, which has what both engines share, and sqlite.c and pgsql.c. Nobody else includes it. */
#ifndef SUTURE_DB_ENGINE_H
#define SUTURE_DB_ENGINE_H

#include "db/db.h"

enum {
	DB_SAVEPOINTS_MAX = 8,
	DB_STATEMENTS_MAX = 1024, /* kept per connection */
	DB_BUCKETS = 256,
	DB_CHANNEL_MAX = 63, /* bytes of a channel's name: PostgreSQL's limit */
	DB_MESSAGE_MAX = 1024,
};

/* A prepared statement, kept in the connection's cache. */
struct db_stmt {
	struct db_stmt *next;
	const char *key; /* address of the caller's text */
	char *sql;	 /* and a copy, as addresses may come again */
	bool busy;	 /* rows of it are open */
	bool kept;	 /* it is in the cache */
	void *handle;	 /* of the engine */
};

struct db_engine;

/* What both engines' connections begin with. */
struct sut_db {
	const struct db_engine *engine;
	char *url, *name;
	struct sut_db_opts opts;
	struct db_stmt *cache[DB_BUCKETS];
	size_t ncache;
	struct sut_db_rows *open; /* rows that are not freed */
	/* The transaction. */
	bool in_tx;
	enum sut_db_mode mode;
	int savepoints;
	int failed; /* errno of the statement that failed since the last (savepoint's) beginning */
	bool gone;  /* the engine has rolled all of it back by itself */
};

/* What both engines' rows begin with. */
struct sut_db_rows {
	struct sut_db *db; /* NULL when the connection was closed or opened again */
	struct db_stmt *stmt;
	struct sut_db_rows *next;
};

/* All functions set err by db_error(). */
struct db_engine {
	enum sut_db_engine id;
	size_t db_size, rows_size;

	int (*connect)(struct sut_db *db, struct sut_err *err);
	void (*disconnect)(struct sut_db *db); /* statements are unprepared afterwards */
	void (*destroy)(struct sut_db *db);    /* what outlives connections; may be NULL */
	bool (*alive)(const struct sut_db *db);

	/* May be called again for a statement that is prepared, when the kinds of arguments differ. */
	int (*prepare)(struct sut_db *db, struct db_stmt *s, const struct sut_db_arg *args,
		       size_t n, struct sut_err *err);
	void (*unprepare)(struct sut_db *db, struct db_stmt *s);
	/* rows NULL: the statement's rows are dropped. What it changes is changed when it returns. */
	int (*run)(struct sut_db *db, struct db_stmt *s, const struct sut_db_arg *args, size_t n,
		   struct sut_db_rows *rows, int64_t *ret_changed, struct sut_err *err);
	int (*next)(struct sut_db_rows *rows, struct sut_err *err);
	void (*release)(struct sut_db_rows *rows);
	bool (*is_null)(const struct sut_db_rows *rows, int col);
	int64_t (*get_int)(const struct sut_db_rows *rows, int col);
	const char *(*get_text)(const struct sut_db_rows *rows, int col);
	const void *(*get_blob)(const struct sut_db_rows *rows, int col, size_t *ret_len);

	int (*script)(struct sut_db *db, const char *sql, struct sut_err *err);
	int (*begin)(struct sut_db *db, enum sut_db_mode mode, struct sut_err *err);
	int (*commit)(struct sut_db *db, struct sut_err *err);
	/* Errors end the connection, or the transaction is over already. */
	void (*rollback)(struct sut_db *db);
	/* SAVEPOINT and its like. */
	int (*control)(struct sut_db *db, const char *sql, struct sut_err *err);

	int (*try_lock)(struct sut_db *db, int64_t number, struct sut_err *err);
	void (*unlock)(struct sut_db *db, int64_t number);
	int (*notify)(struct sut_db *db, const char *channel, struct sut_err *err);
	int (*listen)(struct sut_db *db, const char *channel, struct sut_err *err);
	int (*wait)(struct sut_db *db, unsigned int timeout_ms, int stop_fd, struct sut_err *err);
};

extern const struct db_engine db_sqlite, db_pgsql;

/* The one way to a message: "NAME: words; what to do next". code: one of db.h. Returns -code. */
int db_error(const struct sut_db *db, int code, const char *words, struct sut_err *err);

/* A statement of the cache, prepared for these arguments. Private and not kept when the one in the cache
 * has open rows. */
int db_stmt_get(struct sut_db *db, const char *sql, const struct sut_db_arg *args, size_t n,
		struct db_stmt **ret, struct sut_err *err) _must_check_;
/* Puts it back, or frees a private one. */
void db_stmt_put(struct sut_db *db, struct db_stmt *s);

#endif
