// SPDX-License-Identifier: Apache-2.0
#include "change/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "change/syscall.h"
#include "change/why.h"

enum {
	GROUPS_MAX = 64,     /* processes that share the memory */
	SPARE = 64,	     /* room for threads that are born meanwhile */
	TICK_NS = 1000000,   /* how often a wait looks at the clock */
	GRACE_US = 20000,    /* after a failure: for those who are on their way into a stop */
	CHILDREN_MAX = 8192, /* bytes of one list of children that are read */
	DENTS = 32768,
	FROZEN_NS = 5000000,
	SETTLE_NS = 200000000, /* for a thread that has only to fall asleep */
};

#define OPTIONS_ALL                                                                                \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |   \
	 PTRACE_O_TRACEVFORK)
#define OPTIONS_ONE (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC)

/* What getdents64() gives; the kernel's layout. */
struct dent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

struct group {
	pid_t tgid;
	int tasks; /* /proc/TGID/task */
};

struct threads_priv {
	size_t cap;
	struct group groups[GROUPS_MAX];
	size_t ngroups;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	uint32_t deadline_us;
	pid_t tracer;
	pid_t late, late_tgid; /* who was waited for when it passed */
	timer_t timer;
	bool ticking, raised;
	int policy;
	struct sched_param param;
	sigset_t mask; /* of the caller */
	_Alignas(8) char dents[DENTS];
};

/* Set within SEIZE: see tick(). */
static __thread struct threads *volatile seizing;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* ---- the clock that ends a wait ---- */

/*
 * A thread that execs waits until all its siblings are reaped, which those that we have seized are only by us. So who waits for
 * it has to do that first.
 */
static void reap_ended(struct threads *t)
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
		reap_ended(t);
	errno = saved;
}

static void install_tick(void)
{
	struct sigaction sa = {.sa_handler = tick};

	sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGVTALRM, &sa, NULL);
}

static int start_ticking(struct threads_priv *x, struct sut_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGVTALRM};
	struct itimerspec every = {.it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = TICK_NS};
	sigset_t set;

	pthread_once(&once, install_tick);
	ev._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &ev, &x->timer) < 0)
		return sut_err_errno(
			err, "no timer for the deadline; raise RLIMIT_SIGPENDING (ulimit -i)");
	sigemptyset(&set);
	sigaddset(&set, SIGVTALRM);
	pthread_sigmask(SIG_UNBLOCK, &set, &x->mask);
	timer_settime(x->timer, 0, &every, NULL);
	x->ticking = true;
	return 0;
}

static void stop_ticking(struct threads_priv *x)
{
	if (!x->ticking)
		return;
	timer_delete(x->timer);
	pthread_sigmask(SIG_SETMASK, &x->mask, NULL);
	x->ticking = false;
}

/* ---- our own place in the queue ---- */

/* So that nobody's stop is long because we are not run. Only where it is allowed. */
static void raise_priority(struct threads_priv *x)
{
	struct sched_param fifo = {.sched_priority = 1};

	x->policy = sched_getscheduler(0);
	if (x->policy != SCHED_OTHER && x->policy != SCHED_BATCH && x->policy != SCHED_IDLE)
		return;
	if (sched_getparam(0, &x->param) == 0)
		x->raised = sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo) == 0;
}

static void lower_priority(struct threads_priv *x)
{
	if (x->raised)
		(void)sched_setscheduler(0, x->policy, &x->param);
	x->raised = false;
}

/* ---- the list ---- */

static struct thread *find(struct threads *t, pid_t tid, size_t hint)
{
	/* The order of a folder is that of our list, nearly always. */
	if (hint < t->n && t->v[hint].tid == tid)
		return &t->v[hint];
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].tid == tid)
			return &t->v[i];
	return NULL;
}

static int add(struct threads *t, struct thread new, struct sut_err *err)
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

static int became_another(pid_t pid, struct sut_err *err)
{
	return sut_err_reason(err, EBUSY, "exec",
			      "process %d became another program meanwhile; it is looked at again",
			      pid);
}

/* There is nobody to be stopped. In the middle of an exec that is so for a moment. */
static int gone(pid_t pid, struct sut_err *err)
{
	struct why_task w;

	if (why_task(pid, pid, &w) == 0 && w.state != 'Z' && w.state != 'X')
		return became_another(pid, err);
	return sut_err_reason(err, ESRCH, "gone", "process %d has ended", pid);
}

