// SPDX-License-Identifier: Apache-2.0
/* PostgreSQL, by libpq: for several portals. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "db/engine.h"

enum { /* pg_type.oid of the server's own types, which never change */
       OID_BYTEA = 17,
       OID_INT8 = 20,
       OID_TEXT = 25,
};

enum { SERVER_MIN = 150000, INT_MAX_TEXT = 24 };

struct pg_db {
	struct sut_db base;
	PGconn *c;
	unsigned int names;	  /* statements named so far */
	struct sut_strv channels; /* listened to, also after a reopen */
	bool missed;		  /* notifications may have been lost with a connection */
	bool lost;		  /* libpq has said so, whatever PQstatus() says */
};

struct pg_stmt {
	char name[16];
	size_t n;
	Oid types[SUT_DB_ARGS_MAX]; /* 0: only NULL was given so far */
};

struct pg_bytes {
	uint8_t *p;
	size_t len;
};

struct pg_rows {
	struct sut_db_rows base;
	PGresult *res;
	int at;			/* of the row after the current one */
	struct pg_bytes *bytes; /* of the row's columns that are bytea */
	uint8_t *room;		/* they lie here */
	size_t room_size;
};

static PGconn *conn(const struct sut_db *db)
{
	return ((const struct pg_db *)db)->c;
}

static void clearp(PGresult **res)
{
	PQclear(*res);
}

#define _cleanup_res_ _cleanup_(clearp)

/* --- errors --- */

static const struct {
	const char *state; /* SQLSTATE, or how it begins */
	int code;
} codes[] = {
	{"08P01", EIO},				/* protocol violation: a mistake of the caller's */
	{"08", ECONNRESET},  {"22021", EILSEQ}, /* character not in repertoire */
	{"22P05", EILSEQ},			/* untranslatable character */
	{"22", EDOM},				/* out of range, too long, not a number */
	{"23505", EEXIST},			/* unique violation */
	{"23", EDOM},	     {"25006", EROFS},	/* read-only transaction, or a standby */
	{"40003", EIO},				/* statement completion unknown */
	{"40", EAGAIN},				/* serialisation failure, deadlock */
	{"53100", ENOSPC},			/* disk full */
	{"53200", ENOMEM},   {"53", EAGAIN},	/* too many connections */
	{"54", ENOBUFS},     {"55P03", EAGAIN}, /* lock not available */
	{"57014", EAGAIN},			/* statement timeout */
	{"57P", ECONNRESET},			/* shutdown, crash, starting up, database dropped */
};

static int code_of(const char *state)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(codes); i++)
		if (sut_startswith(state, codes[i].state))
			return codes[i].code;
	return EIO;
}

/* res may be NULL: nothing could be sent. */
static int failed(struct sut_db *db, const PGresult *res, struct sut_err *err)
{
	const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
	const char *words = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	char *text = PQerrorMessage(conn(db));

	if (!words)
		words = text;
	if (PQstatus(conn(db)) != CONNECTION_OK)
		return db_error(db, ECONNRESET, "the connection was lost", err);
	/* Without one these are words of libpq's own. It may still call a connection good whose end it has
	 * seen in the middle of a send. */
	if (!state && strstr(words, "out of memory"))
		return db_error(db, ENOMEM, words, err);
	if (!state) {
		((struct pg_db *)db)->lost = true;
		return db_error(db, ECONNRESET, "the connection was lost", err);
	}
	/* These quote the value, which may be secret. */
	if (sut_startswith(state, "22"))
		words = "a value does not fit its column";
	return db_error(db, code_of(state), words, err);
}

/* --- connections --- */

static void no_notice(void *ctx _unused_, const PGresult *res _unused_)
{
}

