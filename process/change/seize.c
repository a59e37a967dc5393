// SPDX-License-Identifier: Apache-2.0
#include "change/seize.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "change/why.h"

enum {
	CHILDREN_MAX = 8192, /* bytes of one list of children that are read */
};

/* Set within SEIZE: see tick(). */
static __thread struct threads *volatile seizing;

/* ---- the clock that ends a wait ---- */

/*
 * A thread that execs waits until all its siblings are reaped, which those that we have seized are only by us. So who waits for
 * it has to do that first.
 */
void seize_reap(struct threads *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct thread *v = &t->v[i];
		siginfo_t si = {.si_pid = 0};
		int status;

		/* A stop would be taken away as well: looked at first. */
		if (v->seized && !v->done && v->tid != v->tgid &&
		    waitid(P_PID, (id_t)v->tid, &si,
			   WEXITED | WNOHANG | WNOWAIT | __WALL | __WNOTHREAD) == 0 &&
		    si.si_pid && si.si_code != CLD_TRAPPED && si.si_code != CLD_STOPPED)
			(void)waitpid(v->tid, &status, WNOHANG | __WALL | __WNOTHREAD);
	}
}

/*
 * Interrupts waitpid(). SEIZE waits for a lock that an exec holds until the reaping above is done, and starts again by itself also with
 * a handler: it has to be done from there.
 */
static void tick(int sig)
{
	struct threads *t = seizing;
	int saved = errno;

	(void)sig;
	if (t)
		seize_reap(t);
	errno = saved;
}

static void install_tick(void)
{
	struct sigaction sa = {.sa_handler = tick};

	sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGVTALRM, &sa, NULL);
}

/* Of a thread that stops others, for as long as it lives. */
struct clock {
	pid_t pid; /* timers are not inherited by a child */
	timer_t timer;
};

static pthread_key_t clock_key;

static void free_clock(void *arg)
{
	struct clock *c = arg;

	timer_delete(c->timer);
	free(c);
}

static void install(void)
{
	install_tick();
	(void)pthread_key_create(&clock_key, free_clock);
}

/* NULL: errno says why. */
static struct clock *own_clock(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGVTALRM};
	struct clock *c;

	pthread_once(&once, install);
	c = pthread_getspecific(clock_key);
	if (c && c->pid == getpid())
		return c;
	if (!c)
		c = malloc(sizeof(*c));
	if (!c)
		return NULL;
	(void)pthread_setspecific(clock_key, NULL);
	c->pid = getpid();
	ev._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &ev, &c->timer) < 0) {
		free(c);
		return NULL;
	}
	if (pthread_setspecific(clock_key, c) != 0) {
		free_clock(c);
		errno = ENOMEM;
		return NULL;
	}
	return c;
}

int seize_start_clock(struct seize_clock *c, unsigned int every_ms, struct sut_err *err)
{
	const struct timespec every = {.tv_nsec = every_ms * 1000000L};
	const struct itimerspec ticks = {.it_interval = every, .it_value = every};
	struct clock *own = own_clock();
	sigset_t set;

	if (!own)
		return sut_err_errno(
			err, "no timer for the deadline; raise RLIMIT_SIGPENDING (ulimit -i)");
	sigemptyset(&set);
	sigaddset(&set, SIGVTALRM);
	pthread_sigmask(SIG_UNBLOCK, &set, &c->mask);
	c->timer = own->timer;
	timer_settime(c->timer, 0, &ticks, NULL);
	c->ticking = true;
	return 0;
}

void seize_stop_clock(struct seize_clock *c)
{
	const struct itimerspec never = {.it_value.tv_nsec = 0};

	if (!c->ticking)
		return;
	timer_settime(c->timer, 0, &never, NULL);
	pthread_sigmask(SIG_SETMASK, &c->mask, NULL);
	c->ticking = false;
}

/* ---- our own place in the queue ---- */

/* What this thread was given; asked for once. */
static __thread struct {
	bool known;
	int policy;
} own;

