/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter of system calls (seccomp) of a thread, put aside for a call of ours.
 *
 * What a filter makes of a system call cannot be known: it may kill for it. The kernel puts it aside for a tracer with CAP_SYS_ADMIN who
 * has no filter himself, until he stops tracing.
 */
#ifndef SUTURE_PROCESS_CHANGE_FILTER_H
#define SUTURE_PROCESS_CHANGE_FILTER_H

#include "look/proc.h"

/*
 * tid: in a ptrace stop of ours. *ret: there was something to put aside, and filter_on() is to be called. CAP_SYS_ADMIN is raised for the
 * moment when it is permitted. -EOPNOTSUPP (reason "seccomp") when the thread has a filter and it cannot be; -ESRCH.
 */
int filter_off(struct proc *p, pid_t tid, bool *ret, struct sut_err *err) _must_check_;
void filter_on(pid_t tid);

#endif
