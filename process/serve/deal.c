// SPDX-License-Identifier: Apache-2.0
#include "serve/deal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "serve/watch.h"

enum { CHILD_MS = 10000 };

/* Only short waits here: others wait for their turn, and who is busy is tried again. */
static const struct proc_options quick = {.tries = 4, .scan_heap = -1};

/* What is to become of one file of the process. */
struct job {
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
	const struct wanted_patch *want; /* NULL: nothing of ours may be there */
	const char *path;
	bool deleted;
	bool there; /* everything is as it is to be */
	bool ours;  /* something of ours is there */
};

struct jobs {
	struct job *v;
	size_t n;
};

static void jobs_release(struct jobs *j)
{
	free(j->v);
}

/* Two mappings of one file are one job: they are changed together. */
static struct job *job_of(struct jobs *jobs, const uint8_t *build_id)
{
	for (size_t i = 0; i < jobs->n; i++)
		if (!memcmp(jobs->v[i].build_id, build_id, SUT_LIBRARY_BUILD_ID_LEN))
			return &jobs->v[i];
	memcpy(jobs->v[jobs->n].build_id, build_id, SUT_LIBRARY_BUILD_ID_LEN);
	jobs->v[jobs->n].there = true;
	return &jobs->v[jobs->n++];
}

static int plan(const struct wanted *w, const struct proc_view *v, struct jobs *ret)
{
	ret->n = 0;
	ret->v = calloc(v->nfiles + 1, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	for (size_t i = 0; i < v->nfiles; i++) {
		const struct proc_file *f = &v->files[i];
		const struct wanted_patch *want = wanted_find(w, f->build_id);
		struct job *j;

		if (!want && !f->level && !f->half)
			continue;
		j = job_of(ret, f->build_id);
		j->want = want;
		j->path = f->path;
		j->deleted = f->deleted;
		j->ours = j->ours || f->level || f->half;
		if (f->half || (want && (!f->level || memcmp(f->sha256, want->patch->sha256, 32))))
			j->there = false;
	}
	return 0;
}

static struct table_entry *entry_of(const struct proc_view *v, const char *unit, size_t nrows)
{
	struct table_entry *e = table_entry_new(nrows);

	if (!e)
		return NULL;
	e->pid = v->pid;
	e->starttime = v->starttime;
	e->uid = v->uid;
	memcpy(e->comm, v->comm, sizeof(e->comm));
	e->exe = strdup(v->exe);
	e->unit = strdup(unit);
	if (e->exe && e->unit)
		return e;
	table_entry_free(e);
	return NULL;
}

static void set_reason(struct table_row *row, const char *reason, const char *text)
{
	snprintf(row->reason, sizeof(row->reason), "%.31s", reason);
	free(row->text);
	row->text = *text ? strdup(text) : NULL;
}

static void set_patch(struct table_row *row, const struct wanted_patch *want)
{
	row->patched = true;
	row->level = want->level;
	snprintf(row->patch, sizeof(row->patch), "%s", want->id);
}

static void set_result(struct table_row *row, const struct proc_result *res,
		       const struct sut_err *err)
{
	set_reason(row, res->reason[0] ? res->reason : err->reason,
		   res->text[0] ? res->text : err->msg);
	row->again = res->again;
	row->stop_ns = res->stop_ns;
}

/* -ESRCH: it is gone, or another program now. */
static int do_job(struct proc_view *v, const struct wanted *w, const struct job *j,
		  struct table_row *row, bool *ret_stuck)
{
	struct proc_options o = quick;
	pid_t pid = v->pid;
	struct proc_result res = {0};
	struct sut_err err = {0};
	int r;

	o.init = w->init;
	o.here = ret_stuck && !*ret_stuck;
	o.seen = v;
	if (j->want)
		r = proc_apply(pid, j->want->patch, &o, &res, &err);
	else
		r = proc_revert(pid, j->build_id, &o, &res, &err);
	if (ret_stuck)
		*ret_stuck = *ret_stuck || res.stuck;
	if (r < 0) {
		set_result(row, &res, &err);
		return r;
	}
	err.msg[0] = '\0';
	set_result(row, &res, &err);
	row->again = false;
	if (j->want)
		set_patch(row, j->want);
	return 0;
}

static void unit_of(pid_t pid, char *ret)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 10);
	char path[32];

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	if (sut_file_read(path, &b, NULL) == 0)
		exclude_unit(sut_buf_str(&b), ret);
}

