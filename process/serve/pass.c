// SPDX-License-Identifier: Apache-2.0
#include "serve/pass.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "serve/crew.h"
#include "serve/deal.h"
#include "serve/rights.h"
#include "serve/watch.h"

enum {
	ROUNDS = 4, /* for those that were busy, with pauses of 50, 100 … ms before them */
	PIDS_MAX = 1 << 22,
	IN_USE_MAX = 8192,
	FILES_MAX = 512,
	FILES_BYTES_MAX = 100 << 10,
};

/* Threads that are left behind use it, too. */
struct pass {
	atomic_uint users;
	struct serve *s;
	struct wanted *w; /* a reference; NULL */
	pid_t *pids;
	size_t n;
	/* What is done with each. true: again, later. ret_stuck: as for deal(). */
	bool (*each)(struct pass *p, pid_t pid, struct glance *g, bool *ret_stuck);

	pthread_mutex_t lock; /* what follows */
	size_t changed;
	struct in_use *files;
	size_t nfiles, room;
	bool cut; /* there are more of them */
};

/* A file that somebody runs code of. */
struct in_use {
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
	char *path;
	bool deleted;
	size_t processes;
};

static bool deal_each(struct pass *p, pid_t pid, struct glance *g, bool *ret_stuck)
{
	return deal(p->s, p->w, pid, g, ret_stuck);
}

static struct pass *pass_new(struct serve *s, const struct wanted *w)
{
	struct pass *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->users = 1;
	p->s = s;
	p->w = w ? wanted_ref((struct wanted *)w) : NULL;
	p->each = deal_each;
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

static void pass_unref(struct pass *p)
{
	if (!p || atomic_fetch_sub(&p->users, 1) != 1)
		return;
	for (size_t i = 0; i < p->nfiles; i++)
		free(p->files[i].path);
	free(p->files);
	free(p->pids);
	wanted_unref(p->w);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void pass_unrefp(struct pass **p)
{
	pass_unref(*p);
}

static bool crew_each(void *ctx, pid_t pid, struct glance *g, bool *ret_stuck)
{
	struct pass *p = ctx;

	return p->each(p, pid, g, ret_stuck);
}

static void crew_left(void *ctx, pid_t pid)
{
	struct pass *p = ctx;

	if (p->each == deal_each && serve_may(p->s, pid))
		deal_left(p->s, p->w, pid);
}

static void crew_hold(void *ctx)
{
	atomic_fetch_add(&((struct pass *)ctx)->users, 1);
}

static void crew_drop(void *ctx)
{
	pass_unref(ctx);
}

/* p->pids are those that are to be done again then. */
static int run(struct pass *p, pass_tick tick, void *ctx, struct sut_err *err)
{
	const struct crew_work work = {crew_each, crew_left, crew_hold, crew_drop, p};
	int r = crew_run(&work, p->pids, p->n, tick, ctx, &p->n);

	return r < 0 ? sut_err_oom(err) : 0;
}

/* The chain from us up to init. */
static size_t ancestors(pid_t *ret, size_t max)
{
	pid_t pid = getppid();
	size_t n = 0;

	while (pid > 1 && n < max) {
		_cleanup_(sut_fclosep) FILE *f = NULL;
		char path[32], line[512];
		const char *s;

		ret[n++] = pid;
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		f = fopen(path, "re");
		s = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
		pid = s && strlen(s) > 4 ? (pid_t)strtol(s + 4, NULL, 10) : 0;
	}
	if (n < max)
		ret[n++] = 1;
	return n;
}

/* Those that we hang on come last: what goes wrong with a patch shows elsewhere before. */
static void order(pid_t *pids, size_t n)
{
	pid_t last[64];
	size_t nlast = ancestors(last, SUT_ARRAY_SIZE(last)), kept = 0, held = 0;
	pid_t found[SUT_ARRAY_SIZE(last)] = {0};

	for (size_t i = 0; i < n; i++) {
		bool is_last = false;

		for (size_t k = 0; k < nlast; k++)
			is_last = is_last || pids[i] == last[k];
		if (is_last)
			found[held++] = pids[i];
		else
			pids[kept++] = pids[i];
	}
	/* The nearest ancestor has the highest number, mostly: it goes first. */
	while (held)
		pids[kept++] = found[--held];
}

static int list(struct pass *p, struct sut_err *err)
{
	_cleanup_(sut_closedirp) DIR *d = opendir("/proc");
	size_t room = 0;
	struct dirent *e;
	pid_t self = getpid();

	if (!d)
		return sut_err_errno(err, "cannot list /proc");
	while ((e = readdir(d)) && p->n < PIDS_MAX) {
		uint64_t pid;

		if (!isdigit((unsigned char)e->d_name[0]) ||
		    sut_parse_u64(e->d_name, INT32_MAX, &pid) < 0 || (pid_t)pid == self)
			continue;
		if (p->n == room) {
			pid_t *more = reallocarray(p->pids, room + 1024, sizeof(*more));

			if (!more)
				return sut_err_oom(err);
			p->pids = more;
			room += 1024;
		}
		p->pids[p->n++] = (pid_t)pid;
	}
	order(p->pids, p->n);
	return 0;
}

/* Everybody; then whoever was busy a moment ago. */
static int rounds(struct pass *p, pass_tick tick, void *ctx, struct sut_err *err)
{
	int r = run(p, tick, ctx, err);

	for (int i = 0; r == 0 && i < ROUNDS && p->n; i++) {
		struct timespec t = {.tv_nsec = (50L << i) * 1000000L};

		nanosleep(&t, NULL);
		r = run(p, tick, ctx, err);
	}
	return r;
}

static bool alive(void *ctx _unused_, const struct table_entry *e)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", e->pid);
	return access(path, F_OK) == 0;
}

static int all(struct serve *s, const struct wanted *w, pass_tick tick, void *ctx,
	       struct sut_err *err)
{
	struct glance g = {0};
	int r = 0;

