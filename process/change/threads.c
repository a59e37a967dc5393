// SPDX-License-Identifier: Apache-2.0
#include "change/threads.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "change/seize.h"
#include "change/settle.h"
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
	uint64_t end = sut_now_ns() + SETTLE_NS;

	for (size_t i = 0; i < t->n; i++) {
		struct timespec moment = {.tv_nsec = 20000};
		int status;

		while (t->v[i].dying &&
		       waitpid(t->v[i].tid, &status, __WALL | __WNOTHREAD | WNOHANG) == 0 &&
		       sut_now_ns() < end)
			nanosleep(&moment, NULL);
	}
}

/* After a failure: those who were not stopped yet can only be let go once they are. */
static void let_stragglers_go(struct threads *t)
{
	t->priv->deadline_ns = sut_now_ns() + GRACE_US * 1000ULL;
	for (size_t i = 0; i < t->n; i++) {
		int status, r;

		if (t->v[i].held || t->v[i].done)
			continue;
		/* Only who is late is on his way. */
		(void)ptrace(PTRACE_INTERRUPT, t->v[i].tid, NULL, NULL);
		r = settle_wait(t, &t->v[i], &status);
		if (r > 0 && WIFSTOPPED(status)) {
			int sig = status >> 16 ? 0 : WSTOPSIG(status);
			int event = status >> 16;

			if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK ||
			    event == PTRACE_EVENT_VFORK)
				(void)!settle_newborn(t, &t->v[i], false, NULL);
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
	uint64_t end = sut_now_ns() + SETTLE_NS;

	for (size_t i = 0; i < t->n; i++) {
		struct timespec moment = {.tv_nsec = 20000};
		struct why_task w;

		while (t->v[i].group_stop && why_task(t->v[i].tgid, t->v[i].tid, &w) == 0 &&
		       (w.state == 'R' || w.state == 't') && sut_now_ns() < end)
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
	ns = sut_now_ns() - t->since_ns;
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
	t->since_ns = sut_now_ns();
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
	x->deadline_ns = sut_now_ns() + 1000000000ULL + x->deadline_us * 1000ULL;
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

		r = settle_all(t, err);
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
	uint64_t now = sut_now_ns();
	int r;

	if (pid == asked && now - asked_ns < FROZEN_NS)
		return 0;
	r = why_frozen(pid, err);
	asked = r ? 0 : pid;
	asked_ns = now;
	return r;
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

	t->priv->deadline_ns = sut_now_ns() + 1000000000ULL + t->priv->deadline_us * 1000ULL;
	r = choose(t, &tid, err);
	if (!r)
		r = seize_one(t, t->p->pid, tid, OPTIONS_ONE, err);
	if (r < 0)
		return r;
	if (!t->n || t->v[0].done)
		return seize_gone(t->p->pid, err);
	seize_raise_priority(t->priv);
	interrupt(t);
	r = settle_all(t, err);
	if (r < 0)
		return r;
	return t->v[0].held ? 0 : seize_gone(t->p->pid, err);
}

/* n: room for so many threads. how: who is stopped. */
static int stop(struct proc *p, size_t n, uint32_t deadline_us,
		int (*how)(struct threads *t, struct sut_err *err), struct threads *ret,
		struct sut_err *err)
{
	struct threads t;
	int r;

	r = not_frozen(p->pid, err);
	if (r < 0)
		return r;
	r = prepare(&t, p, n, deadline_us, err);
	if (!r)
		r = seize_start_clock(&t.priv->clock, TICK_MS, err);
	if (!r) {
		r = how(&t, err);
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

int threads_stop(struct proc *p, uint32_t deadline_us, struct threads *ret, struct sut_err *err)
{
	return stop(p, p->nthreads + SPARE, deadline_us, stop_all, ret, err);
}

int threads_stop_one(struct proc *p, uint32_t deadline_us, struct threads *ret, struct sut_err *err)
{
	return stop(p, 1, deadline_us, stop_one, ret, err);
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
	t.since_ns = sut_now_ns();
	*ret = t;
	return 0;
}
