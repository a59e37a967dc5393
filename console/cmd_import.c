// SPDX-License-Identifier: Apache-2.0
/* suture-console import: files of scanners, without the API. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cmd.h"
#include "console.h"
#include "fleet/match.h"
#include "find/import.h"
#include "scan/scan.h"

enum { PIECE = 256 << 10 };

struct args {
	const char *config, *format, *of_host, *tenant;
	char host[SUT_UID_LEN + 1]; /* its id, when it was looked up */
};

static void help(void)
{
	printf("usage: suture-console import [--config FILE] [--format FORMAT] [--system NAME]\n"
	       "                             [--tenant NAME] FILE...\n\n"
	       "Reads files of scanners. The console may run meanwhile.\n\n"
	       "  --config FILE    settings (default: %s; suture-console(8))\n"
	       "  --format FORMAT  oval, arf, trivy, grype, debsecan, nessus, csv; found out without\n"
	       "  --system NAME    the host of a file that names none: name, address, System ID\n"
	       "  --tenant NAME    default: default\n",
	       CONSOLE_CONF_FILE);
}

static int parse(int argc, char **argv, struct args *a, int *ret_exit)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"format", required_argument, NULL, 'f'},
		{"system", required_argument, NULL, 's'}, {"tenant", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},	  {0}};
	enum sut_scan_format format;
	int c;

	*ret_exit = SERVER_EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'c') {
			a->config = optarg;
		} else if (c == 's') {
			a->of_host = optarg;
		} else if (c == 't') {
			a->tenant = optarg;
		} else if (c == 'f' && sut_scan_format_parse(optarg, &format) == 0) {
			a->format = format == SUT_SCAN_UNKNOWN ? "" : optarg;
		} else if (c == 'f') {
			fprintf(stderr, "suture-console import: there is no format '%s'\n", optarg);
			return -EINVAL;
		} else {
			if (c == 'h') {
				help();
				*ret_exit = SERVER_EXIT_OK;
			}
			return -EINVAL;
		}
	}
	if (optind < argc)
		return 0;
	fprintf(stderr, "suture-console import: which files?\n");
	return -EINVAL;
}

/* As an upload leaves it. */
static int copy_in(const struct console *c, const char *path, const char *uid, int64_t *ret_bytes,
		   struct sut_err *err)
{
	_cleanup_(sut_closep) int from = open(path, O_RDONLY | O_CLOEXEC), to = -1;
	_cleanup_(sut_freep) char *piece = malloc(PIECE);
	int64_t bytes = 0;
	ssize_t n = 1;

	if (from < 0)
		return sut_err_errno(err, "cannot open %s", path);
	if (c->s.spool_fd < 0)
		return sut_err_reason(
			err, ENOENT, "conf",
			"there is no folder %s for scans: make it, for the user of the "
			"console alone",
			c->conf.spool);
	to = openat(c->s.spool_fd, uid, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to < 0)
		return sut_err_errno(err, "cannot write to %s", c->conf.spool);
	while (piece && n > 0) {
		n = read(from, piece, PIECE);
		for (ssize_t done = 0, k; n > 0 && done < n; done += k) {
			k = write(to, piece + done, (size_t)(n - done));
			if (k <= 0)
				return sut_err_errno(err, "cannot write to %s", c->conf.spool);
		}
		bytes += n > 0 ? n : 0;
	}
	if (!piece)
		return sut_err_oom(err);
	if (n < 0)
		return sut_err_errno(err, "cannot read %s", path);
	*ret_bytes = bytes;
	return 0;
}

static int find_tenant(struct sut_db *db, const char *name, int64_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int r = sut_db_one(db, "SELECT id FROM tenants WHERE name = $1",
			   SUT_DB_ARGS(SUT_DB_T(name)), &row, err);

	if (r == 0)
		return sut_err_set(err, ENOENT, "there is no tenant %s", name);
	if (r > 0)
		*ret = sut_db_int(row, 0);
	return r < 0 ? r : 0;
}