/* Why it is left alone: "init", "excluded"; NULL: it is not. */
static const char *left_alone(const struct wanted *w, const struct proc_view *v, const char *unit,
			      char *text, size_t size)
{
	const struct exclude_who who = {v->exe, v->comm, unit, v->uid};

	if (v->pid == 1 && !w->init) {
		snprintf(text, size, "%s", "PID 1 is left alone unless lib-init = yes");
		return "init";
	}
	return exclude_has(&w->exclude, &who, text, size) ? "excluded" : NULL;
}

bool deal_alone(const struct wanted *w, pid_t pid)
{
	const struct exclude *e = &w->exclude;
	char path[32], unit[EXCLUDE_UNIT_MAX], text[EXCLUDE_GLOB_MAX + 64];
	_cleanup_buf_ struct sut_buf comm = SUT_BUF_INIT(4096);
	struct proc_view v = {.pid = pid};
	struct stat st;
	ssize_t n;

	if (!(e->paths.n || e->names.n || e->units.n || e->users.n) && (pid != 1 || w->init))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, v.exe, sizeof(v.exe) - 1);
	v.exe[n > 0 ? n : 0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (sut_file_read(path, &comm, NULL) == 0)
		snprintf(v.comm, sizeof(v.comm), "%.*s", (int)strcspn(sut_buf_str(&comm), "\n"),
			 sut_buf_str(&comm));
	/* The owner of this file is who it runs as, also when it may not be looked at by its like. */
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	v.uid = stat(path, &st) == 0 ? st.st_uid : 0;
	unit_of(pid, unit);
	return left_alone(w, &v, unit, text, sizeof(text));
}

/* A row for each job; those that are settled and leave nothing behind have none. */
static bool do_jobs(struct serve *s, const struct wanted *w, struct proc_view *v, struct jobs *jobs,
		    bool *ret_stuck)
{
	char unit[EXCLUDE_UNIT_MAX], text[EXCLUDE_GLOB_MAX + 64] = "";
	_cleanup_(table_entry_freep) struct table_entry *e = NULL;
	const char *alone;
	bool soon = false;
	size_t n = 0;

	unit_of(v->pid, unit);
	alone = left_alone(w, v, unit, text, sizeof(text));
	e = entry_of(v, unit, jobs->n);
	if (!e)
		return false;
	for (size_t i = 0; i < jobs->n; i++) {
		struct table_row *row = &e->rows[n];
		struct job j = jobs->v[i];
		bool wanted = j.want;

		/* Whoever is left alone has nothing of ours; what was put there before goes. */
		if (alone) {
			j.want = NULL;
			j.there = !j.ours;
		}
		memcpy(row->build_id, j.build_id, sizeof(row->build_id));
		row->deleted = j.deleted;
		if (j.want && j.there) {
			set_patch(row, j.want);
			set_reason(row, "current", "");
		} else if (j.want || j.ours) {
			int r = do_job(v, w, &j, row, ret_stuck);

			if (r == -ESRCH) {
				table_drop(&s->table, v->pid);
				return true;
			}
			/* Who has put a probe or a breakpoint on it takes it away again. */
			if (r == -EBADMSG && j.ours)
				row->again = true;
			soon = soon || row->again;
			if (r == 0 && !j.want && !(alone && wanted))
				continue;
			if (r == 0 && alone)
				set_reason(row, alone, text);
		} else {
			set_reason(row, alone, text);
		}
		row->file = strdup(j.path);
		n++;
	}
	e->nrows = n;
	if (!n)
		table_drop(&s->table, v->pid);
	else
		(void)table_put(&s->table, sut_steal(e), serve_now_ms());
	return soon;
}

