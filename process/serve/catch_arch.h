/* SPDX-License-Identifier: Apache-2.0 */
/* What catch.c has to know of an architecture: its system calls, and where their results are. */
#ifndef SUTURE_PROCESS_SERVE_CATCH_ARCH_H
#define SUTURE_PROCESS_SERVE_CATCH_ARCH_H

#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

enum catch_call {
	CATCH_OTHER,
	CATCH_READER, /* no dynamic linker does that between open() and mmap(): the file is read, or copied */
	CATCH_OPEN,
	CATCH_CLOSE,
	CATCH_MMAP,
	CATCH_MPROTECT,
	CATCH_MUNMAP,
	CATCH_EXEC,
};

enum catch_call catch_call(uint64_t nr);

/* The number of execve(). */
extern const uint64_t catch_nr_exec;

/* Of a thread that is stopped behind a system call: which one, and what it gave. -ESRCH; -ENOENT: behind none. */
int catch_state(pid_t tid, uint64_t *ret_nr, int64_t *ret_value) _must_check_;

/* A system call that our interrupt ended with EINTR is begun again. */
void catch_restart(pid_t tid);

#endif
