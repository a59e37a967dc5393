// SPDX-License-Identifier: Apache-2.0
/* suture-console doctor: is all well, and if not, what to do. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/utf8.h"
#include "cmd.h"
#include "console.h"
#include "db/migrate.h"
#include "find/set.h"
#include "link/link.h"
#include "seal.h"

static const char help[] =
	"usage: suture-console doctor [--config FILE]\n\n"
	"Looks at settings, key, database, folders, portals and findings, and says what to do about what is wrong.\n"
	"Changes nothing. Run it as the user of the console.\n\n"
	"  --config FILE   settings (default: " CONSOLE_CONF_FILE "; suture-console(8))\n\n"
	"Exit status: 0 all is well, 1 something needs attention, 2 something is broken.\n";

enum state { OK, WARN, FAIL };
enum {
	SILENT_SEC = 300, /* without a turn for so long: nothing runs */
	DAMAGED_MAX = 10, /* are told of */
};

struct doctor {
	const struct console_conf *conf;
	struct sut_db *db;
	struct console c; /* of which only the seal is there */
	int64_t now;
	enum state worst;
};

static void tell(struct doctor *d, enum state state, const char *check, const char *fmt, ...)
	_printf_(4, 5);

static void tell(struct doctor *d, enum state state, const char *check, const char *fmt, ...)
{
	static const char *const words[] = {[OK] = "ok", [WARN] = "warn", [FAIL] = "fail"};
	char text[SUT_ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sut_make_printable(text, "");
	printf("%-4s  %-9s %s\n", words[state], check, text);
	if (state > d->worst)
		d->worst = state;
}

static void look_at_key(struct doctor *d)
{
	struct sut_err err = {0};

	if (seal_open(d->conf->secret_key, &d->c.seal, &err) < 0)
		tell(d, FAIL, "key", "%s", err.msg);
	else
		tell(d, OK, "key", "%s", d->conf->secret_key);
}

static void look_at_database(struct doctor *d)
{
	const struct sut_db_opts opts = {.read_only = true};
	struct sut_migration_state st;
	struct sut_err err = {0};
	int r = sut_db_open(d->conf->s.database, &opts, &d->db, &err);

	if (r == 0)
		r = sut_db_migration_state(d->db, console_program.migrations,
					   *console_program.nmigrations, &st, &err);
	if (r < 0)
		tell(d, FAIL, "database", "%s", err.msg);
	else if (st.current < st.known)
		tell(d, FAIL, "database", "%s is at change %d of %d. Run: suture-console %s",
		     sut_db_name(d->db), st.current, st.known, st.current ? "migrate" : "init");
	else
		tell(d, OK, "database", "%s, change %d", sut_db_name(d->db), st.current);
	if (r < 0 || st.current < st.known) {
		sut_db_free(d->db);
		d->db = NULL;
	}
}

static void look_at_folders(struct doctor *d)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/index.html", d->conf->pages);
	if (access(path, R_OK) == 0)
		tell(d, OK, "pages", "%s", d->conf->pages);
	else
		tell(d, WARN, "pages",
		     "%s: %s. Only the API is served: install the pages, or set 'pages'", path,
		     strerror(errno));
	if (access(d->conf->spool, W_OK | X_OK) == 0)
		tell(d, OK, "spool", "%s", d->conf->spool);
	else
		tell(d, WARN, "spool",
		     "%s: %s. Scans cannot be uploaded: make this folder, writable "
		     "for the user of the console",
		     d->conf->spool, strerror(errno));
}

/* Does its token open, and how is the portal? */
static void look_at_portal(struct doctor *d, int64_t tenant, const char *name)
{
	_cleanup_link_ struct link l = {0};
	struct sut_err err = {0};
	int r = link_load(&d->c, d->db, tenant, &l, &err);

	if (r < 0)
		tell(d, FAIL, "portal", "tenant %s: %s", name, err.msg);
	else if (r > 0 && strcmp(l.state, "ok") != 0)
		tell(d, WARN, "portal",
		     "tenant %s: %s is %s. GET /v1/portal says since when, and why", name, l.url,
		     l.state);
	else if (r > 0 && l.tried < d->now - SILENT_SEC)
		tell(d, WARN, "portal",
		     "tenant %s: %s was not asked for %lld s. Is suture-console running?", name,
		     l.url, (long long)(d->now - l.tried));
	else if (r > 0)
		tell(d, OK, "portal", "tenant %s: %s", name, l.url);
}