/* So that nobody's stop is long because we are not run. Only where it is allowed. */
void seize_raise_priority(struct threads_priv *x)
{
	struct sched_param fifo = {.sched_priority = 1};

	own.policy = own.known ? own.policy : sched_getscheduler(0);
	own.known = true;
	if (own.policy == SCHED_OTHER || own.policy == SCHED_BATCH || own.policy == SCHED_IDLE)
		x->raised = sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo) == 0;
}

void seize_lower_priority(struct threads_priv *x)
{
	const struct sched_param none = {.sched_priority = 0};

	if (x->raised)
		(void)sched_setscheduler(0, own.policy, &none);
	x->raised = false;
}

/* ---- the list ---- */

struct thread *seize_find(struct threads *t, pid_t tid, size_t hint)
{
	/* The order of a folder is that of our list, nearly always. */
	if (hint < t->n && t->v[hint].tid == tid)
		return &t->v[hint];
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].tid == tid)
			return &t->v[i];
	return NULL;
}

int seize_add(struct threads *t, struct thread new, struct sut_err *err)
{
	if (t->n == t->priv->cap) {
		size_t cap = t->priv->cap * 2;
		struct thread *v = realloc(t->v, cap * sizeof(*v));

		if (!v)
			return sut_err_oom(err);
		t->v = v;
		t->priv->cap = cap;
	}
	t->v[t->n] = new;
	t->n++;
	return 0;
}

int seize_became_another(pid_t pid, struct sut_err *err)
{
	return sut_err_reason(err, EBUSY, "exec",
			      "process %d became another program meanwhile; it is looked at again",
			      pid);
}

/* There is nobody to be stopped. In the middle of an exec that is so for a moment. */
int seize_gone(pid_t pid, struct sut_err *err)
{
	struct why_task w;

	if (why_task(pid, pid, &w) == 0 && w.state != 'Z' && w.state != 'X')
		return seize_became_another(pid, err);
	return sut_err_reason(err, ESRCH, "gone", "process %d has ended", pid);
}