static int add_group(struct threads *t, pid_t tgid, struct sut_err *err)
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
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		/* Of the others one may go at any time. */
		return x->ngroups ? 0 : gone(tgid, err);
	x->groups[x->ngroups++] = (struct group){.tgid = tgid, .tasks = fd};
	return 0;
}

static bool same_memory(pid_t a, pid_t b)
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
static int seize(struct threads *t, pid_t tgid, pid_t tid, unsigned long options,
		 struct sut_err *err)
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
	return add(t, new, err);
}

/* Seizes whoever of the group is not in the list. Adds how many to *found. */
static int seize_group(struct threads *t, const struct group *g, unsigned long options,
		       size_t *found, struct sut_err *err)
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
			if (tid <= 0 || find(t, tid, hint++))
				continue;
			r = seize(t, g->tgid, tid, options, err);
			if (r < 0)
				return r;
			*found += t->n - before;
			if (now_ns() > x->deadline_ns) {
				x->late = tid;
				x->late_tgid = g->tgid;
				return -ETIMEDOUT;
			}
		}
	}
	return 0;
}

/* Does the kernel count as many threads in this group as we have in the list? Cheap: no listing. */
static bool complete(const struct threads *t, const struct group *g)
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
static int find_sharers(struct threads *t, const struct group *g, pid_t tid, struct sut_err *err)
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
			if (child <= 0 || !same_memory(t->p->pid, (pid_t)child))
				continue;
			r = add_group(t, (pid_t)child, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ---- stops ---- */

/*
 * The next stop of a thread. The end of a process (its leader) is left for its parent to learn, who may be another thread of ours.
 * A leader whose threads live on is a zombie for which nobody can wait: the tick finds that out.
 */
static pid_t wait_for(const struct thread *v, int *status)
{
	siginfo_t si = {.si_pid = 0};

	if (v->tid != v->tgid)
		return waitpid(v->tid, status, __WALL | __WNOTHREAD);
	if (waitid(P_PID, (id_t)v->tid, &si, WSTOPPED | __WALL | __WNOTHREAD) < 0)
		return -1;
	*status = si.si_status << 8 | 0x7f;
	return v->tid;
}

/* 1 with a status; 0 when it can't be waited for any more; -ETIMEDOUT. */
static int await(struct threads *t, const struct thread *v, int *status)
{
	struct threads_priv *x = t->priv;

	for (;;) {
		struct why_task w;

		if (wait_for(v, status) > 0)
			return 1;
		if (errno != EINTR)
			return 0;
		reap_ended(t);
		if (v->tid == v->tgid &&
		    (why_task(v->tgid, v->tid, &w) < 0 || w.state == 'Z' || w.state == 'X'))
			return 0;
		if (now_ns() >= x->deadline_ns) {
			x->late = v->tid;
			x->late_tgid = v->tgid;
			return -ETIMEDOUT;
		}
	}
}

/* It can't be waited for: it ended; or it did exec, and goes on under the number of its leader. */
static void vanished(struct threads *t, struct thread *v)
{
	struct user_regs_struct regs;
	siginfo_t si = {.si_pid = 0};
	struct thread *leader;

	v->done = true;
	v->held = false;
	if (v->tid == v->tgid) {
		struct why_task w;

		/* It counts among the threads as long as it is a zombie. */
		if (why_task(v->tgid, v->tid, &w) == 0)
			v->seized = false;
		return;
	}
	leader = find(t, v->tgid, 0);
	if (leader && leader->done && why_tracer(v->tgid, v->tgid) == gettid()) {
		leader->seized = true;
		leader->done = false;
	}
	if (!leader || !leader->held)
		return;
	if ((waitid(P_PID, (id_t)leader->tid, &si,
		    WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL | __WNOTHREAD) == 0 &&
	     si.si_pid) ||
	    ptrace(PTRACE_GETREGS, leader->tid, NULL, &regs) < 0)
		leader->held = false;
}

/* In a stop where it can stay: looks at it. */
static void hold(struct threads *t, struct thread *v)
{
	bool changed;

	if (ptrace(PTRACE_GETREGS, v->tid, NULL, &v->regs) < 0) {
		vanished(t, v);
		return;
	}
	v->held = true;
	/* What SIGSTOP has interrupted was not our doing. */
	if (v->group_stop || v->vfork)
		return;
	changed = syscall_restart(&v->regs);
	if (t->p->seccomp && syscall_restart_plain(&v->regs))
		changed = true;
	if (changed)
		(void)ptrace(PTRACE_POKEUSER, v->tid, offsetof(struct user, regs.rax),
			     (void *)v->regs.rax);
}

/* On with it, to the next stop, which is ours. */
static void push(const struct thread *v, int sig)
{
	(void)ptrace(PTRACE_INTERRUPT, v->tid, NULL, NULL);
	(void)ptrace(PTRACE_CONT, v->tid, NULL, (void *)(long)sig);
}

/* A thread or process that came into the world attached to us. */
static int newborn(struct threads *t, const struct thread *parent, bool vfork, struct sut_err *err)
{
	struct thread new = {.seized = true, .fresh = true, .tgid = parent->tgid};
	unsigned long msg = 0;
	char name[16];
	int r;

	if (ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &msg) < 0)
		return 0;
	new.tid = (pid_t)msg;
	if (new.tid <= 0 || find(t, new.tid, t->n - 1))
		return 0;
	snprintf(name, sizeof(name), "%d", new.tid);
	for (size_t i = 0; i < t->priv->ngroups; i++)
		if (t->priv->groups[i].tgid == parent->tgid &&
		    faccessat(t->priv->groups[i].tasks, name, F_OK, 0) == 0)
			return add(t, new, err);
	new.tgid = new.tid;
	new.foreign = !same_memory(parent->tid, new.tid) && !(vfork && errno == ENOSYS);
	if (!new.foreign) {
		r = add_group(t, new.tid, err);
		if (r < 0) {
			new.foreign = true;
			(void)add(t, new, NULL);
			return r;
		}
	}
	return add(t, new, err);
}