/* The URL as one may show it: who, where and what, no more. */
static int set_name(struct sut_db *db, struct sut_err *err)
{
	PQconninfoOption *opts = PQconninfoParse(db->url, NULL);
	const char *user = NULL, *host = NULL, *port = NULL, *name = NULL;

	/* What libpq says quotes the URL, and with it a password. */
	if (!opts)
		return sut_err_set(err, EINVAL,
				   "the address of the database is malformed; it looks like "
				   "\"postgresql://USER@HOST/NAME\"");
	for (const PQconninfoOption *o = opts; o->keyword; o++) {
		if (!strcmp(o->keyword, "user"))
			user = o->val;
		else if (!strcmp(o->keyword, "host"))
			host = o->val;
		else if (!strcmp(o->keyword, "port"))
			port = o->val;
		else if (!strcmp(o->keyword, "dbname"))
			name = o->val;
	}
	if (!db->name)
		db->name = sut_sprintf("postgresql://%s%s%s%s%s/%s", user ? user : "",
				       user ? "@" : "", host ? host : "", port ? ":" : "",
				       port ? port : "", name ? name : "");
	PQconninfoFree(opts);
	return db->name ? 0 : sut_err_oom(err);
}

static void pg_disconnect(struct sut_db *db)
{
	struct pg_db *pg = (struct pg_db *)db;

	PQfinish(pg->c);
	pg->c = NULL;
}

static void pg_destroy(struct sut_db *db)
{
	sut_strv_release(&((struct pg_db *)db)->channels);
}

/* One statement by the simple protocol, or several. */
static int simple(struct sut_db *db, const char *sql, struct sut_err *err)
{
	_cleanup_res_ PGresult *res = PQexec(conn(db), sql);
	ExecStatusType st = PQresultStatus(res);

	return st == PGRES_COMMAND_OK || st == PGRES_TUPLES_OK || st == PGRES_EMPTY_QUERY
		       ? 0
		       : failed(db, res, err);
}

static int listen_to(struct sut_db *db, const char *channel, struct sut_err *err)
{
	char sql[DB_CHANNEL_MAX + sizeof("LISTEN ")];

	snprintf(sql, sizeof(sql), "LISTEN %s", channel);
	return simple(db, sql, err);
}

