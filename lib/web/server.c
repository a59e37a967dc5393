// SPDX-License-Identifier: Apache-2.0
#include "web/server.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "web/hold.h"
#include "web/job.h"
#include "web/metrics.h"
#include "web/pool.h"
#include "web/router.h"
#include "web/tasks.h"
#include "web/token_use.h"

static int64_t wall_clock(void *ctx _unused_)
{
	return time(NULL);
}

/* Is the schema the one of this program? And where it stands now. */
static int look_at_database(struct server *s, struct sut_err *err)
{
	static const char sql[] = "SELECT value FROM meta WHERE name = 'generation'";
	const struct server_program *p = s->program;
	struct sut_migration_state state;
	struct sut_db *db __attribute__((cleanup(sut_db_freep))) = NULL;
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int rc = sut_db_open(s->conf->database, &(struct sut_db_opts){0}, &db, err);

	if (rc == 0)
		rc = sut_db_migration_state(db, p->migrations, *p->nmigrations, &state, err);
	if (rc < 0)
		return rc;
	if (state.current < state.known)
		return sut_err_reason(
			err, EUCLEAN, "not-migrated",
			"the database %s is at migration %d, this program needs %d. Run: "
			"%s %s",
			sut_db_name(db), state.current, state.known, p->name,
			state.current ? "migrate" : "init");
	rc = sut_db_one(db, sql, SUT_DB_NONE, &rows, err);
	if (rc == 0)
		return sut_err_set(err, EUCLEAN, "the table meta of %s has no generation",
				   sut_db_name(db));
	if (rc > 0)
		atomic_store(&s->generation, sut_db_int(rows, 0));
	return rc < 0 ? rc : 0;
}

int server_init(struct server *s, const struct server_program *program,
		const struct server_conf *conf, struct sut_err *err)
{
	int rc;

	web_body_init();
	s->program = program;
	s->conf = conf;
	s->files_fd = -1;
	s->spool_fd = -1;
	s->clock = wall_clock;
	rc = web_router_new(program->tables, &s->router, err);
	if (rc == 0)
		rc = metrics_new(program->metrics, s->router, &s->metrics, err);
	if (rc == 0)
		rc = token_use_new(&s->token_use, err);
	if (rc == 0)
		rc = hold_new(s, conf->connections, &s->hold, err);
	return rc == 0 ? look_at_database(s, err) : rc;
}

int server_open(struct server *s, struct sut_err *err)
{
	return pool_new(s, s->conf->readers, &s->pool, err);
}

void server_halt(struct server *s)
{
	hold_drain(s->hold);
	/* The writer wakes tasks to its last call. */
	pool_free(s->pool);
	s->pool = NULL;
	tasks_stop(s->tasks);
	s->tasks = NULL;
}

void server_close(struct server *s)
{
	server_halt(s);
	hold_free(sut_steal(s->hold));
	metrics_free(sut_steal(s->metrics));
	token_use_free(sut_steal(s->token_use));
	web_router_free(sut_steal(s->router));
	sut_closep(&s->files_fd);
	sut_closep(&s->spool_fd);
}

void server_freep(struct server **s)
{
	if (*s)
		(*s)->program->free(*s);
	*s = NULL;
}

void server_generation(struct server *s, int64_t generation)
{
	int64_t seen = atomic_load(&s->generation);

	while (seen < generation &&
	       !atomic_compare_exchange_weak(&s->generation, &seen, generation))
		;
	if (seen >= generation)
		return;
	if (s->program->changed)
		s->program->changed(s, generation);
	tasks_wake(s->tasks);
}
