/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Having a stopped thread of a process do one system call, or call one function, and go on as if nothing had been.
 *
 * The thread gets a signal frame below its red zone, as the kernel itself would have built it, whose return address is an
 * rt_sigreturn. Whether or not we live to see the end, the kernel restores every register from there
 * (docs/internals/process.md, "Crash safety"). In the ordinary course registers are put back by us, so that nothing is left of it.
 */
#ifndef SUTURE_PROCESS_CHANGE_INJECT_H
#define SUTURE_PROCESS_CHANGE_INJECT_H

#include "look/proc.h"

/* Code of the process that we borrow; found once per process. */
struct inject_gadgets {
	uint64_t syscall; /* "syscall; ret", or "syscall" where what follows does not matter */
	uint64_t restore; /* "mov $15, %rax; syscall": __restore_rt */
};

/*
 * Looks through its executable mappings; what was found in a file is remembered for the next process. When there is nothing:
 * `scratch`, an address of at least FRAME_STUB_LEN bytes of proven padding in its code, is written (0: none), else -EOPNOTSUPP (reason
 * "no-gadget").
 */
int inject_find(struct proc *p, uint64_t scratch, struct inject_gadgets *ret,
		struct sut_err *err) _must_check_;
/* Such an address: what is left of the last page of e's code, all of it zero, in a private mapping of the file. 0: there is none. */
uint64_t inject_scratch(const struct proc *p, const struct proc_elf *e);

/*
 * tid: a thread that we have seized and hold in a ptrace stop. The system call must be one that does not wait. *ret: what it gave
 * (-errno included). Signals are
 * blocked meanwhile and its mask put back. A thread in a system call stays in it: what it waits for is restarted without
 * it seeing an EINTR. -ESRCH, -EIO; -EBUSY when it has no room for a signal frame, or sends its system calls to itself at the moment.
 *
 * Afterwards the thread is in a PTRACE_EVENT_STOP, whatever stop it was in before, with the registers that it had. One that was
 * held at the entry of a system call is about to begin that call again.
 */
int inject_syscall(struct proc *p, pid_t tid, const struct inject_gadgets *g,
		   const uint64_t nr_and_args[static 7], int64_t *ret,
		   struct sut_err *err) _must_check_;

/*
 * Calls function(a0, a1) there; what it returns is not known. The caller makes sure that no other thread holds what it would wait for.
 * -ETIMEDOUT after timeout_ms: the thread, let go, ends the call by itself and returns to where it was.
 */
int inject_call(struct proc *p, pid_t tid, const struct inject_gadgets *g, uint64_t function,
		const uint64_t args[static 2], unsigned int timeout_ms,
		struct sut_err *err) _must_check_;

#endif
