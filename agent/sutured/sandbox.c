// SPDX-License-Identifier: Apache-2.0
#include "sutured/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/socket.h>

#include "common/paths.h"
#include "sandbox/sandbox.h"

static int confine_files(const char *root, const struct agent_conf *conf, int *ret_abi,
			 struct sut_err *err)
{
	const struct agent_path own = agent_path(root, AGENT_NET_DIR),
				run = agent_path(root, AGENT_RUN);
	const struct agent_path etc = agent_path(root, "/etc"), usr = agent_path(root, "/usr/lib");
	const struct agent_path apply = agent_path(root, AGENT_APPLY_DIR);
	const struct agent_path dpkg = agent_path(root, "/var/lib/dpkg");
	const struct sut_sandbox_path paths[] = {
		{own.s, SUT_SANDBOX_WRITE, false},
		{"/etc", SUT_SANDBOX_READ, false},
		{"/usr", SUT_SANDBOX_READ, false},
		{"/lib", SUT_SANDBOX_READ, false},
		{"/lib64", SUT_SANDBOX_READ, false},
		{"/run", SUT_SANDBOX_READ, false},
		{"/sys", SUT_SANDBOX_READ, false},
		{"/proc", SUT_SANDBOX_READ, false},
		{"/dev", SUT_SANDBOX_READ, false},
		{etc.s, SUT_SANDBOX_READ, false},
		{usr.s, SUT_SANDBOX_READ, false},
		{run.s, SUT_SANDBOX_READ, false},
		{apply.s, SUT_SANDBOX_READ, false},
		/* The list of packages, for a console. */
		{dpkg.s, SUT_SANDBOX_READ, false},
		/* Wherever the administrator has put them. */
		{conf->portal_ca, SUT_SANDBOX_READ, false},
		{conf->console_ca, SUT_SANDBOX_READ, false},
		/* Output of libraries that want to throw something away. */
		{"/dev/null", SUT_SANDBOX_CHANGE, false},
	};

	return sut_sandbox_files(paths, SUT_ARRAY_SIZE(paths), ret_abi, err);
}

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

int sandbox_enter(const char *root, const struct agent_conf *conf, struct sandbox_level *ret,
		  struct sut_err *err)
{
	const struct sut_sandbox_calls calls = {
		.allowed = allowed,
		.nallowed = SUT_ARRAY_SIZE(allowed),
		.families = families,
		.nfamilies = SUT_ARRAY_SIZE(families),
		.deadly = deadly,
		.ndeadly = SUT_ARRAY_SIZE(deadly),
		.otherwise = ENOSYS,
	};
	struct sandbox_level l = {0};
	int r = confine_files(root, conf, &l.landlock, err);

	if (r < 0)
		return r;
	r = sut_sandbox_calls(&calls, err);
	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	l.seccomp = r == 0 && !sut_sandbox_off();
	*ret = l;
	return 0;
}
