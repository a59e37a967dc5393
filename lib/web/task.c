// SPDX-License-Identifier: Apache-2.0
#include "web/task.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "web/tasks.h"

enum { TASKS_MAX = 16, RETRY_SEC = 1, SAME_ERROR_SEC = 60 };

struct runner {
	struct tasks *all;
	const struct task *task;
	struct sut_db *db;
	pthread_t thread;
	bool started;
	uint64_t seen; /* wakes */
	/* so that one error is not told every second */
	char said[256];
	time_t said_at;
};

struct tasks {
	struct server *p;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t wakes;
	bool stop;
	int stop_fd;
	struct runner v[TASKS_MAX];
	size_t n;
	/* the watcher */
	struct sut_db *db;
	pthread_t watcher;
	bool watching;
	_Atomic int database;
};

static time_t monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static int connect_again(struct server *p, struct sut_db **db, struct sut_err *err)
{
	const struct sut_db_opts opts = {.connect_sec = 3};

	if (!*db)
		return sut_db_open(p->conf->database, &opts, db, err);
	return sut_db_alive(*db) ? 0 : sut_db_reopen(*db, err);
}

/* --- tasks --- */

static void complain(struct runner *r, const struct sut_err *err)
{
	if (!strncmp(r->said, err->msg, sizeof(r->said) - 1) &&
	    monotonic() - r->said_at < SAME_ERROR_SEC)
		return;
	snprintf(r->said, sizeof(r->said), "%.255s", err->msg);
	r->said_at = monotonic();
	server_log("error", err->msg, "task", r->task->name, NULL);
}

/* Once, when nobody else does it at the moment. */
static int run_task(struct runner *r, struct sut_err *err)
{
	struct server *p = r->all->p;
	int rc = connect_again(p, &r->db, err);

	if (rc < 0)
		return rc;
	if (r->task->lock) {
		rc = sut_db_try_lock(r->db, r->task->lock, err);
		if (rc <= 0)
			return rc;
	}
	rc = r->task->run(p, r->db, p->clock(p->clock_ctx), err);
	if (r->task->lock)
		sut_db_unlock(r->db, r->task->lock);
	if (rc == 0 && r->said[0]) {
		r->said[0] = '\0';
		server_log("info", "works again", "task", r->task->name, NULL);
	}
	return rc;
}

/* Until it is due, wanted, or over. False: over. */
static bool wait_for_work(struct runner *r, time_t due)
{
	struct tasks *t = r->all;
	const struct timespec until = {.tv_sec = due};
	bool go;

	pthread_mutex_lock(&t->lock);
	while (!t->stop && !(r->task->on_touch && r->seen != t->wakes))
		if (pthread_cond_timedwait(&t->changed, &t->lock, &until) == ETIMEDOUT)
			break;
	r->seen = t->wakes;
	go = !t->stop;
	pthread_mutex_unlock(&t->lock);
	return go;
}

static void *runner_main(void *arg)
{
	struct runner *r = arg;
	time_t due = monotonic();

	while (wait_for_work(r, due)) {
		struct sut_err err = {0};
		int rc = run_task(r, &err);

		if (rc < 0)
			complain(r, &err);
		due = monotonic() + (rc < 0 && r->task->every_sec > RETRY_SEC * 5
					     ? RETRY_SEC * 5
					     : (time_t)r->task->every_sec);
	}
	return NULL;
}

/* --- the watcher: what other processes, and this one, have changed --- */

struct marks {
	int64_t generation, event;
};

static int read_marks(struct sut_db *db, struct marks *ret, struct sut_err *err)
{
	static const char sql[] =
		"SELECT value, (SELECT COALESCE(MAX(id), 0) FROM events) FROM meta"
		" WHERE name = 'generation'";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int rc = sut_db_one(db, sql, SUT_DB_NONE, &rows, err);

	if (rc > 0)
		*ret = (struct marks){sut_db_int(rows, 0), sut_db_int(rows, 1)};
	return rc < 0 ? rc : 0;
}