/* Waits until thread i is in a stop where it can stay, or has ended. */
static int settle(struct threads *t, size_t i, struct sut_err *err)
{
	for (;;) {
		struct thread v = t->v[i];
		int status, event, sig, r;

		r = await(t, &v, &status);
		if (r < 0)
			return r;
		if (r == 0 || WIFEXITED(status) || WIFSIGNALED(status)) {
			vanished(t, &t->v[i]);
			return 0;
		}
		sig = WSTOPSIG(status);
		event = status >> 16;
		switch (event) {
		case PTRACE_EVENT_STOP:
			t->v[i].group_stop = sig != SIGTRAP;
			if (!v.foreign) {
				hold(t, &t->v[i]);
				return 0;
			}
			/* A forked child has memory of its own. */
			(void)ptrace(PTRACE_DETACH, v.tid, NULL, NULL);
			t->v[i].done = true;
			return 0;
		case PTRACE_EVENT_EXEC:
			t->v[i].held = true;
			if (v.tgid == t->p->pid)
				return became_another(t->p->pid, err);
			/* One that shared the memory does so no more. */
			(void)ptrace(PTRACE_DETACH, v.tid, NULL, NULL);
			t->v[i].held = false;
			t->v[i].done = true;
			return 0;
		case PTRACE_EVENT_VFORK:
		case PTRACE_EVENT_FORK:
		case PTRACE_EVENT_CLONE:
			r = newborn(t, &v, event == PTRACE_EVENT_VFORK, err);
			if (r < 0)
				return r;
			if (event == PTRACE_EVENT_VFORK) {
				t->v[i].vfork = true;
				hold(t, &t->v[i]);
				return 0;
			}
			push(&v, 0);
			break;
		case 0:
			/* A signal on its way to it: it is delivered, and the thread stops in its handler. */
			push(&v, sig == (SIGTRAP | 0x80) ? 0 : sig);
			break;
		default:
			push(&v, 0);
		}
	}
}

/* Everybody in the list. It may grow, and an exec may let somebody loose: until all are held. */
static int collect(struct threads *t, struct sut_err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		int r;

		if (t->v[i].held || t->v[i].done)
			continue;
		r = settle(t, i, err);
		if (r < 0)
			return r;
		if (t->v[i].done)
			i = (size_t)-1;
	}
	return 0;
}

/* ---- letting go ---- */

static void detach(struct thread *v)
{
	int status;

	if (!v->held)
		return;
	v->held = false;
	v->done = true;
	/* Killed while it was held: the rest of it is ours to take away, unless it is the process itself. */
	if (ptrace(PTRACE_DETACH, v->tid, NULL, NULL) < 0 && v->tid != v->tgid)
		(void)waitpid(v->tid, &status, __WALL | __WNOTHREAD | WNOHANG);
}