	/* A file that was not watched until somebody was seen to use it may have been opened by others meanwhile. */
	for (int i = 0; r == 0 && i < 3; i++) {
		_cleanup_(pass_unrefp) struct pass *p = pass_new(s, w);
		uint64_t before = watch_count(s->watch);

		r = p ? list(p, err) : sut_err_oom(err);
		if (r == 0 && i == 0)
			young_begin(s, w, p->pids, p->n);
		if (r == 0)
			r = rounds(p, tick, ctx, err);
		if (watch_count(s->watch) == before)
			break;
	}
	if (r == 0 && deal_self(s, w, &g)) {
		_cleanup_(pass_unrefp) struct pass *p = pass_new(s, w);

		/* The watch was off for a moment. */
		watch_set(s->watch, w);
		r = p ? list(p, err) : sut_err_oom(err);
		if (r == 0)
			r = run(p, tick, ctx, err);
	}
	glance_release(&g);
	if (r < 0)
		return r;
	table_sweep(&s->table, alive, NULL);
	pthread_mutex_lock(&s->lock);
	s->since = time(NULL);
	s->looked_ms = serve_now_ms();
	s->rescan_ms = s->looked_ms + SERVE_RESCAN_MS;
	pthread_cond_signal(&s->keeper);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

void pass_some(struct serve *s, const struct wanted *w, pid_t *pids, size_t n)
{
	_cleanup_(pass_unrefp) struct pass *p = pass_new(s, w);
	struct glance g = {0};
	bool self = false;

	if (!p)
		return;
	p->pids = calloc(n + 1, sizeof(*pids));
	for (size_t i = 0; p->pids && i < n; i++) {
		if (pids[i] == getpid())
			self = true;
		else
			p->pids[p->n++] = pids[i];
	}
	(void)!run(p, NULL, NULL, NULL);
	if (self)
		(void)deal_self(s, w, &g);
	glance_release(&g);
}

/* ------------------------------------------------------------------ */

static bool repair_each(struct pass *p, pid_t pid, struct glance *g, bool *ret_stuck)
{
	const struct proc_options o = {.tries = 4, .init = true, .scan_heap = -1, .here = true};
	struct proc_result res = {0};
	int r;

	if (glance_process(g, pid) < 0 || !(g->image || g->unsure) || !serve_may(p->s, pid))
		return false;
	r = proc_repair(pid, &o, &res, NULL);
	*ret_stuck = res.stuck;
	if (r < 0)
		return res.again;
	if (sut_streq(res.reason, "repaired")) {
		pthread_mutex_lock(&p->lock);
		p->changed++;
		pthread_mutex_unlock(&p->lock);
	}
	return false;
}

static int repair(struct serve *s, size_t *ret, struct sut_err *err)
{
	_cleanup_(pass_unrefp) struct pass *p = pass_new(s, NULL);
	int r;

	if (!p)
		return sut_err_oom(err);
	p->each = repair_each;
	r = list(p, err);
	if (r == 0)
		r = rounds(p, NULL, NULL, err);
	if (r < 0)
		return r;
	pthread_mutex_lock(&p->lock);
	*ret = p->changed;
	pthread_mutex_unlock(&p->lock);
	return 0;
}

/* ------------------------------------------------------------------ */

/* What patches is done on a thread without a filter of system calls: rights_thread(). */
struct patching {
	struct serve *s;
	const struct wanted *w; /* NULL: repair */
	pass_tick tick;
	void *ctx;
	size_t *repaired;
	struct sut_err *err;
	int r;
};

static void *patch(void *arg)
{
	struct patching *a = arg;

	a->r = a->w ? all(a->s, a->w, a->tick, a->ctx, a->err) : repair(a->s, a->repaired, a->err);
	return NULL;
}

static int apart(struct patching *a)
{
	pthread_t t;
	int r = rights_thread(&t, NULL, patch, a);

	if (r) {
		errno = r;
		return sut_err_errno(a->err, "cannot start a thread");
	}
	pthread_join(t, NULL);
	return a->r;
}

int pass_all(struct serve *s, const struct wanted *w, pass_tick tick, void *ctx,
	     struct sut_err *err)
{
	struct patching a = {.s = s, .w = w, .tick = tick, .ctx = ctx, .err = err};

