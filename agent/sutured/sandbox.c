// SPDX-License-Identifier: Apache-2.0
#include "sutured/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "common/paths.h"

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

int sandbox_begin(struct sut_err *err)
{
	const struct rlimit none = {0, 0};

	if ((!SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) ||
	    setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return sut_err_errno(err, "cannot protect the memory of the process");
	return 0;
}

/* ------------------------------------------------------------------ */
/* Landlock. glibc has no names for its calls, and old headers none for its newer rights. */

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

static const uint64_t read_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t write_rights =
	LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |
	LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR;
static const uint64_t other_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
				     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
				     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
static const uint64_t of_files = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				 LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_EXECUTE;

/* What is not there needs no rule. */
static int allow(int ruleset, const char *path, uint64_t access, struct sut_err *err)
{
	_cleanup_(sut_closep) int fd = *path ? open(path, O_PATH | O_CLOEXEC) : -1;
	_cleanup_(sut_closep) int dir = -1;
	struct landlock_path_beneath_attr a = {.allowed_access = access, .parent_fd = fd};

	if (fd < 0)
		return 0;
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		a.allowed_access &= of_files;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0) < 0)
		return sut_err_errno(err, "cannot confine the process to %s", path);
	return 0;
}

static int add_paths(int ruleset, const char *root, const struct agent_conf *conf, uint64_t writes,
		     struct sut_err *err)
{
	static const char *const of_system[] = {"/etc", "/usr", "/lib",	 "/lib64",
						"/run", "/sys", "/proc", "/dev"};
	static const char *const ours[] = {"/etc", "/usr/lib", AGENT_RUN, AGENT_APPLY_DIR};
	const char *const given[] = {conf->portal_ca, conf->console_ca};
	const struct agent_path own = agent_path(root, AGENT_NET_DIR);
	int r = allow(ruleset, own.s, read_rights | writes, err);

	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(of_system); i++)
		r = allow(ruleset, of_system[i], read_rights, err);
	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(ours); i++) {
		const struct agent_path p = agent_path(root, ours[i]);

		r = allow(ruleset, p.s, read_rights, err);
	}
	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(given); i++)
		r = allow(ruleset, given[i], read_rights, err);
	/* Output of libraries that want to throw something away. */
	return r < 0 ? r
		     : allow(ruleset, "/dev/null",
			     LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE, err);
}

static int enter_landlock(const char *root, const struct agent_conf *conf, int *ret_abi,
			  struct sut_err *err)
{
	struct landlock_ruleset_attr attr = {0};
	_cleanup_(sut_closep) int fd = -1;
	uint64_t writes = write_rights;
	int abi =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	int r;

	/* No such call, switched off, or forbidden by a filter around us. */
	if (abi < 1) {
		*ret_abi = 0;
		return 0;
	}
	if (abi >= 2)
		writes |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		writes |= LANDLOCK_ACCESS_FS_TRUNCATE;
	attr.handled_access_fs = read_rights | writes | other_rights;
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return sut_err_errno(err, "cannot make a Landlock rule");
	r = add_paths(fd, root, conf, writes, err);
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = sut_err_errno(err, "cannot enter the Landlock rule");
	if (r == 0)
		*ret_abi = abi;
	return r;
}

/* ------------------------------------------------------------------ */
/* Found by running all that the agent does under strace, with and without TLS, a proxy and nscd. */

static const int allowed[] = {
	/* waiting, and the connections of others to us */
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(select),
	SCMP_SYS(pselect6),
	SCMP_SYS(accept4),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(eventfd2),
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(futex),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	/* our connections; socket() itself by kind, below */
	SCMP_SYS(connect),
	SCMP_SYS(bind),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(socketpair),
	SCMP_SYS(pipe2),
	/* files */
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(pwrite64),
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(stat),
	SCMP_SYS(lstat),
	SCMP_SYS(statx),
	SCMP_SYS(statfs),
	SCMP_SYS(fstatfs),
	SCMP_SYS(lseek),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getdents64),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fallocate),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(rmdir),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(fchmod),
	SCMP_SYS(chmod),
	SCMP_SYS(fcntl),
	SCMP_SYS(flock),
	SCMP_SYS(dup),
	SCMP_SYS(ioctl),
	SCMP_SYS(memfd_create),
	SCMP_SYS(getcwd),
	/* memory and threads */
	SCMP_SYS(brk),
	SCMP_SYS(mmap),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(mprotect),
	SCMP_SYS(madvise),
	SCMP_SYS(mlock),
	SCMP_SYS(munlock),
	SCMP_SYS(clone),
	SCMP_SYS(clone3),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(membarrier),
	SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(prlimit64),
	SCMP_SYS(prctl), /* names of threads */
	/* time, randomness, the process itself */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(times),
	SCMP_SYS(getrusage),
	SCMP_SYS(getrandom),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getegid),
	SCMP_SYS(umask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(tgkill),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Nothing of ours, nor any library of ours, ever tries these. */
static const int deadly[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(setuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(io_uring_setup),
};

static const unsigned int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

/* One that this architecture never had, or this libseccomp does not know, is no rule. */
static int rule(int r)
{
	return r == -EDOM || r == -EFAULT ? 0 : r;
}

static int add_rules(scmp_filter_ctx ctx)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(allowed); i++)
		r = rule(seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0));
	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(deadly); i++)
		r = rule(seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, deadly[i], 0));
	for (size_t i = 0; r == 0 && i < SUT_ARRAY_SIZE(families); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_EQ, families[i]));
	return r;
}

static int enter_seccomp(bool *ret, struct sut_err *err)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r = ctx ? add_rules(ctx) : -ENOMEM;

	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	/* A kernel without it. */
	if (r == -EINVAL || r == -ENOSYS || r == -EOPNOTSUPP) {
		*ret = false;
		return 0;
	}
	if (r < 0) {
		errno = -r;
		return sut_err_errno(err, "cannot install the filter of system calls");
	}
	*ret = true;
	return 0;
}

int sandbox_enter(const char *root, const struct agent_conf *conf, struct sandbox_level *ret,
		  struct sut_err *err)
{
	struct sandbox_level l = {0};
	int r = SANITIZED ? 0 : enter_landlock(root, conf, &l.landlock, err);

	if (r == 0 && !SANITIZED)
		r = enter_seccomp(&l.seccomp, err);
	if (r == 0)
		*ret = l;
	return r;
}
