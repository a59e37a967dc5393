// SPDX-License-Identifier: Apache-2.0
#include "portal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "api/document.h"
#include "cve/coverage.h"
#include "feed/decisions.h"
#include "fleet/authenticate.h"
#include "install/packages.h"
#include "migrations.h"
#include "repo/look.h"
#include "tasks.h"
#include "account/webhook.h"

static const struct task *const tasks[] = {
	&task_cleanup,	&task_coverage, &task_fleet_metrics, &task_repository, &task_token_use,
	&task_webhooks, NULL,
};

/* docs/formats/webhooks.md */
static const char *const event_types[] = {
	"cve.imported",	       "feed.held",
	"feed.promoted",       "feed.released",
	"feed.withdrawn",      "key.deleted",
	"key.limit-passed",    "key.revoked",
	"patchset.released",   "patchset.withdrawn",
	"system.cloned",       "system.credential-replaced",
	"system.deleted",      "system.enrolled",
	"system.state",	       "system.transferred",
	"system.unregistered", "webhook.disabled",
	"webhook.test",	       NULL,
};

/* The folder is there, and has signed metadata. */
static bool health(struct server *s, json_t *answer)
{
	struct stat st;
	bool ok;

	if (s->files_fd < 0)
		return true;
	ok = fstatat(s->files_fd, "metadata/timestamp.json", &st, 0) == 0;
	(void)!json_object_set_new(answer, "repository", json_string(ok ? "ok" : "missing"));
	return ok;
}

/* Users, their tokens and webhooks go with the tenant; what servers depend on has to go before. */
static int tenant_delete(struct web_req *q, struct web_resp *r, int64_t tenant, const char *name,
			 struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *n = NULL;
	int k = sut_db_one(q->db,
			   "SELECT (SELECT COUNT(*) FROM systems WHERE tenant = $1), "
			   "(SELECT COUNT(*) FROM keys WHERE tenant = $1), "
			   "(SELECT COUNT(*) FROM feeds WHERE tenant = $1)",
			   SUT_DB_ARGS(SUT_DB_I(tenant)), &n, err);

	if (k < 0)
		return k;
	if (n && !sut_db_int(n, 0) && !sut_db_int(n, 1) && !sut_db_int(n, 2))
		return 0;
	return web_problem(
		r, 409, "not-empty",
		"The tenant \"%s\" has %lld systems, %lld keys and %lld feeds. Delete these "
		"first, or disable the tenant.",
		name, (long long)sut_db_int(n, 0), (long long)sut_db_int(n, 1),
		(long long)sut_db_int(n, 2));
}

static int open_server(const struct server_conf *conf, struct server **ret, struct sut_err *err)
{
	struct portal *p = NULL;
	int rc = portal_open((const struct portal_conf *)conf, &p, err);

	if (rc == 0)
		*ret = &p->s;
	return rc;
}

static void free_server(struct server *s)
{
	portal_free(portal_of(s));
}

const struct server_program portal_program = {
	.name = "suture-portal",
	.noun = "portal",
	.metrics = "suture_portal",
	.login = "suture-admin login",
	.conf = &portal_conf_desc,
	.migrations = portal_migrations,
	.nmigrations = &portal_nmigrations,
	.tables = api_tables,
	.tasks = tasks,
	.events = event_types,
	.openapi = api_openapi,
	.openapi_len = &api_openapi_len,
	.open = open_server,
	.free = free_server,
	.authenticate_system = fleet_authenticate,
	.health = health,
	.tenant_delete = tenant_delete,
};

int portal_open(const struct portal_conf *conf, struct portal **ret, struct sut_err *err)
{
	struct portal *p __attribute__((cleanup(portal_freep))) = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return sut_err_oom(err);
	p->s.files_fd = -1;
	rc = server_conf_copy(&portal_conf_desc, &p->conf.s, &conf->s, err);
	if (rc == 0)
		rc = server_init(&p->s, &portal_program, &p->conf.s, err);
	if (rc < 0)
		return rc;
	if (conf->repository) {
		p->s.files_fd = open(conf->repository, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (p->s.files_fd < 0)
			return sut_err_errno(err, "cannot open the repository %s",
					     conf->repository);
	}
	rc = decisions_new(&p->decisions, err);
	if (rc == 0)
		rc = packages_new(conf->agent_dir, &p->packages, err);
	if (rc == 0)
		rc = repo_new(&p->repo, err);
	if (rc == 0)
		rc = coverage_new(&p->coverage, err);
	if (rc == 0)
		rc = server_open(&p->s, err);
	if (rc < 0)
		return rc;
	*ret = sut_steal(p);
	return 0;
}

void portal_free(struct portal *p)
{
	if (!p)
		return;
	server_halt(&p->s);
	decisions_free(p->decisions);
	repo_free(p->repo);
	coverage_free(p->coverage);
	packages_free(p->packages);
	server_close(&p->s);
	portal_conf_release(&p->conf);
	free(p);
}

void portal_freep(struct portal **p)
{
	portal_free(*p);
	*p = NULL;
}