	return apart(&a);
}

int pass_repair(struct serve *s, size_t *ret, struct sut_err *err)
{
	struct patching a = {.s = s, .repaired = ret, .err = err};

	return apart(&a);
}

/* ------------------------------------------------------------------ */

static int count_file(struct pass *p, const struct glance_file *f, const char *path)
{
	struct in_use *u;

	for (size_t i = 0; i < p->nfiles; i++) {
		u = &p->files[i];
		if (!memcmp(u->build_id, f->build_id, sizeof(u->build_id)) &&
		    u->deleted == f->deleted && strlen(u->path) == f->path_len &&
		    !memcmp(u->path, path, f->path_len)) {
			u->processes++;
			return 0;
		}
	}
	if (p->nfiles == IN_USE_MAX) {
		p->cut = true;
		return 0;
	}
	if (p->nfiles == p->room) {
		size_t room = p->room ? p->room * 2 : 64;

		u = reallocarray(p->files, room, sizeof(*u));
		if (!u)
			return -ENOMEM;
		p->files = u;
		p->room = room;
	}
	u = &p->files[p->nfiles];
	memcpy(u->build_id, f->build_id, sizeof(u->build_id));
	u->path = strndup(path, f->path_len);
	u->deleted = f->deleted;
	u->processes = 1;
	if (!u->path)
		return -ENOMEM;
	p->nfiles++;
	return 0;
}

static bool files_each(struct pass *p, pid_t pid, struct glance *g, bool *ret_stuck _unused_)
{
	if (!serve_may(p->s, pid) || glance_process(g, pid) < 0)
		return false;
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < g->nfiles; i++)
		if (g->files[i].known)
			(void)count_file(p, &g->files[i], glance_path(g, &g->files[i]));
	pthread_mutex_unlock(&p->lock);
	return false;
}

static int by_use(const void *a, const void *b)
{
	const struct in_use *x = a, *y = b;

	if (x->processes != y->processes)
		return x->processes < y->processes ? 1 : -1;
	return strcmp(x->path, y->path);
}

static json_t *files_json(const struct pass *p, bool *ret_cut)
{
	json_t *all = json_array();
	size_t bytes = 0;

	*ret_cut = p->cut;
	for (size_t i = 0; all && i < p->nfiles; i++) {
		const struct in_use *u = &p->files[i];
		char hex[2 * SUT_LIBRARY_BUILD_ID_LEN + 1];
		json_t *j;

		sut_hex(u->build_id, sizeof(u->build_id), hex);
		j = json_pack("{s:s, s:s, s:I, s:b}", "build_id", hex, "path", u->path, "processes",
			      (json_int_t)u->processes, "deleted", u->deleted);
		if (!j) /* a path that is no UTF-8 */
			continue;
		bytes += json_dumpb(j, NULL, 0, JSON_COMPACT) + 1;
		if (json_array_size(all) == FILES_MAX || bytes > FILES_BYTES_MAX) {
			json_decref(j);
			*ret_cut = true;
			break;
		}
		if (json_array_append_new(all, j) < 0) {
			json_decref(all);
			all = NULL;
		}
	}
	return all;
}

int pass_files(struct serve *s, json_t **ret, bool *ret_cut, struct sut_err *err)
{
	_cleanup_(pass_unrefp) struct pass *p = pass_new(s, NULL);
	int r;

	if (!p)
		return sut_err_oom(err);
	p->each = files_each;
	r = list(p, err);
	if (r == 0)
		r = run(p, NULL, NULL, err);
	if (r < 0)
		return r;
	pthread_mutex_lock(&p->lock);
	if (p->nfiles)
		qsort(p->files, p->nfiles, sizeof(p->files[0]), by_use);
	*ret = files_json(p, ret_cut);
	pthread_mutex_unlock(&p->lock);
	return *ret ? 0 : sut_err_oom(err);
}
