// SPDX-License-Identifier: Apache-2.0
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/notes.h"
#include "api/api.h"
#include "api/document.h"
#include "map/map.h"
#include "migrations.h"
#include "seal.h"
#include "task_list.h"

/* The types of events there are, for webhooks (docs/formats/console-api.md). */
/* One line each, in the order of the alphabet. */
/* clang-format off */
static const char *const event_types[] = {
	"job.finished",
	"job.started",
	"job.stopped",
	"portal.away",
	"portal.back",
	"portal.refused",
	"scan.failed",
	"scan.finished",
	"system.back",
	"system.level",
	"system.registered",
	"system.silent",
	"webhook.disabled",
	"webhook.test",
	NULL,
};
/* clang-format on */

static int tenant_delete(struct web_req *q, struct web_resp *r, int64_t tenant, const char *name,
			 struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *n = NULL;
	int k = sut_db_one(q->db,
			   "SELECT (SELECT COUNT(*) FROM hosts WHERE tenant = $1),"
			   " (SELECT COUNT(*) FROM keys WHERE tenant = $1),"
			   " (SELECT COUNT(*) FROM jobs WHERE tenant = $1)",
			   SUT_DB_ARGS(SUT_DB_I(tenant)), &n, err);

	if (k < 0)
		return k;
	if (n && (sut_db_int(n, 0) || sut_db_int(n, 1) || sut_db_int(n, 2)))
		return web_problem(
			r, 409, "not-empty",
			"The tenant \"%s\" has %lld systems, %lld keys and %lld jobs. Disable the "
			"tenant instead.",
			name, (long long)sut_db_int(n, 0), (long long)sut_db_int(n, 1),
			(long long)sut_db_int(n, 2));
	k = sut_db_exec(q->db, "DELETE FROM job_keys WHERE tenant = $1",
			SUT_DB_ARGS(SUT_DB_I(tenant)), NULL, err);
	if (k == 0)
		k = sut_db_exec(q->db, "DELETE FROM live WHERE tenant = $1",
				SUT_DB_ARGS(SUT_DB_I(tenant)), NULL, err);
	if (k == 0)
		k = sut_db_exec(q->db, "DELETE FROM portals WHERE tenant = $1",
				SUT_DB_ARGS(SUT_DB_I(tenant)), NULL, err);
	return k;
}

static int open_server(const struct server_conf *conf, struct server **ret, struct sut_err *err)
{
	struct console *c = NULL;
	int rc = console_open((const struct console_conf *)conf, &c, err);

	if (rc == 0)
		*ret = &c->s;
	return rc;
}

static void free_server(struct server *s)
{
	console_free(console_of(s));
}

const struct server_program console_program = {
	.name = "suture-console",
	.noun = "console",
	.cookies = true,
	.metrics = "suture_console",
	.login = "Log in at the page of the console as:",
	.conf = &console_conf_desc,
	.migrations = console_migrations,
	.nmigrations = &console_nmigrations,
	.tables = api_tables,
	.tasks = console_tasks,
	.events = event_types,
	.openapi = api_openapi,
	.openapi_len = &api_openapi_len,
	.open = open_server,
	.free = free_server,
	.restored = console_restored,
	.tenant_delete = tenant_delete,
};

/* Without pages it still has its API: they may be served by something else. */
static int open_pages(struct console *c, struct sut_err *err)
{
	c->s.files_fd = open(c->conf.pages, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->s.files_fd >= 0 || errno == ENOENT)
		return 0;
	return sut_err_errno(err, "cannot open the folder of the pages %s", c->conf.pages);
}

/* Without it scans cannot be uploaded, and all else works: the page says why. */
static int open_spool(struct console *c, struct sut_err *err)
{
	c->s.spool_fd = open(c->conf.spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->s.spool_fd >= 0)
		return 0;
	if (errno != ENOENT)
		return sut_err_errno(err, "cannot open the folder for scans %s", c->conf.spool);
	server_log("warning", "scans cannot be uploaded: make the folder and start again", "spool",
		   c->conf.spool, NULL);
	return 0;
}

int console_open(const struct console_conf *conf, struct console **ret, struct sut_err *err)
{
	struct console *c __attribute__((cleanup(console_freep))) = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return sut_err_oom(err);
	c->s.files_fd = -1;
	rc = server_conf_copy(&console_conf_desc, &c->conf.s, &conf->s, err);
	if (rc == 0)
		rc = server_init(&c->s, &console_program, &c->conf.s, err);
	if (rc == 0)
		rc = seal_open(c->conf.secret_key, &c->seal, err);
	if (rc == 0)
		rc = agent_notes_new(&c->notes, err);
	if (rc == 0)
		rc = map_new(&c->map, err);
	if (rc == 0)
		rc = open_pages(c, err);
	if (rc == 0)
		rc = open_spool(c, err);
	if (rc == 0)
		rc = server_open(&c->s, err);
	if (rc < 0)
		return rc;
	*ret = sut_steal(c);
	return 0;
}

void console_free(struct console *c)
{
	if (!c)
		return;
	server_halt(&c->s);
	map_free(c->map);
	agent_notes_free(c->notes);
	seal_free(c->seal);
	server_close(&c->s);
	console_conf_release(&c->conf);
	free(c);
}

void console_freep(struct console **c)
{
	console_free(*c);
	*c = NULL;
}
