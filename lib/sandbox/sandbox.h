/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program gives up before it reads its first secret, and before it speaks to anybody: Landlock for files,
 * seccomp for system calls. A program under a sanitizer keeps all it has: the sanitizers look at the
 * process in ways that all of this forbids.
 */
#ifndef SUTURE_SANDBOX_SANDBOX_H
#define SUTURE_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* No core files, not to be traced or read by processes of the same user, no new privileges. */
int sut_sandbox_begin(struct sut_err *err) _must_check_;

enum sut_sandbox_access {
	SUT_SANDBOX_FILES, /* read files, but list no folders */
	SUT_SANDBOX_READ,
	SUT_SANDBOX_WRITE, /* files and folders; read them, too */
	SUT_SANDBOX_CHANGE /* write this one file, which is there */
};

struct sut_sandbox_path {
	const char *path; /* and all below it */
	enum sut_sandbox_access access;
	bool must; /* an error when it is not there; else it is left out */
};

/* From here on, for this thread and those that it starts, there are no other files. *ret_abi: the version of
 * Landlock, 0 where the kernel has none. */
int sut_sandbox_files(const struct sut_sandbox_path *paths, size_t n, int *ret_abi,
		      struct sut_err *err) _must_check_;

/* Lists of system calls, as SCMP_SYS() names them; those that an architecture does not have are left out. */
struct sut_sandbox_calls {
	const int *allowed;
	size_t nallowed;
	const unsigned int *families; /* of socket(), which is allowed for these only */
	size_t nfamilies;
	const int *deadly; /* kill the process, when the others do not */
	size_t ndeadly;
	int otherwise; /* errno of all others; 0: they kill the process */
};

/* Likewise for system calls. -EOPNOTSUPP: the kernel has no filters. */
int sut_sandbox_calls(const struct sut_sandbox_calls *c, struct sut_err *err) _must_check_;

/* Under a sanitizer: then the two above do nothing (*ret_abi is 0). */
bool sut_sandbox_off(void);

#endif
