/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of an interrupted system call from the registers of a stopped thread. One file for each architecture. */
#ifndef SUTURE_PROCESS_CHANGE_SYSCALL_H
#define SUTURE_PROCESS_CHANGE_SYSCALL_H

#include <stdbool.h>
#include <sys/user.h>

/*
 * A thread that our stop has taken out of a system call which the kernel does not start again by itself (EINTR): changes its
 * result to the kernel's own mark for "again, unless a handler is to run, and then EINTR". So also a signal that arrives only now has its
 * ordinary effect. True when a register was changed (x86-64: rax).
 */
bool syscall_restart(struct user_regs_struct *regs);

/*
 * The same for a thread with a filter of system calls (seccomp): what the kernel would go on with by restart_syscall(), for which the
 * filter may kill, is begun again by the call itself. Its time starts anew.
 */
bool syscall_restart_plain(struct user_regs_struct *regs);

#endif
