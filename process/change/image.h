/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The new code on its way into a process: room is made by one mapping (two with data), and it is written while the process runs.
 * Nothing in the process refers to it yet.
 */
#ifndef SUTURE_PROCESS_CHANGE_IMAGE_H
#define SUTURE_PROCESS_CHANGE_IMAGE_H

#include <sys/ptrace.h>

#include "change/engine.h"
#include "change/inject.h"
#include "change/record.h"

/*
 * Checks, without stopping: every old function, range and island of the patch has the bytes it must have; or, where a record of
 * ours says that it is redirected, the jump of that record. -EBADMSG (reason "mismatch") with function and offset.
 * known: records found in the process; nknown may be 0.
 */
int image_verify(struct proc *p, const struct proc_elf *e, const struct sut_library *l,
		 const struct record *known, size_t nknown, struct sut_err *err) _must_check_;

/* Addresses of the imports, in the order of the target's global scope, versions and IFUNC included. -ENOENT (reason "import") names it;
 * -EBUSY (reason "busy") while the process loads a library. */
int image_imports(struct proc *p, const struct proc_elf *e, const struct sut_library *l,
		  uint64_t *ret, struct sut_err *err) _must_check_;

/* The image as it is to be at `at`: copied and relocated, record not filled in. buf: l->image_len bytes. -ERANGE: out of reach. */
int image_relocate(const struct sut_library *l, uint64_t at, uint64_t bias, const uint64_t *imports,
		   uint8_t *buf, struct sut_err *err) _must_check_;

/*
 * Makes room within reach of the target, with the stopped thread tid, and fills it while the thread may already run again
 * (`resume` is called as soon as the room is there; NULL: not at all). On success a complete record, state RECORD_READY, is at
 * ret->at. -ENOMEM (reasons "no-room", "memory-limit"), -EPERM (reason "no-exec": the process may not map code),
 * -EOPNOTSUPP (reason "seccomp"), and what image_imports() and inject_syscall() say. resume is not called after an error, and then
 * nothing is left in the process, as a rule.
 */
int image_place(struct proc *p, pid_t tid, const struct proc_elf *e, const struct proc_patch *patch,
		uint64_t replaces, int (*resume)(void *ctx), void *ctx, struct record *ret,
		struct sut_err *err) _must_check_;

/* The options that tid is traced with after image_place(). */
#define IMAGE_TRACE_OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC)

/* An image of this very patch that is there already (reverted before): used again. NULL. */
const struct record *image_again(const struct record *known, size_t n, const struct proc_elf *e,
				 const struct proc_patch *patch);

/* Tells the unwinder of the process about the new code (library->frames), while all threads are stopped; pcs: where they are. 0 also
 * when the process has no unwinder, or knows already; -EBUSY when a thread is inside of it, -ETIMEDOUT when it waits for a lock. */
int image_register_frames(struct proc *p, pid_t tid, const struct record *r,
			  const struct sut_library *l, const uint64_t *pcs, size_t npcs,
			  struct sut_err *err) _must_check_;

#endif
