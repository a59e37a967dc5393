// SPDX-License-Identifier: Apache-2.0
#include "change/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "change/seize.h"
#include "change/syscall.h"
#include "change/why.h"

enum {
	TICK_MS = 1,	  /* how often a wait looks at the clock */
	SPARE = 64,	  /* room for threads that are born meanwhile */
	GRACE_US = 20000, /* after a failure: for those who are on their way into a stop */
	FROZEN_NS = 5000000,
	SETTLE_NS = 200000000, /* for a thread that has only to fall asleep */
};

#define OPTIONS_ALL                                                                                \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |   \
	 PTRACE_O_TRACEVFORK)
#define OPTIONS_ONE (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC)

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
		seize_reap(t);
		if (v->tid == v->tgid &&
		    (why_task(v->tgid, v->tid, &w) < 0 || w.state == 'Z' || w.state == 'X'))
			return 0;
		if (seize_now() >= x->deadline_ns) {
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
	leader = seize_find(t, v->tgid, 0);
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
	if (new.tid <= 0 || seize_find(t, new.tid, t->n - 1))
		return 0;
	snprintf(name, sizeof(name), "%d", new.tid);
	for (size_t i = 0; i < t->priv->ngroups; i++)
		if (t->priv->groups[i].tgid == parent->tgid &&
		    faccessat(t->priv->groups[i].tasks, name, F_OK, 0) == 0)
			return seize_add(t, new, err);
	new.tgid = new.tid;
	new.foreign = !seize_same_memory(parent->tid, new.tid) && !(vfork && errno == ENOSYS);
	if (!new.foreign) {
		r = seize_add_group(t, new.tid, err);
		if (r < 0) {
			new.foreign = true;
			(void)!seize_add(t, new, NULL);
			return r;
		}
	}
	return seize_add(t, new, err);
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
				return seize_became_another(t->p->pid, err);
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
	if (!v->held)
		return;
	v->held = false;
	v->done = true;
	/* Killed while it was held: the rest of it is ours to take away, unless it is the process itself. */
	if (ptrace(PTRACE_DETACH, v->tid, NULL, NULL) < 0 && v->tid != v->tgid)
		v->dying = true;
}

/*
 * As long as one thread of a process that was killed has not been taken away, its parent does not learn of its end; and it may take a
 * thread some time to get there. Whoever takes longer is taken away by the kernel when our own thread ends.
 */
static void take_away(struct threads *t)
{
	uint64_t end = seize_now() + SETTLE_NS;

	for (size_t i = 0; i < t->n; i++) {
		struct timespec moment = {.tv_nsec = 20000};
		int status;

		while (t->v[i].dying &&
		       waitpid(t->v[i].tid, &status, __WALL | __WNOTHREAD | WNOHANG) == 0 &&
		       seize_now() < end)
			nanosleep(&moment, NULL);
	}
}

/* After a failure: those who were not stopped yet can only be let go once they are. */
static void let_stragglers_go(struct threads *t)
{
	t->priv->deadline_ns = seize_now() + GRACE_US * 1000ULL;
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
		seize_stop_clock(&x->clock);
		seize_lower_priority(x);
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
	take_away(t);
	return r;
}

