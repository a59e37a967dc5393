// SPDX-License-Identifier: Apache-2.0
#include "db/db.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "db/engine.h"

/* --- errors --- */

static const char *advice(int code)
{
	switch (code) {
	case ENOSPC:
		return "; free space where the database is";
	case EROFS:
		return "; it must be writable by this user";
	case EAGAIN:
		return "; try again";
	case ECONNRESET:
		return "; is the server running?";
	default:
		return "";
	}
}

int db_error(const struct sut_db *db, int code, const char *words, struct sut_err *err)
{
	const char *reason = code == EEXIST ? "unique" : code == EDOM ? "constraint" : "";

	if (code == ENOMEM)
		return sut_err_oom(err);
	return sut_err_reason(err, code, reason, "database %s: %.*s%s", db->name, DB_MESSAGE_MAX,
			      words, advice(code));
}

/* --- connections --- */

static void stmt_free(struct sut_db *db, struct db_stmt *s)
{
	if (s->handle)
		db->engine->unprepare(db, s);
	free(s->sql);
	free(s);
}

static void cache_drop(struct sut_db *db)
{
	for (size_t i = 0; i < DB_BUCKETS; i++) {
		struct db_stmt **at = &db->cache[i];

		while (*at) {
			struct db_stmt *s = *at;

			if (s->busy) {
				at = &s->next;
				continue;
			}
			*at = s->next;
			db->ncache--;
			stmt_free(db, s);
		}
	}
}

/* Rows that are still open must not touch the connection any more. */
static void rows_orphan(struct sut_db *db)
{
	for (struct sut_db_rows *r = db->open, *next; r; r = next) {
		next = r->next;
		db->engine->release(r);
		db_stmt_put(db, r->stmt);
		r->stmt = NULL;
		r->db = NULL;
	}
	db->open = NULL;
}

static void close_all(struct sut_db *db)
{
	rows_orphan(db);
	/* First: statements of a connection that is closed need no farewell. */
	db->engine->disconnect(db);
	cache_drop(db);
	db->in_tx = false;
	db->savepoints = 0;
	db->failed = 0;
	db->gone = false;
}

static const struct db_engine *engine_of(const char *url)
{
	if (sut_startswith(url, "sqlite:"))
		return &db_sqlite;
	if (sut_startswith(url, "postgresql://") || sut_startswith(url, "postgres://") ||
	    strchr(url, '='))
		return &db_pgsql;
	return NULL;
}

int sut_db_open(const char *url, const struct sut_db_opts *opts, struct sut_db **ret,
		struct sut_err *err)
{
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	const struct db_engine *engine = engine_of(url);
	int r;

	if (!engine)
		return sut_err_set(err, EINVAL,
				   "a database is \"sqlite:PATH\" or \"postgresql://HOST/NAME\"");
	db = calloc(1, engine->db_size);
	if (!db)
		return sut_err_oom(err);
	db->engine = engine;
	if (opts)
		db->opts = *opts;
	if (!db->opts.busy_ms)
		db->opts.busy_ms = 5000;
	if (!db->opts.connect_sec)
		db->opts.connect_sec = 10;
	if (!db->opts.statement_sec)
		db->opts.statement_sec = 60;
	db->url = strdup(url);
	if (!db->url)
		return sut_err_oom(err);
	r = engine->connect(db, err);
	if (r < 0)
		return r;
	*ret = sut_steal(db);
	return 0;
}

void sut_db_free(struct sut_db *db)
{
	if (!db)
		return;
	close_all(db);
	if (db->engine->destroy)
		db->engine->destroy(db);
	if (db->url)
		explicit_bzero(db->url, strlen(db->url)); /* it may hold a password */
	free(db->url);
	free(db->name);
	free(db);
}

void sut_db_freep(struct sut_db **db)
{
	sut_db_free(*db);
}

enum sut_db_engine sut_db_engine(const struct sut_db *db)
{
	return db->engine->id;
}

const char *sut_db_name(const struct sut_db *db)
{
	return db->name;
}

bool sut_db_alive(const struct sut_db *db)
{
	return db->engine->alive(db);
}

int sut_db_reopen(struct sut_db *db, struct sut_err *err)
{
	close_all(db);
	return db->engine->connect(db, err);
}

