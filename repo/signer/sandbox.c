// SPDX-License-Identifier: Apache-2.0
#include "signer/sandbox.h"

#include <seccomp.h>

#include "sandbox/sandbox.h"

static const int allowed[] = {
	/* connections */
	SCMP_SYS(accept4),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),
	SCMP_SYS(getsockopt),
	SCMP_SYS(ppoll),
	SCMP_SYS(poll),
	/* the two folders */
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(read),
	SCMP_SYS(write),
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(lstat),
	SCMP_SYS(stat),
	SCMP_SYS(statx),
	SCMP_SYS(lseek),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(fchmod),
	SCMP_SYS(fcntl),
	SCMP_SYS(flock),
	SCMP_SYS(writev),
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(mlock),
	SCMP_SYS(munlock),
	SCMP_SYS(futex),
	SCMP_SYS(sysinfo), /* qsort() of more than 1 KB asks how much memory there is */
	/* time, randomness, the process itself */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(getrandom),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

int signer_sandbox_enter(const char *metadata, const char *state, struct sut_err *err)
{
	const struct sut_sandbox_path paths[] = {
		{metadata, SUT_SANDBOX_READ, true},
		{state, SUT_SANDBOX_WRITE, true},
		/* The time zone, which the C library may look up late. */
		{"/etc", SUT_SANDBOX_FILES, true},
	};
	const struct sut_sandbox_calls calls = {.allowed = allowed,
						.nallowed = SUT_ARRAY_SIZE(allowed)};
	int landlock, r = sut_sandbox_files(paths, SUT_ARRAY_SIZE(paths), &landlock, err);

	if (r == 0)
		r = sut_sandbox_calls(&calls, err);
	return r < 0 ? r : !landlock;
}