static int set_up(struct sut_db *db, struct sut_err *err)
{
	struct pg_db *pg = (struct pg_db *)db;
	_cleanup_res_ PGresult *res = NULL;
	const char *encoding = PQparameterStatus(pg->c, "server_encoding");
	char timeout[INT_MAX_TEXT];
	const char *const values[] = {timeout, db->opts.read_only ? "on" : "off"};
	int r = 0;

	if (PQserverVersion(pg->c) < SERVER_MIN)
		return db_error(db, EIO, "the server is too old; PostgreSQL 15 or newer is needed",
				err);
	if (!encoding || strcmp(encoding, "UTF8") != 0)
		return db_error(db, EIO, "it is not in UTF-8; make it by \"createdb -E UTF8\"",
				err);
	snprintf(timeout, sizeof(timeout), "%us", db->opts.statement_sec);
	res = PQexecParams(pg->c,
			   "SELECT set_config('statement_timeout', $1, false), "
			   "set_config('default_transaction_read_only', $2, false), "
			   "set_config('bytea_output', 'hex', false)",
			   2, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		return failed(db, res, err);
	for (size_t i = 0; r == 0 && i < pg->channels.n; i++)
		r = listen_to(db, pg->channels.v[i], err);
	pg->missed = pg->channels.n > 0;
	return r;
}

static int pg_connect(struct sut_db *db, struct sut_err *err)
{
	struct pg_db *pg = (struct pg_db *)db;
	char timeout[INT_MAX_TEXT];
	/* What stands before dbname can be changed by the URL. */
	const char *const keys[] = {"connect_timeout",
				    "application_name",
				    "keepalives_idle",
				    "keepalives_interval",
				    "keepalives_count",
				    "tcp_user_timeout",
				    "dbname",
				    "client_encoding",
				    NULL};
	const char *const values[] = {timeout, "suture", "30",	 "10", "3",
				      "60000", db->url,	 "UTF8", NULL};
	int r;

	r = set_name(db, err);
	if (r < 0)
		return r;
	snprintf(timeout, sizeof(timeout), "%u", db->opts.connect_sec);
	pg->lost = false;
	pg->c = PQconnectdbParams(keys, values, 1);
	if (!pg->c)
		return sut_err_oom(err);
	if (PQstatus(pg->c) != CONNECTION_OK) {
		char words[DB_MESSAGE_MAX];
		size_t len;

		snprintf(words, sizeof(words), "%s", PQerrorMessage(pg->c));
		len = strlen(words);
		while (len && words[len - 1] == '\n')
			words[--len] = 0;
		r = db_error(db, ECONNRESET, words, err);
	} else {
		PQsetNoticeReceiver(pg->c, no_notice, NULL);
		r = set_up(db, err);
	}
	if (r < 0)
		pg_disconnect(db);
	return r;
}

static bool pg_alive(const struct sut_db *db)
{
	return conn(db) && !((const struct pg_db *)db)->lost && PQstatus(conn(db)) == CONNECTION_OK;
}

/* --- statements --- */

static Oid type_of(const struct sut_db_arg *a)
{
	switch (a->type) {
	case SUT_DB_ARG_INT:
	case SUT_DB_ARG_INT_NULL:
		return OID_INT8;
	case SUT_DB_ARG_TEXT:
		return OID_TEXT;
	case SUT_DB_ARG_BLOB:
		return OID_BYTEA;
	default:
		return 0;
	}
}

static void pg_unprepare(struct sut_db *db, struct db_stmt *s)
{
	struct pg_stmt *p = s->handle;
	char sql[sizeof(p->name) + sizeof("DEALLOCATE ")];

	/* In a failed transaction this fails too; no name is used twice, so that is harmless. */
	if (pg_alive(db)) {
		snprintf(sql, sizeof(sql), "DEALLOCATE %s", p->name);
		(void)simple(db, sql, NULL);
	}
	free(p);
	s->handle = NULL;
}

/* The server cannot guess the type of a parameter. */
static bool is_ambiguous(const PGresult *res)
{
	const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;

	return state && (!strcmp(state, "42P08") || !strcmp(state, "42P18"));
}

/* Takes a fresh name, declares parameters of type 0 to be guess (0: the server finds out). */
static PGresult *try_prepare(struct sut_db *db, const char *sql, struct pg_stmt *p, Oid guess)
{
	Oid types[SUT_DB_ARGS_MAX];

	for (size_t i = 0; i < p->n; i++)
		types[i] = p->types[i] ? p->types[i] : guess;
	snprintf(p->name, sizeof(p->name), "q%u", ++((struct pg_db *)db)->names);
	return PQprepare(conn(db), p->name, sql, (int)p->n, types);
}

/* With parameters of which only NULL is known, as in "$1 IS NULL OR x = $1": the server may be unable to say
 * what they are, so we do. A transaction must survive the attempts. */
static PGresult *guess_prepare(struct sut_db *db, const char *sql, struct pg_stmt *p)
{
	static const Oid guesses[] = {0, OID_TEXT, OID_INT8};
	PGresult *res = NULL;
	bool ambiguous = true;

	if (db->in_tx && simple(db, "SAVEPOINT prepare", NULL) < 0)
		return NULL;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(guesses) && ambiguous; i++) {
		PQclear(res);
		res = try_prepare(db, sql, p, guesses[i]);
		if (PQresultStatus(res) == PGRES_COMMAND_OK)
			break;
		ambiguous = is_ambiguous(res) || i > 0;
		if (ambiguous && db->in_tx && simple(db, "ROLLBACK TO SAVEPOINT prepare", NULL) < 0)
			break;
	}
	if (db->in_tx && PQresultStatus(res) == PGRES_COMMAND_OK)
		(void)simple(db, "RELEASE SAVEPOINT prepare", NULL);
	return res;
}