static bool is_over(struct tasks *t)
{
	bool stop;

	pthread_mutex_lock(&t->lock);
	stop = t->stop;
	pthread_mutex_unlock(&t->lock);
	return stop;
}

static int watch_once(struct tasks *t, bool *listening, struct marks *seen, struct sut_err *err)
{
	struct marks m = *seen;
	int rc = connect_again(t->p, &t->db, err);

	if (rc == 0 && !*listening) {
		rc = sut_db_listen(t->db, SERVER_CHANNEL, err);
		*listening = rc == 0;
	}
	if (rc == 0)
		rc = read_marks(t->db, &m, err);
	if (rc < 0)
		return rc;
	if (m.generation != seen->generation)
		server_generation(t->p, m.generation);
	if (m.event != seen->event)
		tasks_wake(t);
	*seen = m;
	rc = sut_db_wait(t->db, TASKS_POLL_SEC * 1000, t->stop_fd, err);
	return rc < 0 ? rc : 0;
}

static void *watcher_main(void *arg)
{
	struct tasks *t = arg;
	struct marks seen = {.generation = atomic_load(&t->p->generation)};
	bool listening = false;

	while (!is_over(t)) {
		struct sut_err err = {0};
		int rc = watch_once(t, &listening, &seen, &err);

		if (rc < 0) {
			if (!atomic_load(&t->database))
				server_log("error", err.msg, "part", "watcher", NULL);
			/* A new connection listens to nothing. */
			listening = false;
			sleep(RETRY_SEC);
		} else if (atomic_load(&t->database)) {
			server_log("info", "works again", "part", "watcher", NULL);
		}
		atomic_store(&t->database, rc);
	}
	return NULL;
}

/* --- */

void tasks_wake(struct tasks *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->wakes++;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

int tasks_stop_fd(const struct tasks *t)
{
	return t ? t->stop_fd : -1;
}

int tasks_database(struct tasks *t)
{
	return t ? atomic_load(&t->database) : 0;
}

static int start_threads(struct tasks *t, struct sut_err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		t->v[i].started = pthread_create(&t->v[i].thread, NULL, runner_main, &t->v[i]) == 0;
		if (!t->v[i].started)
			return sut_err_set(err, EAGAIN, "cannot make a thread");
	}
	t->watching = pthread_create(&t->watcher, NULL, watcher_main, t) == 0;
	return t->watching ? 0 : sut_err_set(err, EAGAIN, "cannot make a thread");
}

int tasks_start(struct server *p, const struct task *const *list, struct sut_err *err)
{
	struct tasks *t = calloc(1, sizeof(*t));
	pthread_condattr_t a;
	int rc;

	if (!t)
		return sut_err_oom(err);
	t->p = p;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&t->changed, &a);
	pthread_condattr_destroy(&a);
	t->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (t->stop_fd < 0) {
		rc = sut_err_errno(err, "cannot make an eventfd");
		tasks_stop(t);
		return rc;
	}
	for (; list[t->n] && t->n < TASKS_MAX; t->n++)
		t->v[t->n] = (struct runner){.all = t, .task = list[t->n]};
	/* The threads look there. */
	p->tasks = t;
	rc = start_threads(t, err);
	if (rc < 0) {
		tasks_stop(t);
		p->tasks = NULL;
	}
	return rc;
}

void tasks_stop(struct tasks *t)
{
	const uint64_t one = 1;

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
	if (t->stop_fd >= 0)
		(void)!write(t->stop_fd, &one, sizeof(one));
	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i].started)
			pthread_join(t->v[i].thread, NULL);
		sut_db_free(t->v[i].db);
	}
	if (t->watching)
		pthread_join(t->watcher, NULL);
	sut_db_free(t->db);
	sut_closep(&t->stop_fd);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	free(t);
}