const char *sut_db_for_update(const struct sut_db *db)
{
	return db->engine->id == SUT_DB_PGSQL ? " FOR UPDATE" : "";
}

/* --- statements --- */

static size_t bucket_of(const char *key)
{
	return ((uintptr_t)key >> 3) % DB_BUCKETS;
}

int db_stmt_get(struct sut_db *db, const char *sql, const struct sut_db_arg *args, size_t n,
		struct db_stmt **ret, struct sut_err *err)
{
	struct db_stmt **bucket = &db->cache[bucket_of(sql)], *s = NULL;
	bool taken = false;
	int r;

	for (struct db_stmt **at = bucket; *at; at = &(*at)->next) {
		if ((*at)->key != sql)
			continue;
		if ((*at)->busy) {
			taken = true;
		} else if (strcmp((*at)->sql, sql) != 0) {
			/* Another text at the address of one that is gone. */
			s = *at;
			*at = s->next;
			db->ncache--;
			stmt_free(db, s);
			s = NULL;
		} else {
			s = *at;
		}
		break;
	}
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return sut_err_oom(err);
		s->key = sql;
		s->sql = strdup(sql);
		if (!s->sql) {
			free(s);
			return sut_err_oom(err);
		}
	}
	r = db->engine->prepare(db, s, args, n, err);
	if (r < 0) {
		if (!s->kept)
			stmt_free(db, s);
		return r;
	}
	if (!s->kept && !taken) {
		if (db->ncache >= DB_STATEMENTS_MAX)
			cache_drop(db);
		s->next = *bucket;
		*bucket = s;
		s->kept = true;
		db->ncache++;
	}
	s->busy = true;
	*ret = s;
	return 0;
}

void db_stmt_put(struct sut_db *db, struct db_stmt *s)
{
	if (!s)
		return;
	s->busy = false;
	if (!s->kept)
		stmt_free(db, s);
}

static int text_check(const struct sut_db *db, const char *s, struct sut_err *err)
{
	const uint8_t *p = (const uint8_t *)s, *end;
	size_t len = strlen(s);

	if (len > SUT_DB_VALUE_MAX)
		return db_error(db, ENOBUFS, "a text is too large", err);
	end = p + len;
	while (p < end) {
		if (*p < 0x80)
			p++;
		else if (sut_utf8_next(&p, end) < 0)
			return db_error(db, EILSEQ, "a text is not UTF-8", err);
	}
	return 0;
}

static int args_check(const struct sut_db *db, const struct sut_db_arg *args, size_t n,
		      struct sut_err *err)
{
	int r = 0;

	if (n > SUT_DB_ARGS_MAX)
		return sut_err_set(err, EINVAL, "a statement has at most %d arguments",
				   SUT_DB_ARGS_MAX);
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (args[i].type == SUT_DB_ARG_TEXT && args[i].p)
			r = text_check(db, args[i].p, err);
		else if (args[i].type == SUT_DB_ARG_BLOB && args[i].p &&
			 args[i].len > SUT_DB_VALUE_MAX)
			r = db_error(db, ENOBUFS, "a value is too large", err);
	}
	return r;
}

/* May a statement run now? */
static int ready(const struct sut_db *db, struct sut_err *err)
{
	if (!db->engine->alive(db))
		return db_error(db, ECONNRESET, "the connection was lost", err);
	/* PostgreSQL would refuse it; that SQLite does too lets tests of either find it. */
	if (db->in_tx && db->failed)
		return sut_err_reason(err, EIO, "failed-transaction",
				      "database %s: the transaction has failed before; roll back",
				      db->name);
	return 0;
}

/* Remembers that a statement failed; returns r. */
static int noted(struct sut_db *db, int r)
{
	if (r < 0 && db->in_tx && !db->failed)
		db->failed = -r;
	return r;
}

static int run(struct sut_db *db, const char *sql, const struct sut_db_arg *args, size_t n,
	       struct sut_db_rows *rows, int64_t *ret_changed, struct sut_err *err)
{
	struct db_stmt *s;
	int64_t changed = 0;
	int r;