/* The file is in the spool folder: a row for it. */
static int add(struct console *c, struct sut_db *db, const struct args *a, int64_t tenant,
	       const char *path, const char *uid, int64_t bytes, struct sut_err *err)
{
	const char *slash = strrchr(path, '/');
	_cleanup_(sut_freep) char *name = strndup(slash ? slash + 1 : path, SCAN_NAME_MAX);
	struct web_req q = {
		.server = &c->s, .db = db, .now = c->s.clock(c->s.clock_ctx), .body_fd = -1};
	struct scan_new n = {.uid = uid,
			     .format = a->format ? a->format : "",
			     .name = name,
			     .of_host = a->of_host,
			     .bytes = bytes};
	int r;

	if (!name)
		return sut_err_oom(err);
	sut_make_printable(name, "");
	q.who.tenant = tenant;
	snprintf(q.who.name, sizeof(q.who.name), "suture-console import");
	r = sut_db_begin(db, SUT_DB_WRITE, err);
	if (r < 0)
		return r;
	r = scan_add(&q, &n, err);
	if (r == 0)
		return sut_db_commit(db, err);
	sut_db_rollback(db);
	return r;
}

/* Here, or by the console that runs: whoever has the lock. */
static int finish(struct console *c, struct sut_db *db, int64_t tenant, const char *uid,
		  struct scan_row *ret, struct sut_err *err)
{
	for (;;) {
		int r = scan_row_get(db, tenant, uid, ret, err);

		if (r <= 0)
			return r < 0 ? r
				     : sut_err_set(err, ENOENT, "the scan was deleted meanwhile");
		if (strcmp(ret->state, "waiting") && strcmp(ret->state, "running"))
			return 0;
		r = sut_db_try_lock(db, SCANS_LOCK, err);
		if (r > 0) {
			r = import_scan(c, db, ret, c->s.clock(c->s.clock_ctx), err);
			sut_db_unlock(db, SCANS_LOCK);
		} else if (r == 0) {
			usleep(200000);
		}
		scan_row_release(ret);
		if (r < 0)
			return r;
	}
}

static int import_file(struct console *c, struct sut_db *db, const struct args *a, int64_t tenant,
		       const char *path, struct sut_err *err)
{
	_cleanup_scan_row_ struct scan_row s = {0};
	char uid[SUT_UID_LEN + 1];
	int64_t bytes = 0;
	int r = sut_uid_make(uid, err);

	if (r == 0)
		r = copy_in(c, path, uid, &bytes, err);
	if (r == 0)
		r = add(c, db, a, tenant, path, uid, bytes, err);
	if (r < 0) {
		(void)!unlinkat(c->s.spool_fd, uid, 0);
		return r;
	}
	r = finish(c, db, tenant, uid, &s, err);
	if (r < 0)
		return r;
	if (!strcmp(s.state, "failed"))
		return sut_err_set(err, EBADMSG, "%s", s.error);
	printf("%s: %s of %s: %lld hosts, %lld findings, %lld hosts that the portal does not know\n",
	       path, s.format, s.tool[0] ? s.tool : "an unnamed tool", (long long)s.hosts,
	       (long long)s.findings, (long long)s.unmatched);
	return 0;
}

static int import_files(struct console *c, struct args *a, char **files, struct sut_err *err)
{
	_cleanup_(sut_db_freep) struct sut_db *db = NULL;
	int64_t tenant = 0;
	bool failed = false;
	int r = sut_db_open(c->conf.s.database, NULL, &db, err);

	if (r == 0)
		r = find_tenant(db, a->tenant, &tenant, err);
	if (r == 0 && a->of_host) {
		r = host_named(db, tenant, a->of_host, a->host, err);
		if (r == 0)
			return sut_err_set(err, ENOENT,
					   "no system is called '%s', or several are. Give its "
					   "System ID, or the id of its page",
					   a->of_host);
		a->of_host = a->host;
	}
	if (r < 0)
		return r;
	for (; *files; files++) {
		struct sut_err e = {0};

		if (import_file(c, db, a, tenant, *files, &e) == 0)
			continue;
		failed = true;
		fprintf(stderr, "suture-console import: %s\n", e.msg);
	}
	return failed ? 1 : 0;
}

int cmd_import(int argc, char **argv)
{
	struct args a = {.config = CONSOLE_CONF_FILE, .tenant = "default"};
	_cleanup_(console_freep) struct console *c = NULL;
	struct server_conf *conf = NULL;
	struct sut_err err = {0};
	int status, r = parse(argc, argv, &a, &status);

	if (r < 0)
		return status;
	r = cmd_conf_new(&console_program, a.config, &conf, &err);
	if (r == 0)
		r = cmd_right_user(&console_program, conf->database, &err);
	if (r == 0)
		r = console_open((const struct console_conf *)conf, &c, &err);
	if (r == 0)
		r = import_files(c, &a, argv + optind, &err);
	cmd_conf_free(&console_program, conf);
	if (r < 0)
		return cmd_fail(&console_program, "import", &err);
	return r ? SERVER_EXIT_ERROR : SERVER_EXIT_OK;
}
