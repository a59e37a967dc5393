// SPDX-License-Identifier: Apache-2.0
/* SQLite: one file, one writer at a time, readers beside it (write-ahead log). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "db/engine.h"

struct sqlite_db {
	struct sut_db base;
	sqlite3 *h;
	char *path;
	int lock_fd; /* -1: no advisory lock was asked for */
};

struct cell {
	sqlite3_value *v;
};

struct sqlite_rows {
	struct sut_db_rows base;
	sqlite3_stmt *st;
	int cols;
	bool first; /* the first step has been made: there is a row that was not given out */
	bool done;
	/* Of statements that change something: all their rows, nrows * cols. */
	struct cell *kept;
	size_t nrows, cap, at; /* at: of the row after the current one */
};

static sqlite3 *handle(const struct sut_db *db)
{
	return ((const struct sqlite_db *)db)->h;
}

/* --- errors --- */

static int code_of(int rc, int sys)
{
	switch (rc & 0xff) {
	case SQLITE_CONSTRAINT:
		return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
				       rc == SQLITE_CONSTRAINT_ROWID
			       ? EEXIST
			       : EDOM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EAGAIN;
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return EROFS;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_TOOBIG:
		return ENOBUFS;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		if (rc == SQLITE_IOERR_NOMEM)
			return ENOMEM;
		if (sys == ENOSPC || sys == EDQUOT)
			return ENOSPC;
		if (sys == EROFS || sys == EACCES || sys == EPERM)
			return EROFS;
		return EIO;
	default:
		return EIO;
	}
}

static int failed(struct sut_db *db, struct sut_err *err)
{
	sqlite3 *h = handle(db);
	int rc = sqlite3_extended_errcode(h);

	/* Some errors take the whole transaction with them. */
	if (db->in_tx && sqlite3_get_autocommit(h))
		db->gone = true;
	return db_error(db, code_of(rc, sqlite3_system_errno(h)), sqlite3_errmsg(h), err);
}

/* --- connections --- */