	r = ready(db, err);
	if (r < 0)
		return r;
	r = args_check(db, args, n, err);
	if (r == 0)
		r = db_stmt_get(db, sql, args, n, &s, err);
	if (r < 0)
		return noted(db, r);
	r = db->engine->run(db, s, args, n, rows, &changed, err);
	if (r < 0 || !rows) {
		db_stmt_put(db, s);
		if (r >= 0 && ret_changed)
			*ret_changed = changed;
		return noted(db, r < 0 ? r : 0);
	}
	rows->stmt = s;
	rows->db = db;
	rows->next = db->open;
	db->open = rows;
	return 0;
}

int sut_db_exec(struct sut_db *db, const char *sql, const struct sut_db_arg *args, size_t n,
		int64_t *ret_changed, struct sut_err *err)
{
	return run(db, sql, args, n, NULL, ret_changed, err);
}

int sut_db_script(struct sut_db *db, const char *sql, struct sut_err *err)
{
	int r = ready(db, err);

	if (r == 0)
		r = noted(db, db->engine->script(db, sql, err));
	return r;
}

int sut_db_query(struct sut_db *db, const char *sql, const struct sut_db_arg *args, size_t n,
		 struct sut_db_rows **ret, struct sut_err *err)
{
	struct sut_db_rows *rows = calloc(1, db->engine->rows_size);
	int r;

	if (!rows)
		return noted(db, sut_err_oom(err));
	r = run(db, sql, args, n, rows, NULL, err);
	if (r < 0) {
		free(rows);
		return r;
	}
	*ret = rows;
	return 0;
}

int sut_db_next(struct sut_db_rows *rows, struct sut_err *err)
{
	if (!rows->db)
		return sut_err_set(err, ECONNRESET, "the database's connection was closed");
	return noted(rows->db, rows->db->engine->next(rows, err));
}

void sut_db_rows_free(struct sut_db_rows *rows)
{
	if (!rows)
		return;
	if (rows->db) {
		struct sut_db_rows **at = &rows->db->open;

		while (*at != rows)
			at = &(*at)->next;
		*at = rows->next;
		rows->db->engine->release(rows);
		db_stmt_put(rows->db, rows->stmt);
	}
	free(rows);
}

void sut_db_rows_freep(struct sut_db_rows **rows)
{
	sut_db_rows_free(*rows);
}

int sut_db_one(struct sut_db *db, const char *sql, const struct sut_db_arg *args, size_t n,
	       struct sut_db_rows **ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r;

	r = sut_db_query(db, sql, args, n, &rows, err);
	if (r == 0)
		r = sut_db_next(rows, err);
	if (r < 0)
		return r;
	*ret = r ? sut_steal(rows) : NULL;
	return r;
}

bool sut_db_is_null(const struct sut_db_rows *rows, int col)
{
	return !rows->db || rows->db->engine->is_null(rows, col);
}

int64_t sut_db_int(const struct sut_db_rows *rows, int col)
{
	return rows->db ? rows->db->engine->get_int(rows, col) : 0;
}

const char *sut_db_text(const struct sut_db_rows *rows, int col)
{
	return rows->db ? rows->db->engine->get_text(rows, col) : NULL;
}

const void *sut_db_blob(const struct sut_db_rows *rows, int col, size_t *ret_len)
{
	*ret_len = 0;
	return rows->db ? rows->db->engine->get_blob(rows, col, ret_len) : NULL;
}

/* --- transactions --- */

static void tx_over(struct sut_db *db)
{
	db->in_tx = false;
	db->savepoints = 0;
	db->failed = 0;
	db->gone = false;
}

int sut_db_begin(struct sut_db *db, enum sut_db_mode mode, struct sut_err *err)
{
	int r;

	if (db->in_tx)
		return sut_err_set(err, EINVAL, "database %s: a transaction is open already",
				   db->name);
	r = ready(db, err);
	if (r == 0)
		r = db->engine->begin(db, mode, err);
	if (r < 0)
		return r;
	tx_over(db);
	db->in_tx = true;
	db->mode = mode;
	return 0;
}

