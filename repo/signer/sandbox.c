// SPDX-License-Identifier: Apache-2.0
#include "signer/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* The sanitizers look at the process in ways that all of this forbids. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
#else
enum { SANITIZED = 0 };
#endif

int sut_sandbox_begin(struct sut_err *err)
{
	const struct rlimit none = {0, 0};

	if ((!SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) ||
	    setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return sut_err_errno(err, "cannot protect the memory of the process");
	return 0;
}

/* ------------------------------------------------------------------ */
/* Landlock, ABI 1: Linux 5.13. glibc has no names for its calls. */

enum {
	READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
		LANDLOCK_ACCESS_FS_MAKE_REG,
	ALL = READ | WRITE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
	      LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
	      LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
	      LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
};

static int allow_beneath(int ruleset, const char *path, uint64_t access, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = open(path, O_PATH | O_CLOEXEC);
	const struct landlock_path_beneath_attr a = {.allowed_access = access, .parent_fd = fd};

	if (fd < 0 ||
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0) < 0)
		return sut_err_errno(err, "cannot confine the process to %s", path);
	return 0;
}

static int enter_landlock(const char *metadata, const char *state, struct sut_err *err)
{
	const struct landlock_ruleset_attr attr = {.handled_access_fs = ALL};
	_cleanup_(sut_closep) int fd =
		(int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	int r;

	if (fd < 0 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return 1;
	if (fd < 0)
		return sut_err_errno(err, "cannot make a Landlock rule");
	r = allow_beneath(fd, metadata, READ, err);
	if (r == 0)
		r = allow_beneath(fd, state, READ | WRITE, err);
	/* The time zone, which the C library may look up late. */
	if (r == 0)
		r = allow_beneath(fd, "/etc", LANDLOCK_ACCESS_FS_READ_FILE, err);
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = sut_err_errno(err, "cannot enter the Landlock rule");
	return r;
}

/* ------------------------------------------------------------------ */

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

static int add_rules(scmp_filter_ctx ctx)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(allowed); i++) {
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
		/* One that this architecture never had. */
		if (r == -EDOM)
			r = 0;
	}
	return r;
}

static int enter_seccomp(struct sut_err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = ctx ? add_rules(ctx) : -ENOMEM;

	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	if (r < 0) {
		errno = -r;
		return sut_err_errno(err, "cannot install the filter of system calls");
	}
	return 0;
}

int sut_sandbox_enter(const char *metadata, const char *state, struct sut_err *err)
{
	int landlock, r;

	if (SANITIZED)
		return 1;
	landlock = enter_landlock(metadata, state, err);
	if (landlock < 0)
		return landlock;
	r = enter_seccomp(err);
	return r < 0 ? r : landlock;
}