/* After a failure: those who were not stopped yet can only be let go once they are. */
static void let_stragglers_go(struct threads *t)
{
	t->priv->deadline_ns = now_ns() + GRACE_US * 1000ULL;
	for (size_t i = 0; i < t->n; i++) {
		int status, r;

		if (t->v[i].held || t->v[i].done)
			continue;
		/* Only who is late is on his way. */
		(void)ptrace(PTRACE_INTERRUPT, t->v[i].tid, NULL, NULL);
		r = await(t, &t->v[i], &status);
		if (r > 0 && WIFSTOPPED(status)) {
			int sig = status >> 16 ? 0 : WSTOPSIG(status);
			int event = status >> 16;

			if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK ||
			    event == PTRACE_EVENT_VFORK)
				(void)newborn(t, &t->v[i], false, NULL);
			(void)ptrace(PTRACE_DETACH, t->v[i].tid, NULL, (void *)(long)sig);
		}
		if (r >= 0)
			t->v[i].done = true;
	}
}

static void release(struct threads *t)
{
	struct threads_priv *x = t->priv;

	if (x) {
		stop_ticking(x);
		lower_priority(x);
		for (size_t i = 0; i < x->ngroups; i++)
			close(x->groups[i].tasks);
	}
	free(x);
	free(t->v);
	t->priv = NULL;
	t->v = NULL;
	t->n = 0;
}

/* After a failure r. What is slow comes when nobody is held any more. */
static int give_up(struct threads *t, int r, struct sut_err *err)
{
	for (size_t i = 0; i < t->n; i++)
		detach(&t->v[i]);
	if (r == -ETIMEDOUT)
		r = why_not_stopped(t->priv->late_tgid, t->priv->late, t->priv->deadline_us, err);
	let_stragglers_go(t);
	return r;
}

/* Who was stopped by a signal is so again only when he has run to there. Nobody is to see anything else. */
static void wait_for_group_stop(const struct threads *t)
{
	uint64_t end = now_ns() + SETTLE_NS;

	for (size_t i = 0; i < t->n; i++) {
		struct timespec moment = {.tv_nsec = 20000};
		struct why_task w;

		while (t->v[i].group_stop && why_task(t->v[i].tgid, t->v[i].tid, &w) == 0 &&
		       (w.state == 'R' || w.state == 't') && now_ns() < end)
			nanosleep(&moment, NULL);
	}
}

uint64_t threads_go(struct threads *t)
{
	uint64_t ns;

	if (!t->v)
		return 0;
	for (size_t i = 0; i < t->n && !t->adopted; i++)
		detach(&t->v[i]);
	ns = now_ns() - t->since_ns;
	if (!t->adopted)
		wait_for_group_stop(t);
	release(t);
	return ns;
}

/* ---- stopping ---- */

static int prepare(struct threads *t, struct proc *p, size_t n, uint32_t deadline_us,
		   struct sut_err *err)
{
	*t = (struct threads){.p = p};
	t->priv = calloc(1, sizeof(*t->priv));
	t->v = calloc(n, sizeof(*t->v));
	if (!t->priv || !t->v)
		return sut_err_oom(err);
	t->priv->cap = n;
	t->priv->deadline_us = deadline_us;
	return 0;
}

static void interrupt(struct threads *t)
{
	t->since_ns = now_ns();
	t->priv->deadline_ns = t->since_ns + t->priv->deadline_us * 1000ULL;
	for (size_t i = 0; i < t->n; i++)
		if (!t->v[i].done)
			(void)ptrace(PTRACE_INTERRUPT, t->v[i].tid, NULL, NULL);
}

static int stop_all(struct threads *t, struct sut_err *err)
{
	struct threads_priv *x = t->priv;
	size_t found = 0;
	int r;

	/* Before anybody stops, the deadline is for the work of seizing them. */
	x->deadline_ns = now_ns() + 1000000000ULL + x->deadline_us * 1000ULL;
	r = add_group(t, t->p->pid, err);
	for (size_t g = 0, i = 0; !r && g < x->ngroups; g++) {
		r = seize_group(t, &x->groups[g], OPTIONS_ALL, &found, err);
		for (; !r && i < t->n; i++)
			if (!t->v[i].done)
				r = find_sharers(t, &x->groups[g], t->v[i].tid, err);
	}
	if (r < 0)
		return r;
	raise_priority(x);
	interrupt(t);
	for (;;) {
		size_t before = t->n;

		r = collect(t, err);
		if (r < 0)
			return r;
		found = 0;
		for (size_t g = 0; g < x->ngroups; g++) {
			if (complete(t, &x->groups[g]))
				continue;
			r = seize_group(t, &x->groups[g], OPTIONS_ALL, &found, err);
			if (r < 0)
				return r;
		}
		if (!found)
			break;
		for (size_t i = before; i < t->n; i++)
			if (!t->v[i].done && !t->v[i].fresh)
				(void)ptrace(PTRACE_INTERRUPT, t->v[i].tid, NULL, NULL);
	}
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].held && t->v[i].tgid == t->p->pid)
			return 0;
	return gone(t->p->pid, err);
}