static void look_at_portals(struct doctor *d)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct sut_err err = {0};
	int n = 0;
	int r = sut_db_query(
		d->db,
		"SELECT p.tenant, t.name FROM portals p JOIN tenants t ON t.id = p.tenant"
		" WHERE t.disabled IS NULL ORDER BY t.name",
		SUT_DB_NONE, &rows, &err);

	while (r >= 0 && (r = sut_db_next(rows, &err)) > 0) {
		look_at_portal(d, sut_db_int(rows, 0), sut_db_text(rows, 1));
		n++;
	}
	if (r < 0)
		tell(d, FAIL, "portal", "%s", err.msg);
	else if (!n)
		tell(d, WARN, "portal",
		     "no tenant has one. An admin sets it on the page, or by PUT /v1/portal");
}

/* Is it of any system? One that is of none is removed in time. */
static bool tell_damaged(struct doctor *d, int64_t set)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	struct sut_err err = {0};
	int r = sut_db_one(d->db,
			   "SELECT t.name, MAX(s.name), COUNT(*) FROM host_findings f"
			   " JOIN tenants t ON t.id = f.tenant JOIN scans s ON s.id = f.scan"
			   " WHERE f.findset = $1 GROUP BY t.name",
			   SUT_DB_ARGS(SUT_DB_I(set)), &row, &err);

	if (r < 0)
		tell(d, FAIL, "findings", "%s", err.msg);
	else if (r > 0)
		tell(d, FAIL, "findings",
		     "tenant %s: what the scan '%s' found on %lld systems is damaged in the database, "
		     "so they count as not scanned. Import this scan again",
		     sut_db_text(row, 0), sut_db_text(row, 1), (long long)sut_db_int(row, 2));
	return r != 0;
}

/* Can they all be read? */
static void look_at_findings(struct doctor *d)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	struct sut_err err = {0};
	int64_t bad[DAMAGED_MAX];
	size_t nbad = 0, n = 0;
	bool told = false;
	int r = sut_db_query(d->db, "SELECT id, data FROM find_sets", SUT_DB_NONE, &rows, &err);

	while (r >= 0 && nbad < DAMAGED_MAX && (r = sut_db_next(rows, &err)) > 0) {
		_cleanup_find_set_ struct find_set set = {0};
		size_t len = 0;
		const void *data = sut_db_blob(rows, 1, &len);

		n++;
		r = find_set_read(data, len, &set, &err);
		if (r == -EBADMSG) {
			bad[nbad++] = sut_db_int(rows, 0);
			r = 0;
		}
	}
	sut_db_rows_free(sut_steal(rows));
	for (size_t i = 0; i < nbad; i++)
		told |= tell_damaged(d, bad[i]);
	if (r < 0)
		tell(d, FAIL, "findings", "%s", err.msg);
	else if (!told)
		tell(d, OK, "findings", "%zu sets can be read", n - nbad);
}

static int look(const char *config)
{
	struct doctor d = {.now = time(NULL)};
	struct server_conf *conf = NULL;
	struct sut_err err = {0};

	if (cmd_conf_new(&console_program, config, &conf, &err) < 0) {
		tell(&d, FAIL, "settings", "%s", err.msg);
		return (int)d.worst;
	}
	d.conf = (struct console_conf *)conf;
	tell(&d, OK, "settings", "%s", config);
	if (!conf->url)
		tell(&d, WARN, "settings",
		     "'url' is not set: the line for new servers cannot tell them of this console");
	look_at_key(&d);
	look_at_database(&d);
	look_at_folders(&d);
	if (d.db && d.c.seal)
		look_at_portals(&d);
	if (d.db)
		look_at_findings(&d);
	sut_db_free(d.db);
	seal_free(d.c.seal);
	cmd_conf_free(&console_program, conf);
	return (int)d.worst;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {0}};
	const char *config = CONSOLE_CONF_FILE;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return SERVER_EXIT_OK;
		}
		if (c != 'c')
			return SERVER_EXIT_USAGE;
		config = optarg;
	}
	if (optind == argc)
		return look(config);
	fprintf(stderr,
		"suture-console doctor: '%s' is not understood; see suture-console doctor --help\n",
		argv[optind]);
	return SERVER_EXIT_USAGE;
}