/* Who was stopped by a signal is so again only when he has run to there. Nobody is to see anything else. */
static void wait_for_group_stop(const struct threads *t)
{
	uint64_t end = seize_now() + SETTLE_NS;

	for (size_t i = 0; i < t->n; i++) {
		struct timespec moment = {.tv_nsec = 20000};
		struct why_task w;

		while (t->v[i].group_stop && why_task(t->v[i].tgid, t->v[i].tid, &w) == 0 &&
		       (w.state == 'R' || w.state == 't') && seize_now() < end)
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
	ns = seize_now() - t->since_ns;
	if (!t->adopted) {
		wait_for_group_stop(t);
		take_away(t);
	}
	release(t);
	return ns;
}

/* ---- stopping ---- */

static int prepare(struct threads *t, struct proc *p, size_t n, uint32_t deadline_us,
		   struct sut_err *err)
{
	*t = (struct threads){.p = p};
	t->priv = malloc(sizeof(*t->priv));
	t->v = calloc(n, sizeof(*t->v));
	if (t->priv)
		memset(t->priv, 0, offsetof(struct threads_priv, dents));
	if (!t->priv || !t->v)
		return sut_err_oom(err);
	t->priv->cap = n;
	t->priv->deadline_us = deadline_us;
	return 0;
}

static void interrupt(struct threads *t)
{
	t->since_ns = seize_now();
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
	x->deadline_ns = seize_now() + 1000000000ULL + x->deadline_us * 1000ULL;
	r = seize_add_group(t, t->p->pid, err);
	for (size_t g = 0, i = 0; !r && g < x->ngroups; g++) {
		/* Whether it was the only one is seen when it is stopped. */
		r = g == 0 && t->p->nthreads == 1
			    ? seize_one(t, t->p->pid, t->p->pid, OPTIONS_ALL, err)
			    : seize_group(t, &x->groups[g], OPTIONS_ALL, &found, err);
		for (; !r && i < t->n; i++)
			if (!t->v[i].done)
				r = seize_sharers(t, &x->groups[g], t->v[i].tid, err);
	}
	if (r < 0)
		return r;
	seize_raise_priority(x);
	interrupt(t);
	for (;;) {
		size_t before = t->n;

		r = collect(t, err);
		if (r < 0)
			return r;
		found = 0;
		for (size_t g = 0; g < x->ngroups; g++) {
			if (seize_complete(t, &x->groups[g]))
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
	return seize_gone(t->p->pid, err);
}

/* Asked once for all stops that follow each other. */
static int not_frozen(pid_t pid, struct sut_err *err)
{
	static __thread uint64_t asked_ns;
	static __thread pid_t asked;
	uint64_t now = seize_now();
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
		r = seize_start_clock(&t.priv->clock, TICK_MS, err);
	if (!r) {
		r = stop_all(&t, err);
		if (r < 0)
			r = give_up(&t, r, err);
	}
	if (r < 0) {
		release(&t);
		return r;
	}
	seize_stop_clock(&t.priv->clock);
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
	r = seize_add_group(t, t->p->pid, err);
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
		return seize_gone(t->p->pid, err);
	*ret = second ? second : last;
	return 0;
}

static int stop_one(struct threads *t, struct sut_err *err)
{
	pid_t tid = 0;
	int r;

	t->priv->deadline_ns = seize_now() + 1000000000ULL + t->priv->deadline_us * 1000ULL;
	r = choose(t, &tid, err);
	if (!r)
		r = seize_one(t, t->p->pid, tid, OPTIONS_ONE, err);
	if (r < 0)
		return r;
	if (!t->n || t->v[0].done)
		return seize_gone(t->p->pid, err);
	seize_raise_priority(t->priv);
	interrupt(t);
	r = collect(t, err);
	if (r < 0)
		return r;
	return t->v[0].held ? 0 : seize_gone(t->p->pid, err);
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
		r = seize_start_clock(&t.priv->clock, TICK_MS, err);
	if (!r) {
		r = stop_one(&t, err);
		if (r < 0)
			r = give_up(&t, r, err);
	}
	if (r < 0) {
		release(&t);
		return r;
	}
	seize_stop_clock(&t.priv->clock);
	*ret = t;
	return 0;
}

int threads_adopt(struct proc *p, pid_t tid, struct threads *ret, struct sut_err *err)
{
	struct threads t;
	int r = prepare(&t, p, 1, 0, err);

	if (!r && ptrace(PTRACE_GETREGS, tid, NULL, &t.v[0].regs) < 0)
		r = errno == ESRCH ? seize_gone(p->pid, err)
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
	t.since_ns = seize_now();
	*ret = t;
	return 0;
}