/* Asked once for all stops that follow each other. */
static int not_frozen(pid_t pid, struct sut_err *err)
{
	static __thread uint64_t asked_ns;
	static __thread pid_t asked;
	uint64_t now = now_ns();
	int r;

	if (pid == asked && now - asked_ns < FROZEN_NS)
		return 0;
	r = why_frozen(pid, err);
	asked = r ? 0 : pid;
	asked_ns = now;
	return r;
}

int threads_stop(struct proc *p, uint32_t deadline_us, struct threads *ret, struct sut_err *err)
{
	struct threads t;
	int r;

	r = not_frozen(p->pid, err);
	if (r < 0)
		return r;
	r = prepare(&t, p, p->nthreads + SPARE, deadline_us, err);
	if (!r)
		r = start_ticking(t.priv, err);
	if (!r) {
		r = stop_all(&t, err);
		if (r < 0)
			r = give_up(&t, r, err);
	}
	if (r < 0) {
		release(&t);
		return r;
	}
	stop_ticking(t.priv);
	*ret = t;
	return 0;
}

/* The one that is best stopped alone: the leader, unless it can't be. */
static int choose(struct threads *t, pid_t *ret, struct sut_err *err)
{
	struct threads_priv *x = t->priv;
	pid_t second = 0, last = 0;
	struct why_task w;
	long n;

	int r;

	if (t->p->state == 'R' || t->p->state == 'S') {
		*ret = t->p->pid;
		return 0;
	}
	r = add_group(t, t->p->pid, err);
	if (r < 0)
		return r;
	n = syscall(SYS_getdents64, x->groups[0].tasks, x->dents, sizeof(x->dents));
	for (long at = 0; at < n;) {
		const struct dent *d = (const struct dent *)(x->dents + at);
		pid_t tid = (pid_t)strtol(d->name, NULL, 10);

		at += d->reclen;
		if (tid <= 0 || why_task(t->p->pid, tid, &w) < 0 || w.worker || w.state == 'Z' ||
		    w.state == 'X')
			continue;
		if (w.state == 'R' || w.state == 'S') {
			*ret = tid;
			return 0;
		}
		if (w.state == 'D')
			last = tid;
		else
			second = tid;
	}
	if (!second && !last)
		return gone(t->p->pid, err);
	*ret = second ? second : last;
	return 0;
}

static int stop_one(struct threads *t, struct sut_err *err)
{
	pid_t tid = 0;
	int r;

	t->priv->deadline_ns = now_ns() + 1000000000ULL + t->priv->deadline_us * 1000ULL;
	r = choose(t, &tid, err);
	if (!r)
		r = seize(t, t->p->pid, tid, OPTIONS_ONE, err);
	if (r < 0)
		return r;
	if (!t->n || t->v[0].done)
		return gone(t->p->pid, err);
	raise_priority(t->priv);
	interrupt(t);
	r = collect(t, err);
	if (r < 0)
		return r;
	return t->v[0].held ? 0 : gone(t->p->pid, err);
}

int threads_stop_one(struct proc *p, uint32_t deadline_us, struct threads *ret, struct sut_err *err)
{
	struct threads t;
	int r;

	r = not_frozen(p->pid, err);
	if (r < 0)
		return r;
	r = prepare(&t, p, 1, deadline_us, err);
	if (!r)
		r = start_ticking(t.priv, err);
	if (!r) {
		r = stop_one(&t, err);
		if (r < 0)
			r = give_up(&t, r, err);
	}
	if (r < 0) {
		release(&t);
		return r;
	}
	stop_ticking(t.priv);
	*ret = t;
	return 0;
}

int threads_adopt(struct proc *p, pid_t tid, struct threads *ret, struct sut_err *err)
{
	struct threads t;
	int r = prepare(&t, p, 1, 0, err);

	if (!r && ptrace(PTRACE_GETREGS, tid, NULL, &t.v[0].regs) < 0)
		r = errno == ESRCH ? gone(p->pid, err)
				   : sut_err_errno(err, "thread %d can't be looked at", tid);
	if (r < 0) {
		release(&t);
		return r;
	}
	t.v[0].tid = tid;
	t.v[0].tgid = p->pid;
	t.v[0].seized = t.v[0].held = true;
	t.n = 1;
	t.adopted = true;
	t.since_ns = now_ns();
	*ret = t;
	return 0;
}
