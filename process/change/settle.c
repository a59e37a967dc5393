// SPDX-License-Identifier: Apache-2.0
#include "change/settle.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "change/seize.h"
#include "change/syscall.h"
#include "change/why.h"

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

int settle_wait(struct threads *t, const struct thread *v, int *status)
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
		if (sut_now_ns() >= x->deadline_ns) {
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

int settle_newborn(struct threads *t, const struct thread *parent, bool vfork, struct sut_err *err)
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

		r = settle_wait(t, &v, &status);
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
			r = settle_newborn(t, &v, event == PTRACE_EVENT_VFORK, err);
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

/* The list may grow, and an exec may let somebody loose: until all are held. */
int settle_all(struct threads *t, struct sut_err *err)
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