/* It cannot be looked at, though it seems to have something that we want to change: by its build-id, or else by its name. */
static void cannot_look(struct serve *s, const struct wanted *w, pid_t pid, const struct glance *g,
			const struct sut_err *err)
{
	struct proc_view v = {.pid = pid};
	_cleanup_(table_entry_freep) struct table_entry *e = entry_of(&v, "", w->n);
	size_t n = 0;

	for (size_t i = 0; e && i < g->nfiles && n < w->n; i++) {
		const struct glance_file *f = &g->files[i];
		const struct wanted_patch *want = f->known ? wanted_find(w, f->build_id) : NULL;
		const char *path = glance_path(g, f);

		for (size_t k = 0; !want && !f->known && k < w->n; k++) {
			const char *base = strrchr(w->v[k].file, '/');
			size_t len = base ? strlen(base) : 0;

			if (len && f->path_len >= len &&
			    !memcmp(path + f->path_len - len, base, len))
				want = &w->v[k];
		}
		if (!want)
			continue;
		memcpy(e->rows[n].build_id, want->build_id, sizeof(want->build_id));
		e->rows[n].file = strndup(path, f->path_len);
		e->rows[n].again = true;
		set_reason(&e->rows[n++], err->reason[0] ? err->reason : "error", err->msg);
	}
	if (!e || !n) {
		table_drop(&s->table, pid);
		return;
	}
	e->nrows = n;
	(void)table_put(&s->table, sut_steal(e), serve_now_ms());
}

/*
 * What it has mapped cannot be read: it is not gone, as far as we know. What is known of it from before counts; else it may have
 * whatever is wanted, and is told so: nobody may say that all are patched.
 */
static void cannot_read(struct serve *s, const struct wanted *w, pid_t pid, int error)
{
	struct proc_view v = {.pid = pid};
	struct table_entry *e = table_has(&s->table, pid) ? NULL : entry_of(&v, "", w->n);
	char text[160];

	if (!e)
		return;
	snprintf(text, sizeof(text),
		 "what process %d has mapped cannot be read: %s; it is tried again", pid,
		 strerror(error));
	for (size_t i = 0; i < w->n; i++) {
		struct table_row *row = &e->rows[i];

		memcpy(row->build_id, w->v[i].build_id, sizeof(row->build_id));
		row->file = strdup("");
		row->again = true;
		set_reason(row,
			   error == EFBIG		       ? "maps"
			   : error == EACCES || error == EPERM ? "no-ptrace"
							       : "error",
			   text);
	}
	(void)table_put(&s->table, e, serve_now_ms());
}

void deal_left(struct serve *s, const struct wanted *w, pid_t pid)
{
	_cleanup_(table_entry_freep) struct table_entry *e = table_entry_new(w->n);
	char path[32], text[256];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	if (!e || stat(path, &st) < 0)
		return;
	snprintf(text, sizeof(text),
		 "process %d of user %u does not let itself be looked at: its memory comes from a "
		 "file system in user space, or a server, that does not answer, or others of this "
		 "user's are like that. It is tried again",
		 pid, st.st_uid);
	e->pid = pid;
	e->uid = st.st_uid;
	/* What it has is not known: it may have all of them. */
	for (size_t i = 0; i < w->n; i++) {
		memcpy(e->rows[i].build_id, w->v[i].build_id, sizeof(e->rows[i].build_id));
		set_reason(&e->rows[i], "uninterruptible", text);
	}
	(void)table_put(&s->table, sut_steal(e), serve_now_ms());
}

/* Has it something for us to do? Files that are wanted are watched from now on. */
static bool concerns(struct serve *s, const struct wanted *w, pid_t pid, const struct glance *g)
{
	bool any = g->image || g->unsure;

	for (size_t i = 0; i < g->nfiles; i++) {
		const struct glance_file *f = &g->files[i];

		if (!f->known || !wanted_find(w, f->build_id))
			continue;
		any = true;
		if (!f->deleted)
			watch_file_of(s->watch, pid, f, glance_path(g, f));
	}
	return any;
}

