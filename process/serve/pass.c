// SPDX-License-Identifier: Apache-2.0
#include "serve/pass.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/proc.h"
#include "serve/deal.h"
#include "serve/rights.h"
#include "serve/watch.h"

enum {
	WORKERS_MAX = 64,
	FEW = 4, /* processes that are not worth a thread */
	TICK_MS = 250,
	ROUNDS = 4, /* for those that were busy, with pauses of 50, 100 … ms before them */
	PIDS_MAX = 1 << 22,
	FILES_MAX = 512,
	FILES_BYTES_MAX = 100 << 10,
};

struct pass {
	struct serve *s;
	const struct wanted *w;
	pid_t *pids;
	size_t n;
	atomic_size_t next, done;
	/* What is done with each. true: again, later. ret_stuck: as for deal(). */
	bool (*each)(struct pass *p, pid_t pid, struct glance *g, bool *ret_stuck);

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t end;
	size_t running;
	pid_t *again; /* room for n */
	size_t nagain, changed;
	struct in_use *files;
	size_t nfiles, room;
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

/* Until all are done, or *ret_stuck. */
static void work(struct pass *p, bool *ret_stuck)
{
	struct glance g = {0};

	while (!(ret_stuck && *ret_stuck)) {
		size_t i = atomic_fetch_add(&p->next, 1);

		if (i >= p->n)
			break;
		if (p->each(p, p->pids[i], &g, ret_stuck)) {
			pthread_mutex_lock(&p->lock);
			p->again[p->nagain++] = p->pids[i];
			pthread_mutex_unlock(&p->lock);
		}
		atomic_fetch_add(&p->done, 1);
	}
	glance_release(&g);
}

struct worker {
	struct pass *p;
	pthread_t thread;
};

/* Who holds a process that cannot be let go ends, and another one takes its place. */
static void *worker(void *arg)
{
	struct worker *w = arg;
	struct pass *p = w->p;
	bool stuck = false;
	pthread_t next;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	work(p, &stuck);
	pthread_mutex_lock(&p->lock);
	if (stuck && pthread_create(&next, NULL, worker, w) == 0) {
		pthread_detach(pthread_self());
		w->thread = next;
	} else {
		p->running--;
		pthread_cond_signal(&p->end);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* Waits for the workers, and tells how far they are. */
static void attend(struct pass *p, pass_tick tick, void *ctx)
{
	pthread_mutex_lock(&p->lock);
	while (p->running) {
		struct timespec t;

		clock_gettime(CLOCK_MONOTONIC, &t);
		t.tv_nsec += TICK_MS * 1000000L;
		t.tv_sec += t.tv_nsec / 1000000000L;
		t.tv_nsec %= 1000000000L;
		if (pthread_cond_timedwait(&p->end, &p->lock, &t) == ETIMEDOUT && tick) {
			pthread_mutex_unlock(&p->lock);
			tick(ctx, p->done, p->n);
			pthread_mutex_lock(&p->lock);
		}
	}
	pthread_mutex_unlock(&p->lock);
}

static void run(struct pass *p, pass_tick tick, void *ctx)
{
	size_t n = sut_ncpus(), started = 0;
	struct worker v[WORKERS_MAX];

	p->next = p->done = 0;
	p->nagain = 0;
	if (n > WORKERS_MAX)
		n = WORKERS_MAX;
	if (n > p->n / FEW)
		n = p->n / FEW;
	p->running = n;
	for (size_t i = 0; i < n; i++) {
		v[started].p = p;
		pthread_mutex_lock(&p->lock);
		if (pthread_create(&v[started].thread, NULL, worker, &v[started]) == 0)
			started++;
		else
			p->running--;
		pthread_mutex_unlock(&p->lock);
	}
	attend(p, tick, ctx);
	for (size_t i = 0; i < started; i++)
		pthread_join(v[i].thread, NULL);
	/* What is left when there were too few for a worker, or none could be had. */
	work(p, NULL);
}

static int pass_init(struct pass *p, struct serve *s, const struct wanted *w)
{
	pthread_condattr_t attr;

	memset(p, 0, sizeof(*p));
	p->s = s;
	p->w = w;
	p->each = deal_each;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->end, &attr);
	pthread_condattr_destroy(&attr);
	return 0;
}

static void pass_release(struct pass *p)
{
	for (size_t i = 0; i < p->nfiles; i++)
		free(p->files[i].path);
	free(p->files);
	free(p->pids);
	free(p->again);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->end);
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
	p->again = calloc(p->n + 1, sizeof(*p->again));
	if (!p->again)
		return sut_err_oom(err);
	order(p->pids, p->n);
	return 0;
}

/* Whoever was busy a moment ago. */
static void rounds(struct pass *p, pass_tick tick, void *ctx)
{
	for (int i = 0; i < ROUNDS && p->nagain; i++) {
		struct timespec t = {.tv_nsec = (50L << i) * 1000000L};

		nanosleep(&t, NULL);
		p->n = p->nagain;
		memcpy(p->pids, p->again, p->n * sizeof(p->pids[0]));
		run(p, tick, ctx);
	}
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
		uint64_t before = watch_count(s->watch);
		struct pass p;

		r = pass_init(&p, s, w);
		if (r == 0)
			r = list(&p, err);
		if (r == 0) {
			if (i == 0)
				young_begin(s, w, p.pids, p.n);
			run(&p, tick, ctx);
			rounds(&p, tick, ctx);
		}
		pass_release(&p);
		if (watch_count(s->watch) == before)
			break;
	}
	if (r == 0 && deal_self(s, w, &g)) {
		/* The watch was off for a moment. */
		struct pass p;

		watch_set(s->watch, w);
		r = pass_init(&p, s, w);
		if (r == 0)
			r = list(&p, err);
		if (r == 0)
			run(&p, tick, ctx);
		pass_release(&p);
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
	struct glance g = {0};

	for (size_t i = 0; i < n; i++) {
		if (pids[i] == getpid())
			(void)deal_self(s, w, &g);
		else
			(void)deal(s, w, pids[i], &g, NULL);
	}
	glance_release(&g);
}

/* ------------------------------------------------------------------ */

static bool repair_each(struct pass *p, pid_t pid, struct glance *g, bool *ret_stuck)
{
	const struct proc_options o = {
		.tries = 4, .init = true, .scan_heap = -1, .here = ret_stuck != NULL};
	struct proc_result res = {0};
	int r;

	if (glance_process(g, pid) < 0 || !(g->image || g->unsure) || !serve_may(p->s, pid))
		return false;
	r = proc_repair(pid, &o, &res, NULL);
	if (ret_stuck)
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
	struct pass p;
	int r = pass_init(&p, s, NULL);

	p.each = repair_each;
	if (r == 0)
		r = list(&p, err);
	if (r == 0) {
		run(&p, NULL, NULL);
		rounds(&p, NULL, NULL);
		*ret = p.changed;
	}
	pass_release(&p);
	return r;
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

	*ret_cut = false;
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
	struct pass p;
	int r = pass_init(&p, s, NULL);

	p.each = files_each;
	if (r == 0)
		r = list(&p, err);
	if (r == 0) {
		run(&p, NULL, NULL);
		if (p.nfiles)
			qsort(p.files, p.nfiles, sizeof(p.files[0]), by_use);
		*ret = files_json(&p, ret_cut);
		if (!*ret)
			r = sut_err_oom(err);
	}
	pass_release(&p);
	return r;
}