/*
 * Integers are int8 for the server, which converts them to what a column has; texts and bytes are what they
 * are. Of a bare NULL nothing is known; when a value comes there later, and it is not what was
 * declared, the statement is prepared anew.
 */
static int pg_prepare(struct sut_db *db, struct db_stmt *s, const struct sut_db_arg *args, size_t n,
		      struct sut_err *err)
{
	struct pg_stmt *p = s->handle, next = {.n = n};
	_cleanup_res_ PGresult *res = NULL;
	bool same = p && p->n == n, unknown = false;

	for (size_t i = 0; i < n; i++) {
		next.types[i] = type_of(&args[i]);
		if (p && i < p->n && !next.types[i])
			next.types[i] = p->types[i];
		if (same && next.types[i] != p->types[i])
			same = false;
		if (!next.types[i])
			unknown = true;
	}
	if (same)
		return 0;
	if (p)
		pg_unprepare(db, s);
	res = unknown ? guess_prepare(db, s->sql, &next) : try_prepare(db, s->sql, &next, 0);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return failed(db, res, err);
	p = malloc(sizeof(*p));
	if (!p)
		return sut_err_oom(err);
	*p = next;
	s->handle = p;
	return 0;
}

static PGresult *execute(struct sut_db *db, const struct db_stmt *s, const struct sut_db_arg *args,
			 size_t n)
{
	char ints[SUT_DB_ARGS_MAX][INT_MAX_TEXT];
	const char *values[SUT_DB_ARGS_MAX];
	int lengths[SUT_DB_ARGS_MAX], formats[SUT_DB_ARGS_MAX];

	for (size_t i = 0; i < n; i++) {
		values[i] = NULL;
		lengths[i] = 0;
		formats[i] = 0;
		if (args[i].type == SUT_DB_ARG_INT) {
			snprintf(ints[i], sizeof(ints[i]), "%lld", (long long)args[i].i);
			values[i] = ints[i];
		} else if (args[i].type == SUT_DB_ARG_TEXT || args[i].type == SUT_DB_ARG_BLOB) {
			values[i] = args[i].p;
			formats[i] = args[i].type == SUT_DB_ARG_BLOB;
			lengths[i] = formats[i] ? (int)args[i].len : 0;
		}
	}
	return PQexecPrepared(conn(db), ((const struct pg_stmt *)s->handle)->name, (int)n, values,
			      lengths, formats, 0);
}

/* The schema has changed since the statement was prepared, or somebody has dropped it. */
static bool is_stale(const PGresult *res)
{
	const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;

	return state && (!strcmp(state, "0A000") || !strcmp(state, "26000"));
}

static int pg_run(struct sut_db *db, struct db_stmt *s, const struct sut_db_arg *args, size_t n,
		  struct sut_db_rows *out, int64_t *ret_changed, struct sut_err *err)
{
	struct pg_rows *rows = (struct pg_rows *)out;
	_cleanup_res_ PGresult *res = execute(db, s, args, n);
	ExecStatusType st;
	int r;

	if (is_stale(res)) {
		pg_unprepare(db, s);
		if (db->in_tx)
			return db_error(db, EAGAIN, "the schema has changed", err);
		r = pg_prepare(db, s, args, n, err);
		if (r < 0)
			return r;
		PQclear(res);
		res = execute(db, s, args, n);
	}
	st = PQresultStatus(res);
	if (st != PGRES_COMMAND_OK && st != PGRES_TUPLES_OK)
		return failed(db, res, err);
	if (!sut_startswith(PQcmdStatus(res), "SELECT"))
		*ret_changed = strtoll(PQcmdTuples(res), NULL, 10);
	if (rows) {
		rows->bytes = calloc((size_t)PQnfields(res) + 1, sizeof(*rows->bytes));
		if (!rows->bytes)
			return sut_err_oom(err);
		rows->res = sut_steal(res);
	}
	return 0;
}