int seize_add_group(struct threads *t, pid_t tgid, struct sut_err *err)
{
	struct threads_priv *x = t->priv;
	char path[64];
	int fd;

	for (size_t i = 0; i < x->ngroups; i++)
		if (x->groups[i].tgid == tgid)
			return 0;
	if (x->ngroups == GROUPS_MAX)
		return sut_err_reason(err, EBUSY, "deadline",
				      "more than %d processes share the memory of process %d",
				      GROUPS_MAX, t->p->pid);
	snprintf(path, sizeof(path), "/proc/%d/task", tgid);
	fd = tgid == t->p->pid && t->p->dir > 0
		     ? openat(t->p->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
		     : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		/* Of the others one may go at any time. */
		return x->ngroups ? 0 : seize_gone(tgid, err);
	x->groups[x->ngroups++] = (struct group){.tgid = tgid, .tasks = fd};
	return 0;
}

bool seize_same_memory(pid_t a, pid_t b)
{
	return syscall(SYS_kcmp, a, b, KCMP_VM, 0, 0) == 0;
}

/* SEIZE of one that is not in the list; it runs on. 0; or what came instead of it: -ESRCH, -EPERM, … */
static int try_seize(struct threads *t, struct thread *new, unsigned long options)
{
	struct why_task w;
	pid_t tracer;
	long r;

	seizing = t;
	r = ptrace(PTRACE_SEIZE, new->tid, NULL, (void *)options);
	seizing = NULL;
	if (r == 0 || errno != EPERM)
		return r == 0 ? 0 : -errno;
	tracer = why_tracer(new->tgid, new->tid);
	if (tracer == gettid()) {
		new->fresh = true; /* born attached */
		return 0;
	}
	if (tracer > 0) {
		t->priv->tracer = tracer;
		return -EBUSY;
	}
	if (why_task(new->tgid, new->tid, &w) < 0)
		return -ESRCH;
	if (w.worker || w.state == 'Z' || w.state == 'X') {
		/* Zombies, as a leader whose threads live on; and threads of the kernel. */
		new->seized = false;
		new->done = true;
		return 0;
	}
	return -EPERM;
}

/* 0 also when it has ended. */
int seize_one(struct threads *t, pid_t tgid, pid_t tid, unsigned long options, struct sut_err *err)
{
	struct thread new = {.tid = tid, .tgid = tgid, .seized = true};
	int r;

	/* Of one that is ending, taking its leader's place in an exec, or just let go by another tracer EPERM is not the last word. */
	for (int i = 0; i < 5; i++) {
		struct timespec moment = {.tv_nsec = 20000L << i};

		r = try_seize(t, &new, options);
		if (r != -EPERM)
			break;
		nanosleep(&moment, NULL);
	}
	if (r == -EBUSY)
		return why_traced(tgid, t->priv->tracer, err);
	if (r == -ESRCH)
		return 0;
	if (r == -EPERM)
		return why_not_seized(tgid, tid, err);
	if (r < 0)
		return sut_err_set(err, -r, "thread %d of process %d can't be seized: %s", tid,
				   tgid, strerror(-r));
	return seize_add(t, new, err);
}

/* Seizes whoever of the group is not in the list. Adds how many to *found. */
int seize_group(struct threads *t, const struct group *g, unsigned long options, size_t *found,
		struct sut_err *err)
{
	struct threads_priv *x = t->priv;
	size_t hint = 0;
	long n;

	if (lseek(g->tasks, 0, SEEK_SET) < 0)
		return 0;
	while ((n = syscall(SYS_getdents64, g->tasks, x->dents, sizeof(x->dents))) > 0) {
		for (long at = 0; at < n;) {
			const struct dent *d = (const struct dent *)(x->dents + at);
			pid_t tid = (pid_t)strtol(d->name, NULL, 10);
			size_t before = t->n;
			int r;

			at += d->reclen;
			if (tid <= 0 || seize_find(t, tid, hint++))
				continue;
			r = seize_one(t, g->tgid, tid, options, err);
			if (r < 0)
				return r;
			*found += t->n - before;
			if (sut_now_ns() > x->deadline_ns) {
				x->late = tid;
				x->late_tgid = g->tgid;
				return -ETIMEDOUT;
			}
		}
	}
	return 0;
}

/* Does the kernel count as many threads in this group as we have in the list? Cheap: no listing. */
bool seize_complete(const struct threads *t, const struct group *g)
{
	struct stat st;
	uint64_t known = 0;

	if (fstat(g->tasks, &st) < 0)
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].tgid == g->tgid && (!t->v[i].done || !t->v[i].seized))
			known++;
	/* The links of the folder are its threads, ".", and the one above. */
	return st.st_nlink == known + 2;
}

/* Adds the processes that were started by a thread and share its memory. */
int seize_sharers(struct threads *t, const struct group *g, pid_t tid, struct sut_err *err)
{
	char path[32], text[CHILDREN_MAX];
	_cleanup_(sut_closep) int fd = -1;
	struct why_task w;
	ssize_t n;

	snprintf(path, sizeof(path), "%d/children", tid);
	fd = openat(g->tasks, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	while ((n = read(fd, text, sizeof(text) - 1)) > 0) {
		char *p = text;

		/*
		 * It waits for its vfork(), which is over only when the child has run on: if we held that, nobody
		 * would ever stop.
		 */
		if (why_task(g->tgid, tid, &w) < 0 || w.state == 'D')
			return 0;

		text[n] = '\0';
		for (;;) {
			char *end;
			long child = strtol(p, &end, 10);
			int r;

			if (end == p)
				break;
			/* A number that was cut by the end of the buffer is read again, whole. */
			if (!*end && n == (ssize_t)sizeof(text) - 1) {
				if (lseek(fd, -(off_t)(end - p), SEEK_CUR) < 0)
					return 0;
				break;
			}
			p = end;
			if (child <= 0 || !seize_same_memory(t->p->pid, (pid_t)child))
				continue;
			r = seize_add_group(t, (pid_t)child, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}