int sut_db_commit(struct sut_db *db, struct sut_err *err)
{
	int r;

	if (!db->in_tx)
		return sut_err_set(err, EINVAL, "database %s: no transaction is open", db->name);
	r = ready(db, err);
	if (r == 0)
		r = db->engine->commit(db, err);
	if (r < 0) {
		sut_db_rollback(db);
		return r;
	}
	tx_over(db);
	return 0;
}

void sut_db_rollback(struct sut_db *db)
{
	if (!db->in_tx)
		return;
	if (!db->gone && db->engine->alive(db))
		db->engine->rollback(db);
	tx_over(db);
}

/* Literals, because statements are kept by address. */
static const char *const savepoint_sql[DB_SAVEPOINTS_MAX][3] = {
#define POINT(n)                                                                                   \
	{                                                                                          \
		"SAVEPOINT s" #n, "RELEASE SAVEPOINT s" #n, "ROLLBACK TO SAVEPOINT s" #n           \
	}
	POINT(1), POINT(2), POINT(3), POINT(4), POINT(5), POINT(6), POINT(7), POINT(8),
#undef POINT
};

int sut_db_savepoint(struct sut_db *db, struct sut_err *err)
{
	int r;

	if (!db->in_tx || db->savepoints == DB_SAVEPOINTS_MAX)
		return sut_err_set(err, EINVAL, "database %s: %s", db->name,
				   db->in_tx ? "too many savepoints" : "no transaction is open");
	r = ready(db, err);
	if (r == 0)
		r = noted(db, db->engine->control(db, savepoint_sql[db->savepoints][0], err));
	if (r == 0)
		db->savepoints++;
	return r;
}

int sut_db_release(struct sut_db *db, struct sut_err *err)
{
	int r;

	if (!db->savepoints)
		return sut_err_set(err, EINVAL, "database %s: there is no savepoint", db->name);
	r = ready(db, err);
	if (r == 0)
		r = noted(db, db->engine->control(db, savepoint_sql[db->savepoints - 1][1], err));
	if (r == 0)
		db->savepoints--;
	return r;
}

int sut_db_rollback_to(struct sut_db *db, struct sut_err *err)
{
	int failed = db->failed, r;

	if (!db->savepoints)
		return sut_err_set(err, EINVAL, "database %s: there is no savepoint", db->name);
	if (!db->engine->alive(db))
		return db_error(db, ECONNRESET, "the connection was lost", err);
	if (db->gone)
		return db_error(db, failed ? failed : EIO, "the whole transaction was rolled back",
				err);
	db->failed = 0;
	r = db->engine->control(db, savepoint_sql[db->savepoints - 1][2], err);
	if (r == 0)
		r = db->engine->control(db, savepoint_sql[db->savepoints - 1][1], err);
	if (r == 0)
		db->savepoints--;
	return noted(db, r);
}

/* --- several processes --- */

int sut_db_try_lock(struct sut_db *db, int64_t number, struct sut_err *err)
{
	int r = ready(db, err);

	return r < 0 ? r : noted(db, db->engine->try_lock(db, number, err));
}

void sut_db_unlock(struct sut_db *db, int64_t number)
{
	if (db->engine->alive(db))
		db->engine->unlock(db, number);
}

/* A name that needs no quotes, as LISTEN takes no parameter. */
static int channel_check(const char *s, struct sut_err *err)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");

	if (!len || s[len] || len > DB_CHANNEL_MAX)
		return sut_err_set(err, EINVAL, "a channel's name is a-z, 0-9 and _");
	return 0;
}

int sut_db_notify(struct sut_db *db, const char *channel, struct sut_err *err)
{
	int r = channel_check(channel, err);

	if (r == 0)
		r = ready(db, err);
	return r < 0 ? r : noted(db, db->engine->notify(db, channel, err));
}

int sut_db_listen(struct sut_db *db, const char *channel, struct sut_err *err)
{
	int r = channel_check(channel, err);

	if (r == 0)
		r = ready(db, err);
	return r < 0 ? r : noted(db, db->engine->listen(db, channel, err));
}

int sut_db_wait(struct sut_db *db, unsigned int timeout_ms, int stop_fd, struct sut_err *err)
{
	if (!db->engine->alive(db))
		return db_error(db, ECONNRESET, "the connection was lost", err);
	return db->engine->wait(db, timeout_ms, stop_fd, err);
}