static int digit(char c)
{
	return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* Bytes come as "\x0a1b…"; they are decoded when the row begins, so that reading them cannot fail. */
static int row_ready(struct sut_db *db, struct pg_rows *rows, int row, struct sut_err *err)
{
	int cols = PQnfields(rows->res);
	size_t need = 0;
	uint8_t *to;

	for (int i = 0; i < cols; i++) {
		size_t len = (size_t)PQgetlength(rows->res, row, i);

		rows->bytes[i] = (struct pg_bytes){0};
		if (PQftype(rows->res, i) == OID_BYTEA && len >= 2)
			need += len = len / 2 - 1;
		if (len > SUT_DB_VALUE_MAX)
			return db_error(db, ENOBUFS, "a value is too large", err);
	}
	if (need > rows->room_size) {
		to = realloc(rows->room, need);
		if (!to)
			return sut_err_oom(err);
		rows->room = to;
		rows->room_size = need;
	}
	to = rows->room;
	for (int i = 0; i < cols; i++) {
		size_t len = (size_t)PQgetlength(rows->res, row, i);
		const char *hex = PQgetvalue(rows->res, row, i) + 2;

		if (PQftype(rows->res, i) != OID_BYTEA || len <= 2)
			continue;
		len = len / 2 - 1;
		for (size_t k = 0; k < len; k++)
			to[k] = (uint8_t)(digit(hex[2 * k]) << 4 | digit(hex[2 * k + 1]));
		rows->bytes[i] = (struct pg_bytes){to, len};
		to += len;
	}
	return 1;
}

static int pg_next(struct sut_db_rows *r, struct sut_err *err)
{
	struct pg_rows *rows = (struct pg_rows *)r;
	int n = PQntuples(rows->res);

	if (rows->at >= n) {
		rows->at = n + 1;
		return 0;
	}
	return row_ready(r->db, rows, rows->at++, err);
}

static void pg_release(struct sut_db_rows *r)
{
	struct pg_rows *rows = (struct pg_rows *)r;

	PQclear(rows->res);
	rows->res = NULL;
	free(rows->bytes);
	rows->bytes = NULL;
	free(rows->room);
	rows->room = NULL;
}

static bool pg_is_null(const struct sut_db_rows *r, int col)
{
	const struct pg_rows *rows = (const struct pg_rows *)r;

	return col < 0 || col >= PQnfields(rows->res) || !rows->at ||
	       rows->at > PQntuples(rows->res) || PQgetisnull(rows->res, rows->at - 1, col);
}

static const char *pg_text(const struct sut_db_rows *r, int col)
{
	const struct pg_rows *rows = (const struct pg_rows *)r;

	return pg_is_null(r, col) ? NULL : PQgetvalue(rows->res, rows->at - 1, col);
}

static int64_t pg_int(const struct sut_db_rows *r, int col)
{
	const char *s = pg_text(r, col);

	if (!s)
		return 0;
	if (*s == 't') /* of a comparison: boolean */
		return 1;
	return strtoll(s, NULL, 10);
}

static const void *pg_blob(const struct sut_db_rows *r, int col, size_t *ret_len)
{
	const struct pg_rows *rows = (const struct pg_rows *)r;

	if (pg_is_null(r, col))
		return NULL;
	if (PQftype(rows->res, col) != OID_BYTEA) {
		*ret_len = (size_t)PQgetlength(rows->res, rows->at - 1, col);
		return PQgetvalue(rows->res, rows->at - 1, col);
	}
	*ret_len = rows->bytes[col].len;
	return rows->bytes[col].len ? (const void *)rows->bytes[col].p : "";
}

/* --- transactions --- */

static int pg_begin(struct sut_db *db, enum sut_db_mode mode, struct sut_err *err)
{
	if (mode == SUT_DB_READ)
		return simple(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
	if (db->opts.read_only)
		return db_error(db, EROFS, "it was opened for reading only", err);
	return simple(db, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", err);
}

static int pg_commit(struct sut_db *db, struct sut_err *err)
{
	_cleanup_res_ PGresult *res = PQexec(conn(db), "COMMIT");

	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		return failed(db, res, err);
	/* A transaction that has failed is rolled back by COMMIT, which then succeeds. */
	if (strcmp(PQcmdStatus(res), "COMMIT") != 0)
		return db_error(db, EIO, "the transaction was rolled back", err);
	return 0;
}

static void pg_rollback(struct sut_db *db)
{
	(void)simple(db, "ROLLBACK", NULL);
}

/* --- several processes --- */

/* SELECT function($1). 1 when it is true. */
static int call(struct sut_db *db, const char *sql, const char *value, struct sut_err *err)
{
	const char *const values[] = {value};
	_cleanup_res_ PGresult *res = PQexecParams(conn(db), sql, 1, NULL, values, NULL, NULL, 0);

	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		return failed(db, res, err);
	return PQntuples(res) == 1 && PQgetvalue(res, 0, 0)[0] == 't';
}

static int pg_try_lock(struct sut_db *db, int64_t number, struct sut_err *err)
{
	char text[INT_MAX_TEXT];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	return call(db, "SELECT pg_try_advisory_lock($1::bigint)", text, err);
}

static void pg_unlock(struct sut_db *db, int64_t number)
{
	char text[INT_MAX_TEXT];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	(void)call(db, "SELECT pg_advisory_unlock($1::bigint)", text, NULL);
}

static int pg_notify(struct sut_db *db, const char *channel, struct sut_err *err)
{
	int r = call(db, "SELECT pg_notify($1, '')", channel, err);

	return r < 0 ? r : 0;
}

static int pg_listen(struct sut_db *db, const char *channel, struct sut_err *err)
{
	struct pg_db *pg = (struct pg_db *)db;
	int r = listen_to(db, channel, err);

	if (r == 0 && !sut_strv_has(&pg->channels, channel) &&
	    sut_strv_add(&pg->channels, channel) < 0)
		return sut_err_oom(err);
	return r;
}

static bool notified(struct pg_db *pg)
{
	bool any = pg->missed;
	PGnotify *n;

	pg->missed = false;
	while ((n = PQnotifies(pg->c))) {
		PQfreemem(n);
		any = true;
	}
	return any;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int pg_wait(struct sut_db *db, unsigned int timeout_ms, int stop_fd, struct sut_err *err)
{
	struct pg_db *pg = (struct pg_db *)db;
	int64_t until = now_ms() + timeout_ms;

	for (;;) {
		struct pollfd p[2] = {{.fd = PQsocket(pg->c), .events = POLLIN},
				      {.fd = stop_fd, .events = POLLIN}};
		int64_t left = until - now_ms();

		if (!PQconsumeInput(pg->c))
			return failed(db, NULL, err);
		if (notified(pg))
			return 1;
		if (left <= 0)
			return 0;
		if (poll(p, 1 + (stop_fd >= 0), left > INT32_MAX ? INT32_MAX : (int)left) < 0 &&
		    errno != EINTR)
			return db_error(db, EIO, strerror(errno), err);
		if (stop_fd >= 0 && p[1].revents)
			return 0;
	}
}

const struct db_engine db_pgsql = {
	.id = SUT_DB_PGSQL,
	.db_size = sizeof(struct pg_db),
	.rows_size = sizeof(struct pg_rows),
	.connect = pg_connect,
	.disconnect = pg_disconnect,
	.destroy = pg_destroy,
	.alive = pg_alive,
	.prepare = pg_prepare,
	.unprepare = pg_unprepare,
	.run = pg_run,
	.next = pg_next,
	.release = pg_release,
	.is_null = pg_is_null,
	.get_int = pg_int,
	.get_text = pg_text,
	.get_blob = pg_blob,
	.script = simple,
	.begin = pg_begin,
	.commit = pg_commit,
	.rollback = pg_rollback,
	.control = simple,
	.try_lock = pg_try_lock,
	.unlock = pg_unlock,
	.notify = pg_notify,
	.listen = pg_listen,
	.wait = pg_wait,
};