bool deal(struct serve *s, const struct wanted *w, pid_t pid, struct glance *g, bool *ret_stuck)
{
	_cleanup_(jobs_release) struct jobs jobs = {0};
	struct sut_err err = {0};
	struct proc_view v = {0};
	bool soon = false;
	int r = glance_process(g, pid), ours = serve_is_ours(s, pid);

	if ((r < 0 && r != -ESRCH && ours) || ours < 0) {
		cannot_read(s, w, pid, r < 0 ? -r : -ours);
		return true;
	}
	if (r < 0 || !concerns(s, w, pid, g) || !ours) {
		table_drop(&s->table, pid);
		return false;
	}
	r = proc_look(pid, NULL, 0, &v, &err);
	if (r < 0) {
		if (r == -ESRCH || sut_streq(err.reason, "kernel-thread"))
			table_drop(&s->table, pid);
		else
			cannot_look(s, w, pid, g, &err);
		return false;
	}
	if (plan(w, &v, &jobs) == 0 && jobs.n)
		soon = do_jobs(s, w, &v, &jobs, ret_stuck);
	else
		table_drop(&s->table, pid);
	proc_view_release(&v);
	return soon;
}

/* ------------------------------------------------------------------ */

/* What the child tells its parent. */
struct told {
	int r;
	struct proc_result res;
};

static int by_child(const struct job *j, const struct wanted *w, struct proc_result *res)
{
	struct told told = {.r = -EIO};
	struct proc_options o = quick;
	int p[2], status;
	pid_t pid, self = getpid();
	ssize_t n;

	o.init = w->init;
	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		if (j->want)
			told.r = proc_apply(self, j->want->patch, &o, &told.res, NULL);
		else
			told.r = proc_revert(self, j->build_id, &o, &told.res, NULL);
		(void)!write(p[1], &told, sizeof(told));
		_exit(0);
	}
	close(p[1]);
	/* Whatever becomes of it, we go on: when it ends, its hold on us ends, too. */
	n = pid > 0 && poll(&(struct pollfd){.fd = p[0], .events = POLLIN}, 1, CHILD_MS) == 1
		    ? read(p[0], &told, sizeof(told))
		    : -1;
	close(p[0]);
	if (pid > 0 && n != sizeof(told))
		kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n != sizeof(told))
		return -EIO;
	*res = told.res;
	return told.r;
}

bool deal_self(struct serve *s, const struct wanted *w, struct glance *g)
{
	bool paused = false;
	_cleanup_(jobs_release) struct jobs jobs = {0};
	struct proc_view v = {0};
	pid_t self = getpid();

	if (glance_process(g, self) < 0 || !concerns(s, w, self, g) || !serve_may(s, self) ||
	    proc_look(self, NULL, 0, &v, NULL) < 0)
		return false;
	if (plan(w, &v, &jobs) == 0 && jobs.n) {
		struct table_entry *e = entry_of(&v, "", jobs.n);
		size_t n = 0;

		for (size_t i = 0; e && i < jobs.n; i++) {
			const struct job *j = &jobs.v[i];
			struct table_row *row = &e->rows[n];
			struct proc_result res = {0};
			const struct sut_err err = {.reason = "busy"};
			int r = 0;

			if (!j->want || !j->there) {
				/* Nobody could answer the child when it opens one of these files. */
				watch_pause(s->watch);
				paused = true;
				r = by_child(j, w, &res);
			}
			if (r == 0 && !j->want)
				continue;
			memcpy(row->build_id, j->build_id, sizeof(row->build_id));
			row->deleted = j->deleted;
			row->file = strdup(j->path);
			set_result(row, &res, &err);
			if (r == 0) {
				set_patch(row, j->want);
				set_reason(row, res.reason[0] ? res.reason : "current", "");
				row->again = false;
			}
			n++;
		}
		if (e) {
			e->nrows = n;
			(void)table_put(&s->table, e, serve_now_ms());
		}
	}
	proc_view_release(&v);
	return paused;
}
