// SPDX-License-Identifier: Apache-2.0
#include "find/import.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "find/builtin.h"
#include "find/keep.h"
#include "find/sink.h"
#include "live/live.h"
#include "task_list.h"

enum { PIECE = 256 << 10, STRANGER_SEC = 3600 };

/* --- reading a file --- */

static int nothing_host(void *ctx _unused_, const struct sut_scan_host *h _unused_,
			struct sut_err *err _unused_)
{
	return 0;
}

static int nothing_finding(void *ctx _unused_, const struct sut_scan_finding *f _unused_,
			   struct sut_err *err _unused_)
{
	return 0;
}

/* pass 0 looks, pass 1 writes. */
static int read_pass(struct sink *k, int fd, int pass, const struct sut_scan_opts *o,
		     struct sut_scan_summary *ret, struct sut_err *err)
{
	const struct sut_scan_sink looks = {.host = nothing_host, .finding = nothing_finding},
				   writes = {.host = sink_host,
					     .finding = sink_finding,
					     .host_end = sink_host_end,
					     .ctx = k};
	_cleanup_scan_ struct sut_scan *scan = NULL;
	_cleanup_(sut_freep) char *piece = malloc(PIECE);
	uint64_t read_bytes = 0;
	ssize_t n = 0;
	int r = piece ? sut_scan_open(o, pass ? &writes : &looks, &scan, err) : sut_err_oom(err);

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = sut_err_errno(err, "cannot read the scan again");
	while (r == 0 && (n = read(fd, piece, PIECE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sut_err_errno(err, "cannot read the scan");
		r = sut_scan_feed(scan, piece, (size_t)n, err);
		read_bytes += (uint64_t)n;
		k->done_bytes = (read_bytes + (pass ? (uint64_t)k->scan->bytes : 0)) / 2;
		if (r == 0)
			r = sink_breathe(k, false, err);
	}
	return r == 0 ? sut_scan_finish(scan, ret, err) : r;
}

static int note_format(struct sink *k, const struct sut_scan_summary *sum, struct sut_err *err)
{
	int r;

	snprintf(k->tool, sizeof(k->tool), "%.127s%s%.100s", sum->tool,
		 sum->tool_version[0] ? " " : "", sum->tool_version);
	k->scanned_at = sum->scanned_at;
	k->family = keep_family(sut_scan_format_name(sum->format));
	r = sut_db_begin(k->db, SUT_DB_WRITE, err);
	if (r < 0)
		return r;
	r = sut_db_exec(k->db,
			"UPDATE scans SET format = $2, tool = $3, cves = $4, without_cve = $5"
			" WHERE id = $1",
			SUT_DB_ARGS(SUT_DB_I(k->scan->id),
				    SUT_DB_T(sut_scan_format_name(sum->format)), SUT_DB_T(k->tool),
				    SUT_DB_I((int64_t)sum->cves),
				    SUT_DB_I((int64_t)sum->without_cve)),
			NULL, err);
	if (r == 0)
		return sut_db_commit(k->db, err);
	sut_db_rollback(k->db);
	return r;
}

static int read_file(struct sink *k, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd =
		openat(k->c->s.spool_fd, k->scan->uid, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_(sut_freep) char *direct =
		k->scan->of_host ? sut_sprintf("%s%s", SINK_DIRECT, k->scan->of_host) : NULL;
	const struct sut_scan_host host = {.machine_id = direct};
	struct sut_scan_opts o = {.name = k->scan->name, .host = direct ? &host : NULL};
	struct sut_scan_summary sum = {0};
	int r;

	if (fd < 0)
		return sut_err_reason(
			err, EBADMSG, "scan",
			"the file of the scan is gone from the spool folder. Upload it "
			"again");
	if (k->scan->of_host && !direct)
		return sut_err_oom(err);
	if (k->scan->format[0] && sut_scan_format_parse(k->scan->format, &o.format) < 0)
		return sut_err_reason(err, EBADMSG, "scan", "the format %s is not known",
				      k->scan->format);
	r = read_pass(k, fd, 0, &o, &sum, err);
	if (r == 0)
		r = note_format(k, &sum, err);
	o.format = sum.format;
	return r == 0 ? read_pass(k, fd, 1, &o, &sum, err) : r;
}

/* --- states --- */

static int note_begin(struct sut_db *db, const struct scan_row *s, int64_t now, struct sut_err *err)
{
	int r = sut_db_begin(db, SUT_DB_WRITE, err);

	if (r < 0)
		return r;
	r = sut_db_exec(db,
			"UPDATE scans SET state = 'running', begun = $2, tries = tries + 1,"
			" done_bytes = 0, hosts = 0, findings = 0, unmatched = 0 WHERE id = $1",
			SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_I(now)), NULL, err);
	if (r == 0)
		r = live_tell(db, s->tenant, now, "scan", s->uid, err);
	if (r == 0)
		return sut_db_commit(db, err);
	sut_db_rollback(db);
	return r;
}

static const char *code_of(int r, const struct sut_err *e)
{
	if (sut_streq(e->reason, "scan"))
		return r == -EFBIG ? "scan-too-large" : "scan-malformed";
	return r == -ENOMEM ? "busy" : "internal-error";
}

static json_t *event_json(const struct scan_row *s, const char *state)
{
	return json_pack("{s:s, s:s, s:s}", "scan", s->uid, "name", s->name, "state", state);
}

/* code: NULL when it is done. */
static int note_end(struct sink *k, const char *code, const char *text, struct sut_err *err)
{
	const struct scan_row *s = k->scan;
	const char *state = code ? "failed" : "done";
	int r = sut_db_begin(k->db, SUT_DB_WRITE, err);

	if (r < 0)
		return r;
	r = sut_db_exec(k->db,
			"UPDATE scans SET state = $2, finished = $3, error_code = $4, error = $5,"
			" done_bytes = bytes WHERE id = $1",
			SUT_DB_ARGS(SUT_DB_I(s->id), SUT_DB_T(state), SUT_DB_I(k->q.now),
				    SUT_DB_T(code ? code : ""), SUT_DB_T(text ? text : "")),
			NULL, err);
	if (r == 0)
		r = live_tell(k->db, s->tenant, k->q.now, "scan", s->uid, err);
	if (r == 0)
		r = web_event(&k->q, s->tenant, code ? "scan.failed" : "scan.finished",
			      event_json(s, state), err);
	if (r == 0)
		r = web_touch(&k->q, err);
	if (r == 0)
		return sut_db_commit(k->db, err);
	sut_db_rollback(k->db);
	return r;
}

/* Portions, each in a transaction, until nothing is left. */
static int in_portions(struct sut_db *db,
		       int (*f)(struct sut_db *, const struct scan_row *, struct sut_err *),
		       const struct scan_row *s, struct sut_err *err)
{
	int r;

	do {
		r = sut_db_begin(db, SUT_DB_WRITE, err);
		if (r < 0)
			return r;
		r = f(db, s, err);
		if (r < 0)
			sut_db_rollback(db);
		else if (sut_db_commit(db, err) < 0)
			return -EIO;
	} while (r > 0);
	return r;
}

static int drop(struct sut_db *db, const struct scan_row *s, struct sut_err *err)
{
	return keep_drop_scan(db, s->tenant, s->id, err);
}

static int sweep(struct sut_db *db, const struct scan_row *s, struct sut_err *err)
{
	return keep_sweep(db, s->tenant, err);
}

static int remove_row(struct sut_db *db, const struct scan_row *s, struct sut_err *err)
{
	return sut_db_exec(db, "DELETE FROM scans WHERE id = $1", SUT_DB_ARGS(SUT_DB_I(s->id)),
			   NULL, err);
}

/* Somebody wants it gone. */
static int delete_scan(struct sink *k, struct sut_err *err)
{
	int r = in_portions(k->db, drop, k->scan, err);

	if (r == 0)
		r = in_portions(k->db, remove_row, k->scan, err);
	if (r == 0)
		r = in_portions(k->db, sweep, k->scan, err);
	if (r == 0)
		r = sut_db_begin(k->db, SUT_DB_WRITE, err);
	if (r < 0)
		return r;
	r = live_tell(k->db, k->scan->tenant, k->q.now, "scan", k->scan->uid, err);
	if (r == 0)
		r = web_touch(&k->q, err);
	if (r == 0)
		return sut_db_commit(k->db, err);
	sut_db_rollback(k->db);
	return r;
}

int import_scan(struct console *c, struct sut_db *db, const struct scan_row *s, int64_t now,
		struct sut_err *err)
{
	_cleanup_(sink_release) struct sink k = {0};
	struct sut_err e = {0};
	bool builtin = sut_streq(s->format, "builtin"), ours;
	int r = sink_init(&k, c, db, s, now, err);

	if (r < 0)
		return r;
	if (s->cancel) {
		(void)!unlinkat(c->s.spool_fd, s->uid, 0);
		return delete_scan(&k, err);
	}
	r = note_begin(db, s, now, err);
	if (r < 0)
		return r;
	r = builtin ? builtin_scan(&k, &e) : read_file(&k, &e);
	if (r == 0)
		r = sink_breathe(&k, true, &e);
	if (k.tx) {
		sut_db_rollback(db);
		k.tx = false;
	}
	if (r == -ECANCELED && sut_streq(e.reason, "stopping"))
		return 0; /* the next process begins again */
	if (r == -ECANCELED) {
		(void)!unlinkat(c->s.spool_fd, s->uid, 0);
		return delete_scan(&k, err);
	}
	/* What is no fault of the file may be over at the next try. */
	ours = r < 0 && !sut_streq(e.reason, "scan");
	if (ours && s->tries + 1 < SCAN_TRIES_MAX) {
		if (err)
			*err = e;
		return r;
	}
	r = note_end(&k, r < 0 ? code_of(r, &e) : NULL, e.msg, err);
	if (r == 0)
		r = in_portions(db, sweep, s, err);
	if (r == 0 && !builtin)
		(void)!unlinkat(c->s.spool_fd, s->uid, 0);
	return r;
}

/* --- the task --- */

static bool here(const struct console *c, const struct scan_row *s)
{
	return sut_streq(s->format, "builtin") || s->cancel ||
	       faccessat(c->s.spool_fd, s->uid, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The oldest that is to be run here. A file may lie with another process; after an hour it is lost. 1 or 0. */
static int next_scan(struct console *c, struct sut_db *db, int64_t after, int64_t now,
		     struct scan_row *ret, struct sut_err *err)
{
	static const char sql[] =
		"SELECT " SCAN_COLUMNS " FROM scans s WHERE s.state IN ('waiting', 'running')"
		" AND s.id > $1 ORDER BY s.id LIMIT 100";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(db, sql, SUT_DB_ARGS(SUT_DB_I(after)), &rows, err);

	while (r >= 0 && (r = sut_db_next(rows, err)) > 0) {
		_cleanup_scan_row_ struct scan_row s = {0};

		if (scan_row_read(rows, &s) < 0)
			return sut_err_oom(err);
		if (!here(c, &s) && s.created > now - STRANGER_SEC)
			continue;
		*ret = s;
		s = (struct scan_row){0};
		return 1;
	}
	return r;
}

int import_waiting(struct console *c, struct sut_db *db, int64_t now, struct sut_err *err)
{
	int64_t after = 0;
	int r;

	for (;;) {
		_cleanup_scan_row_ struct scan_row s = {0};

		r = next_scan(c, db, after, now, &s, err);
		if (r <= 0 || atomic_load(&c->s.stopping))
			return r < 0 ? r : 0;
		after = s.id;
		r = import_scan(c, db, &s, c->s.clock(c->s.clock_ctx), err);
		if (r < 0)
			return r;
	}
}

/* Files of calls that failed behind the keeping, and of servers that died. */
static void tidy(struct console *c, struct sut_db *db, int64_t now)
{
	_cleanup_(sut_closep) int fd =
		openat(c->s.spool_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(sut_closedirp) DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	if (d)
		fd = -1;
	while (d && (e = readdir(d))) {
		_cleanup_rows_ struct sut_db_rows *row = NULL;
		struct stat st;

		if (fstatat(c->s.spool_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISREG(st.st_mode) || st.st_mtime > now - STRANGER_SEC)
			continue;
		if (sut_db_one(db,
			       "SELECT 1 FROM scans WHERE uid = $1"
			       " AND state IN ('waiting', 'running')",
			       SUT_DB_ARGS(SUT_DB_T(e->d_name)), &row, NULL) == 0)
			(void)!unlinkat(c->s.spool_fd, e->d_name, 0);
	}
}

static int run(struct server *s, struct sut_db *db, int64_t now, struct sut_err *err)
{
	struct console *c = console_of(s);

	if (s->spool_fd >= 0)
		tidy(c, db, now);
	return import_waiting(c, db, now, err);
}

const struct task task_scans = {
	.name = "scans",
	.lock = SCANS_LOCK,
	.every_sec = 60,
	.on_touch = true,
	.run = run,
};
