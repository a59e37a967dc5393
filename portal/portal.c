// SPDX-License-Identifier: Apache-2.0
#include "portal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/api.h"
#include "feed/decisions.h"
#include "cve/coverage.h"
#include "install/packages.h"
#include "metrics.h"
#include "migrations.h"
#include "pool.h"
#include "repo/look.h"
#include "tasks.h"
#include "token_use.h"
#include "web/job.h"
#include "web/router.h"

static int64_t wall_clock(void *ctx _unused_)
{
	return time(NULL);
}

static int copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static int copy_networks(struct sut_cidr **to, const struct sut_cidr *from, size_t n)
{
	*to = NULL;
	if (!n)
		return 0;
	*to = calloc(n, sizeof(**to));
	if (!*to)
		return -ENOMEM;
	memcpy(*to, from, n * sizeof(**to));
	return 0;
}

static int copy_conf(struct portal_conf *to, const struct portal_conf *from, struct sut_err *err)
{
	int rc = 0;

	*to = *from;
	to->listen = (struct sut_strv){0};
	rc |= copy_text(&to->database, from->database);
	rc |= copy_text(&to->tls_cert, from->tls_cert);
	rc |= copy_text(&to->tls_key, from->tls_key);
	rc |= copy_text(&to->url, from->url);
	rc |= copy_text(&to->repository, from->repository);
	rc |= copy_text(&to->repository_root, from->repository_root);
	rc |= copy_text(&to->agent_dir, from->agent_dir);
	rc |= copy_networks(&to->proxies, from->proxies, from->nproxies);
	rc |= copy_networks(&to->metrics_from, from->metrics_from, from->nmetrics_from);
	for (size_t i = 0; !rc && i < from->listen.n; i++)
		rc = sut_strv_add(&to->listen, from->listen.v[i]);
	return rc ? sut_err_oom(err) : 0;
}

/* Is the schema the one of this program? And where it stands now. */
static int look_at_database(struct portal *p, struct sut_err *err)
{
	static const char sql[] = "SELECT value FROM meta WHERE name = 'generation'";
	struct sut_migration_state state;
	struct sut_db *db __attribute__((cleanup(sut_db_freep))) = NULL;
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int rc = sut_db_open(p->conf.database, &(struct sut_db_opts){0}, &db, err);

	if (rc == 0)
		rc = sut_db_migration_state(db, portal_migrations, portal_nmigrations, &state, err);
	if (rc < 0)
		return rc;
	if (state.current < state.known)
		return sut_err_reason(
			err, EUCLEAN, "not-migrated",
			"the database %s is at migration %d, this program needs %d. Run: "
			"suture-portal %s",
			sut_db_name(db), state.current, state.known,
			state.current ? "migrate" : "init");
	rc = sut_db_one(db, sql, SUT_DB_NONE, &rows, err);
	if (rc == 0)
		return sut_err_set(err, EUCLEAN, "the table meta of %s has no generation",
				   sut_db_name(db));
	if (rc > 0)
		atomic_store(&p->generation, sut_db_int(rows, 0));
	return rc < 0 ? rc : 0;
}

int portal_open(const struct portal_conf *conf, struct portal **ret, struct sut_err *err)
{
	struct portal *p __attribute__((cleanup(portal_freep))) = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return sut_err_oom(err);
	web_body_init();
	p->repo_fd = -1;
	p->clock = wall_clock;
	rc = copy_conf(&p->conf, conf, err);
	if (rc == 0)
		rc = web_router_new(api_tables, &p->router, err);
	if (rc == 0)
		rc = metrics_new(p->router, &p->metrics, err);
	if (rc == 0)
		rc = token_use_new(&p->token_use, err);
	if (rc == 0)
		rc = look_at_database(p, err);
	if (rc < 0)
		return rc;
	if (conf->repository) {
		p->repo_fd = open(conf->repository, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (p->repo_fd < 0)
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
		rc = pool_new(p, conf->readers, &p->pool, err);
	if (rc < 0)
		return rc;
	*ret = sut_steal(p);
	return 0;
}

void portal_free(struct portal *p)
{
	if (!p)
		return;
	/* The writer wakes tasks to its last call. */
	pool_free(p->pool);
	tasks_stop(p->tasks);
	decisions_free(p->decisions);
	repo_free(p->repo);
	metrics_free(p->metrics);
	token_use_free(p->token_use);
	coverage_free(p->coverage);
	packages_free(p->packages);
	web_router_free(p->router);
	sut_closep(&p->repo_fd);
	portal_conf_release(&p->conf);
	free(p);
}

void portal_freep(struct portal **p)
{
	portal_free(*p);
	*p = NULL;
}

void portal_generation(struct portal *p, int64_t generation)
{
	int64_t seen = atomic_load(&p->generation);

	while (seen < generation &&
	       !atomic_compare_exchange_weak(&p->generation, &seen, generation))
		;
	if (seen < generation)
		tasks_wake(p->tasks);
}
