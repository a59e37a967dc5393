/* SPDX-License-Identifier: Apache-2.0 */
/* Why a process can't be stopped, in words: what /proc and the control groups tell about it. Slow: never while threads are stopped. */
#ifndef SUTURE_PROCESS_CHANGE_WHY_H
#define SUTURE_PROCESS_CHANGE_WHY_H

#include "look/proc.h"

enum { WHY_NAME_MAX = 64 };

/* What /proc says of one thread. */
struct why_task {
	char state; /* R, S, D, T, t, Z, X */
	bool worker; /* of the kernel, in this process (io_uring, vhost): it never runs code of the process */
};

/* -ESRCH when there is no such thread. */
int why_task(pid_t pid, pid_t tid, struct why_task *ret) _must_check_;

/* Who traces it, a thread; 0: nobody. */
pid_t why_tracer(pid_t pid, pid_t tid);

/* "nginx (thread 12)", or "thread 12"; out has WHY_NAME_MAX bytes. */
const char *why_name(pid_t pid, pid_t tid, char *out);

/* -EBUSY (reason "traced"), by whom. */
int why_traced(pid_t pid, pid_t tracer, struct sut_err *err);

/* PTRACE_SEIZE said EPERM: -EBUSY (reason "traced", by whom) or -EPERM (reason "no-ptrace", and what to do). */
int why_not_seized(pid_t pid, pid_t tid, struct sut_err *err);

/* A thread did not stop in time: -EBUSY (reasons "frozen", "uninterruptible", "deadline"). */
int why_not_stopped(pid_t pid, pid_t tid, uint32_t deadline_us, struct sut_err *err);

/* -EBUSY (reason "frozen") when the control group of the process is frozen, with its name; else 0. */
int why_frozen(pid_t pid, struct sut_err *err) _must_check_;

#endif
