/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All threads of a process stopped for a moment, and whoever else has the same memory (vfork, CLONE_VM).
 *
 * SEIZE of all, INTERRUPT of all, then the stops are collected; children born meanwhile come attached. Nobody outside sees it:
 * no SIGSTOP, no SIGCHLD, no EINTR; who was stopped by SIGSTOP stays so, signals that arrive are delivered.
 * Requests of ptrace come from the thread that seized: one caller, one thread.
 *
 * The kernel lets a tracer give back only what is stopped. Who is in state D when the deadline passes is given back when the
 * calling thread ends, at the latest. So whoever stops processes that he does not know does it on a thread made for the purpose.
 * SIGVTALRM is used, with a handler, for the deadline.
 */
#ifndef SUTURE_PROCESS_CHANGE_THREADS_H
#define SUTURE_PROCESS_CHANGE_THREADS_H

#include <sys/user.h>

#include "look/proc.h"

struct thread {
	pid_t tid;
	pid_t tgid; /* its process: another one when it shares the memory without being a thread */
	bool held, group_stop,
		fresh; /* in a ptrace stop of ours; stopped by SIGSTOP as well; born during the stop */
	bool vfork;    /* held within vfork(): it can't run before its child has done so */
	struct user_regs_struct
		regs; /* at the stop; of what waits in the kernel as it is restarted */
	/* How far we are with it: seized and not yet stopped; or nothing is to be waited for (ended, or never runs its code). */
	bool seized, done, foreign;
	bool dying; /* killed while it was held: it ends soon, and is to be taken away */
};

struct threads_priv;

struct threads {
	struct proc *p;
	struct thread *v; /* after a success every one of them is held, except those with `done` */
	size_t n;
	uint64_t since_ns; /* CLOCK_MONOTONIC: the first INTERRUPT */
	bool adopted;	   /* held by the caller: never detached here */
	struct threads_priv *priv;
};

/*
 * -EBUSY with reason "traced" (and by whom), "frozen" (its cgroup), "uninterruptible" (state D), "exec" (it became another
 * program meanwhile: look again), "deadline"; -ESRCH "gone" (also: only the leader is left, a zombie); -EPERM "no-ptrace".
 * On an error nobody is held any more.
 */
int threads_stop(struct proc *p, uint32_t deadline_us, struct threads *ret,
		 struct sut_err *err) _must_check_;
/* One thread alone, for inject_syscall(): a running or sleeping one is preferred. */
int threads_stop_one(struct proc *p, uint32_t deadline_us, struct threads *ret,
		     struct sut_err *err) _must_check_;
/* What the caller holds already. */
int threads_adopt(struct proc *p, pid_t tid, struct threads *ret, struct sut_err *err) _must_check_;

/* Lets everybody go, so that an interrupted system call is restarted and nothing was to be seen. Returns the nanoseconds since the first
 * INTERRUPT. Safe to call twice. */
uint64_t threads_go(struct threads *t);

#endif