static int simple(struct sut_db *db, const char *sql, struct sut_err *err)
{
	return sqlite3_exec(handle(db), sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(db, err);
}

static int no_file(const struct sqlite_db *s, struct sut_err *err)
{
	int code = errno == ENOSPC || errno == EDQUOT  ? ENOSPC
		   : errno == EROFS || errno == EACCES ? EROFS
						       : EIO;

	return sut_err_set(err, code, "cannot open the database %s: %s", s->path, strerror(errno));
}

/*
 * Only its owner may read it, and what SQLite puts beside it gets the same mode. A file that is there is
 * not opened: closing it again would end the locks that other connections of this process have on it
 * (fcntl(2)), and the next process that comes and goes would take away the log they write to.
 */
static int create_file(const struct sqlite_db *s, struct sut_err *err)
{
	struct stat st;
	int fd = open(s->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != EEXIST || stat(s->path, &st) < 0)
		return no_file(s, err);
	if (!S_ISREG(st.st_mode))
		return sut_err_set(err, EIO, "%s is no file, so it is no database", s->path);
	return faccessat(AT_FDCWD, s->path, R_OK | W_OK, AT_EACCESS) < 0 ? no_file(s, err) : 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Changing the mode of a new file does not wait for others who do the same. */
static int use_wal(struct sut_db *db, struct sut_err *err)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
	int64_t until = now_ms() + db->opts.busy_ms;

	for (;;) {
		sqlite3_stmt *st = NULL;
		bool wal = false;
		int rc = sqlite3_prepare_v2(handle(db), "PRAGMA journal_mode = WAL", -1, &st, NULL);

		if (rc == SQLITE_OK) {
			if (sqlite3_step(st) == SQLITE_ROW) {
				const char *mode = (const char *)sqlite3_column_text(st, 0);

				wal = mode && !strcmp(mode, "wal");
			}
			rc = sqlite3_finalize(st);
		}
		if (rc == SQLITE_OK && wal)
			return 0;
		if (rc == SQLITE_OK)
			return db_error(
				db, EIO,
				"its folder cannot hold a write-ahead log; use a local file "
				"system",
				err);
		if (rc != SQLITE_BUSY || now_ms() >= until)
			return failed(db, err);
		nanosleep(&pause, NULL);
	}
}

static void sqlite_disconnect(struct sut_db *db)
{
	struct sqlite_db *s = (struct sqlite_db *)db;

	sqlite3_close_v2(s->h);
	s->h = NULL;
	if (s->lock_fd > 0) /* 0: there was no connect yet */
		close(s->lock_fd);
	s->lock_fd = -1;
	free(s->path);
	s->path = NULL;
}

static int set_up(struct sut_db *db, struct sut_err *err)
{
	sqlite3 *h = handle(db);
	int r;

	sqlite3_extended_result_codes(h, 1);
	sqlite3_limit(h, SQLITE_LIMIT_LENGTH, SUT_DB_VALUE_MAX);
	sqlite3_limit(h, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_db_config(h, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	/* "x" is a name, as in PostgreSQL, never a text. */
	sqlite3_db_config(h, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(h, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	if (sqlite3_busy_timeout(h, (int)db->opts.busy_ms) != SQLITE_OK)
		return failed(db, err);
	if (!db->opts.read_only) {
		r = use_wal(db, err);
		if (r < 0)
			return r;
	}
	/* The caches of 16 MiB are per connection. */
	return simple(db,
		      "PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;"
		      "PRAGMA journal_size_limit = 67108864; SELECT 1 FROM sqlite_master LIMIT 1",
		      err);
}

static int sqlite_connect(struct sut_db *db, struct sut_err *err)
{
	struct sqlite_db *s = (struct sqlite_db *)db;
	const char *path = db->url + strlen("sqlite:");
	int flags = SQLITE_OPEN_NOMUTEX, r;

	s->lock_fd = -1;
	if (!*path)
		return sut_err_set(err, EINVAL, "\"sqlite:\" needs the path of a file");
	/* Names like ":memory:" are files for us. */
	s->path = sut_sprintf("%s%s", *path == '/' ? "" : "./", path);
	if (!s->path)
		return sut_err_oom(err);
	if (!db->name)
		db->name = strdup(db->url);
	if (!db->name)
		return sut_err_oom(err);
	if (db->opts.read_only) {
		flags |= SQLITE_OPEN_READONLY;
	} else {
		flags |= SQLITE_OPEN_READWRITE;
		r = create_file(s, err);
		if (r < 0)
			return r;
	}
	r = sqlite3_open_v2(s->path, &s->h, flags, NULL) == SQLITE_OK ? set_up(db, err)
								      : failed(db, err);
	if (r < 0)
		sqlite_disconnect(db);
	return r;
}

static bool sqlite_alive(const struct sut_db *db)
{
	return handle(db) != NULL;
}

/* --- statements --- */

static int sqlite_prepare(struct sut_db *db, struct db_stmt *s,
			  const struct sut_db_arg *args _unused_, size_t n, struct sut_err *err)
{
	sqlite3_stmt *st = s->handle;
	const char *rest = NULL;

	if (!st) {
		if (sqlite3_prepare_v3(handle(db), s->sql, -1, SQLITE_PREPARE_PERSISTENT, &st,
				       &rest) != SQLITE_OK)
			return failed(db, err);
		if (!st || *(rest + strspn(rest, " \t\n;"))) {
			sqlite3_finalize(st);
			return sut_err_set(err, EINVAL, "database %s: this is not one statement",
					   db->name);
		}
		s->handle = st;
	}
	/* Parameters are numbered as they come, not by their names: see bind(). */
	for (int i = 1; i <= sqlite3_bind_parameter_count(st); i++) {
		const char *name = sqlite3_bind_parameter_name(st, i);
		char *end = NULL;
		long k = name && *name == '$' ? strtol(name + 1, &end, 10) : 0;

		if (k < 1 || *end || (size_t)k > n)
			return sut_err_set(err, EINVAL,
					   "database %s: parameter %s, but there are %zu arguments",
					   db->name, name ? name : "?", n);
	}
	return 0;
}

static void sqlite_unprepare(struct sut_db *db _unused_, struct db_stmt *s)
{
	sqlite3_finalize(s->handle);
	s->handle = NULL;
}

/* The arguments live until the rows are freed only when the caller cares for it, so they are copied where
 * the statement outlives the call. */
static int bind(sqlite3_stmt *st, const struct sut_db_arg *args, bool copy)
{
	sqlite3_destructor_type life = copy ? SQLITE_TRANSIENT : SQLITE_STATIC;

	for (int i = 1; i <= sqlite3_bind_parameter_count(st); i++) {
		const struct sut_db_arg *a =
			&args[strtol(sqlite3_bind_parameter_name(st, i) + 1, NULL, 10) - 1];
		int rc = SQLITE_OK;

		if (a->type == SUT_DB_ARG_INT)
			rc = sqlite3_bind_int64(st, i, a->i);
		else if (a->type == SUT_DB_ARG_TEXT && a->p)
			rc = sqlite3_bind_text(st, i, a->p, -1, life);
		else if (a->type == SUT_DB_ARG_BLOB && a->p)
			rc = sqlite3_bind_blob64(st, i, a->p, a->len, life);
		else
			rc = sqlite3_bind_null(st, i);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

/* Copies of the rows of a statement that changes something: it must have ended when run() returns. */
static int keep_row(struct sut_db *db, struct sqlite_rows *rows, struct sut_err *err)
{
	if (rows->nrows == rows->cap) {
		size_t cap = rows->cap ? rows->cap * 2 : 1;
		struct cell *v = reallocarray(rows->kept, cap * (size_t)rows->cols, sizeof(*v));

		if (!v)
			return sut_err_oom(err);
		rows->kept = v;
		rows->cap = cap;
	}
	for (int i = 0; i < rows->cols; i++) {
		sqlite3_value *v = sqlite3_value_dup(sqlite3_column_value(rows->st, i));

		if (!v) {
			while (i--)
				sqlite3_value_free(
					rows->kept[rows->nrows * (size_t)rows->cols + (size_t)i].v);
			return db_error(db, ENOMEM, "", err);
		}
		rows->kept[rows->nrows * (size_t)rows->cols + (size_t)i].v = v;
	}
	rows->nrows++;
	return 0;
}

static void drop_kept(struct sqlite_rows *rows)
{
	for (size_t i = 0; i < rows->nrows * (size_t)rows->cols; i++)
		sqlite3_value_free(rows->kept[i].v);
	free(rows->kept);
	rows->kept = NULL;
	rows->nrows = 0;
}

static int sqlite_run(struct sut_db *db, struct db_stmt *s, const struct sut_db_arg *args,
		      size_t n _unused_, struct sut_db_rows *out, int64_t *ret_changed,
		      struct sut_err *err)
{
	struct sqlite_rows none = {0}, *rows = out ? (struct sqlite_rows *)out : &none;
	sqlite3_stmt *st = s->handle;
	sqlite3 *h = handle(db);
	bool reads = sqlite3_stmt_readonly(st);
	int64_t before = sqlite3_total_changes64(h);
	int rc, r = 0;

	if (!reads && db->in_tx && db->mode == SUT_DB_READ)
		return db_error(db, EROFS, "a statement that writes, in a reading transaction",
				err);
	rows->st = st;
	rows->cols = sqlite3_column_count(st);
	rc = bind(st, args, out && reads);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (out && reads && rc == SQLITE_ROW) {
		rows->first = true;
		return 0;
	}
	while (rc == SQLITE_ROW && r == 0) {
		if (out)
			r = keep_row(db, rows, err);
		if (r == 0)
			rc = sqlite3_step(st);
	}
	if (r == 0 && rc != SQLITE_DONE)
		r = failed(db, err);
	rows->done = true;
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	rows->st = NULL;
	if (r < 0) {
		drop_kept(rows);
		return r;
	}
	if (sqlite3_total_changes64(h) != before)
		*ret_changed = sqlite3_changes64(h);
	return 0;
}

/* Makes sure that the texts of the row are there, so that reading them cannot fail. */
static int row_ready(struct sqlite_rows *rows, struct sut_err *err)
{
	for (int i = 0; i < rows->cols; i++)
		if (sqlite3_column_type(rows->st, i) == SQLITE_TEXT &&
		    !sqlite3_column_text(rows->st, i))
			return sut_err_oom(err);
	return 1;
}

static int sqlite_next(struct sut_db_rows *r, struct sut_err *err)
{
	struct sqlite_rows *rows = (struct sqlite_rows *)r;
	int rc;

	if (rows->at < rows->nrows) {
		rows->at++;
		return 1;
	}
	if (rows->done) {
		rows->at = rows->nrows + 1;
		return 0;
	}
	if (rows->first) {
		rows->first = false;
		return row_ready(rows, err);
	}
	rc = sqlite3_step(rows->st);
	if (rc == SQLITE_ROW)
		return row_ready(rows, err);
	rows->done = true;
	return rc == SQLITE_DONE ? 0 : failed(r->db, err);
}

static void sqlite_release(struct sut_db_rows *r)
{
	struct sqlite_rows *rows = (struct sqlite_rows *)r;

	if (rows->st) {
		sqlite3_reset(rows->st);
		sqlite3_clear_bindings(rows->st);
		rows->st = NULL;
	}
	drop_kept(rows);
}

/* NULL when there is no such value, or no row. */
static sqlite3_value *value(const struct sut_db_rows *r, int col)
{
	const struct sqlite_rows *rows = (const struct sqlite_rows *)r;

	if (!rows->kept || col < 0 || col >= rows->cols || !rows->at || rows->at > rows->nrows)
		return NULL;
	return rows->kept[(rows->at - 1) * (size_t)rows->cols + (size_t)col].v;
}

/* The statement, when the row is its current one. */
static sqlite3_stmt *live(const struct sut_db_rows *r)
{
	const struct sqlite_rows *rows = (const struct sqlite_rows *)r;

	return rows->first || rows->done ? NULL : rows->st;
}

static bool sqlite_is_null(const struct sut_db_rows *r, int col)
{
	sqlite3_value *v = value(r, col);

	return live(r) ? sqlite3_column_type(live(r), col) == SQLITE_NULL
		       : !v || sqlite3_value_type(v) == SQLITE_NULL;
}

static int64_t sqlite_int(const struct sut_db_rows *r, int col)
{
	sqlite3_value *v = value(r, col);

	return live(r) ? sqlite3_column_int64(live(r), col) : v ? sqlite3_value_int64(v) : 0;
}

static const char *sqlite_text(const struct sut_db_rows *r, int col)
{
	sqlite3_value *v = value(r, col);

	return live(r) ? (const char *)sqlite3_column_text(live(r), col)
	       : v     ? (const char *)sqlite3_value_text(v)
		       : NULL;
}

static const void *sqlite_blob(const struct sut_db_rows *r, int col, size_t *ret_len)
{
	sqlite3_value *v = value(r, col);
	const void *p;

	if (sqlite_is_null(r, col))
		return NULL;
	p = live(r) ? sqlite3_column_blob(live(r), col) : sqlite3_value_blob(v);
	*ret_len = (size_t)(live(r) ? sqlite3_column_bytes(live(r), col) : sqlite3_value_bytes(v));
	return p ? p : ""; /* an empty one is not NULL */
}

static int sqlite_script(struct sut_db *db, const char *sql, struct sut_err *err)
{
	while (*sql) {
		sqlite3_stmt *st = NULL;
		int rc;

		if (sqlite3_prepare_v2(handle(db), sql, -1, &st, &sql) != SQLITE_OK)
			return failed(db, err);
		if (!st)
			continue; /* a comment */
		if (db->in_tx && db->mode == SUT_DB_READ && !sqlite3_stmt_readonly(st)) {
			sqlite3_finalize(st);
			return db_error(db, EROFS,
					"a statement that writes, in a reading transaction", err);
		}
		do
			rc = sqlite3_step(st);
		while (rc == SQLITE_ROW);
		if (rc != SQLITE_DONE) {
			int r = failed(db, err);

			sqlite3_finalize(st);
			return r;
		}
		sqlite3_finalize(st);
	}
	return 0;
}

/* --- transactions --- */

/* One statement without rows, of the cache. */
static int sqlite_control(struct sut_db *db, const char *sql, struct sut_err *err)
{
	struct db_stmt *s;
	int rc, r;

	r = db_stmt_get(db, sql, NULL, 0, &s, err);
	if (r < 0)
		return r;
	rc = sqlite3_step(s->handle);
	if (rc != SQLITE_DONE && rc != SQLITE_ROW)
		r = failed(db, err);
	sqlite3_reset(s->handle);
	db_stmt_put(db, s);
	return r;
}

static int sqlite_begin(struct sut_db *db, enum sut_db_mode mode, struct sut_err *err)
{
	return sqlite_control(db, mode == SUT_DB_WRITE ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

static int sqlite_commit(struct sut_db *db, struct sut_err *err)
{
	return sqlite_control(db, "COMMIT", err);
}

static void sqlite_rollback(struct sut_db *db)
{
	/* Not by the cache: it must work without memory too. */
	if (!sqlite3_get_autocommit(handle(db)) && sqlite_control(db, "ROLLBACK", NULL) < 0)
		(void)sqlite3_exec(handle(db), "ROLLBACK", NULL, NULL, NULL);
}

/* --- several processes --- */

/* Byte `number` of a file beside the database. Such locks belong to the open file, so that two connections
 * of one process exclude each other too. */
static int lock_byte(struct sqlite_db *s, int64_t number, short type)
{
	struct flock fl = {.l_type = type,
			   .l_whence = SEEK_SET,
			   .l_start = (off_t)(number & INT64_C(0x3fffffffffffffff)),
			   .l_len = 1};

	return fcntl(s->lock_fd, F_OFD_SETLK, &fl);
}

static int sqlite_try_lock(struct sut_db *db, int64_t number, struct sut_err *err)
{
	struct sqlite_db *s = (struct sqlite_db *)db;

	if (s->lock_fd < 0) {
		_cleanup_(sut_freep) char *path = sut_sprintf("%s-lock", s->path);

		if (!path)
			return sut_err_oom(err);
		s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (s->lock_fd < 0)
			return sut_err_set(err,
					   errno == EROFS || errno == EACCES ? EROFS
					   : errno == ENOSPC		     ? ENOSPC
									     : EIO,
					   "cannot open the lock file %s: %s", path,
					   strerror(errno));
	}
	if (lock_byte(s, number, F_WRLCK) == 0)
		return 1;
	if (errno == EAGAIN || errno == EACCES)
		return 0;
	return db_error(db, EIO, strerror(errno), err);
}

static void sqlite_unlock(struct sut_db *db, int64_t number)
{
	struct sqlite_db *s = (struct sqlite_db *)db;

	if (s->lock_fd >= 0)
		(void)lock_byte(s, number, F_UNLCK);
}

static int sqlite_notify(struct sut_db *db _unused_, const char *channel _unused_,
			 struct sut_err *err _unused_)
{
	return 0;
}

static int sqlite_wait(struct sut_db *db _unused_, unsigned int timeout_ms, int stop_fd,
		       struct sut_err *err _unused_)
{
	struct pollfd p = {.fd = stop_fd, .events = POLLIN};

	/* A signal ends it early: nothing was promised about the time when nothing came. */
	(void)poll(&p, stop_fd >= 0, timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms);
	return 0;
}

const struct db_engine db_sqlite = {
	.id = SUT_DB_SQLITE,
	.db_size = sizeof(struct sqlite_db),
	.rows_size = sizeof(struct sqlite_rows),
	.connect = sqlite_connect,
	.disconnect = sqlite_disconnect,
	.alive = sqlite_alive,
	.prepare = sqlite_prepare,
	.unprepare = sqlite_unprepare,
	.run = sqlite_run,
	.next = sqlite_next,
	.release = sqlite_release,
	.is_null = sqlite_is_null,
	.get_int = sqlite_int,
	.get_text = sqlite_text,
	.get_blob = sqlite_blob,
	.script = sqlite_script,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.control = sqlite_control,
	.try_lock = sqlite_try_lock,
	.unlock = sqlite_unlock,
	.notify = sqlite_notify,
	.listen = sqlite_notify,
	.wait = sqlite_wait,
};
