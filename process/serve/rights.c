// SPDX-License-Identifier: Apache-2.0
#include "serve/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/sandbox.h"

#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

#define BIT(c) (1ULL << (c))

/* Always in effect: /proc/PID/mem of another user is a file that belongs to him. */
#define EFFECTIVE (BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_OVERRIDE))
/* fanotify and seccomp filters put aside; files of others; /proc/PID/map_files. */
#define PERMITTED                                                                                  \
	(EFFECTIVE | BIT(CAP_SYS_ADMIN) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_CHECKPOINT_RESTORE))

static int get(uint64_t *effective, uint64_t *permitted)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {0};

	if (syscall(SYS_capget, &h, d) < 0)
		return -errno;
	*effective = d[0].effective | (uint64_t)d[1].effective << 32;
	*permitted = d[0].permitted | (uint64_t)d[1].permitted << 32;
	return 0;
}

static int set(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct h = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct d[2] = {
		{.effective = (uint32_t)effective, .permitted = (uint32_t)permitted},
		{.effective = (uint32_t)(effective >> 32),
		 .permitted = (uint32_t)(permitted >> 32)},
	};

	return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

int rights_begin(struct sut_err *err)
{
	uint64_t effective, permitted;
	int r = get(&effective, &permitted);

	if (r == 0 && !(permitted & BIT(CAP_SYS_PTRACE)))
		return sut_err_reason(err, EPERM, "no-ptrace",
				      "CAP_SYS_PTRACE is missing. Run this as root, outside of "
				      "containers");
	if (r == 0)
		r = set(permitted & EFFECTIVE, permitted & PERMITTED);
	if (r < 0) {
		errno = -r;
		return sut_err_errno(err, "cannot give up rights");
	}
	return 0;
}

uint64_t rights_raise(void)
{
	uint64_t effective, permitted;

	if (get(&effective, &permitted) < 0)
		return 0;
	(void)!set(permitted, permitted);
	return effective;
}

void rights_back(uint64_t before)
{
	uint64_t effective, permitted;

	if (before && get(&effective, &permitted) == 0)
		(void)!set(before, permitted);
}

/* A thread that was there before the filter, and starts others. One at a time. */
static struct {
	pthread_mutex_t turn, lock;
	pthread_cond_t changed;
	bool there, asked, done;
	pthread_t *ret;
	const pthread_attr_t *attr;
	void *(*run)(void *arg);
	void *arg;
	int r;
} parent = {.turn = PTHREAD_MUTEX_INITIALIZER,
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .changed = PTHREAD_COND_INITIALIZER};

static void *start_others(void *arg)
{
	pthread_mutex_lock(&parent.lock);
	for (;;) {
		while (!parent.asked)
			pthread_cond_wait(&parent.changed, &parent.lock);
		parent.r = pthread_create(parent.ret, parent.attr, parent.run, parent.arg);
		parent.asked = false;
		parent.done = true;
		pthread_cond_broadcast(&parent.changed);
	}
	return arg;
}

int rights_thread(pthread_t *ret, const pthread_attr_t *attr, void *(*run)(void *arg), void *arg)
{
	int r;

	if (!parent.there)
		return pthread_create(ret, attr, run, arg);
	pthread_mutex_lock(&parent.turn);
	pthread_mutex_lock(&parent.lock);
	parent.ret = ret;
	parent.attr = attr;
	parent.run = run;
	parent.arg = arg;
	parent.done = false;
	parent.asked = true;
	pthread_cond_broadcast(&parent.changed);
	while (!parent.done)
		pthread_cond_wait(&parent.changed, &parent.lock);
	r = parent.r;
	pthread_mutex_unlock(&parent.lock);
	pthread_mutex_unlock(&parent.turn);
	return r;
}

static int start_parent(struct sut_err *err)
{
	pthread_t t;
	int r = pthread_create(&t, NULL, start_others, NULL);

	if (r) {
		errno = r;
		return sut_err_errno(err, "cannot start a thread");
	}
	pthread_detach(t);
	parent.there = true;
	return 0;
}

int rights_confine(struct sut_err *err)
{
	static const int allowed[] = {
		/* files and /proc */
		SCMP_SYS(access), SCMP_SYS(close), SCMP_SYS(dup), SCMP_SYS(faccessat),
		SCMP_SYS(faccessat2), SCMP_SYS(fcntl), SCMP_SYS(fstat), SCMP_SYS(fstatfs),
		SCMP_SYS(getdents64), SCMP_SYS(lseek), SCMP_SYS(newfstatat), SCMP_SYS(open),
		SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(pread64), SCMP_SYS(preadv),
		SCMP_SYS(pwrite64), SCMP_SYS(read), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
		SCMP_SYS(readv), SCMP_SYS(stat), SCMP_SYS(statx), SCMP_SYS(write), SCMP_SYS(writev),
		SCMP_SYS(ioctl), SCMP_SYS(pipe2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
		SCMP_SYS(umask), SCMP_SYS(uname), SCMP_SYS(getcwd),
		/* memory */
		SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mmap), SCMP_SYS(mprotect),
		SCMP_SYS(mremap), SCMP_SYS(munmap), SCMP_SYS(membarrier),
		/* threads, time, signals, ourselves */
		SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
		SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(exit), SCMP_SYS(exit_group),
		SCMP_SYS(fork), SCMP_SYS(futex), SCMP_SYS(getcpu), SCMP_SYS(getegid),
		SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getpid), SCMP_SYS(getppid),
		SCMP_SYS(getrandom), SCMP_SYS(getrusage), SCMP_SYS(gettid), SCMP_SYS(gettimeofday),
		SCMP_SYS(getuid), SCMP_SYS(kill), SCMP_SYS(nanosleep), SCMP_SYS(prctl),
		SCMP_SYS(prlimit64), SCMP_SYS(restart_syscall), SCMP_SYS(rseq),
		SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
		SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_getparam),
		SCMP_SYS(sched_getscheduler), SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_yield),
		SCMP_SYS(set_robust_list), SCMP_SYS(sigaltstack), SCMP_SYS(sysinfo),
		SCMP_SYS(tgkill), SCMP_SYS(time), SCMP_SYS(timer_create), SCMP_SYS(timer_delete),
		SCMP_SYS(timer_settime), SCMP_SYS(wait4), SCMP_SYS(waitid), SCMP_SYS(capget),
		SCMP_SYS(capset),
		/* other processes */
		SCMP_SYS(kcmp), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal),
		SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(ptrace),
		/* those who wait */
		SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait),
		SCMP_SYS(epoll_wait), SCMP_SYS(eventfd2), SCMP_SYS(poll), SCMP_SYS(ppoll),
		SCMP_SYS(pselect6), SCMP_SYS(signalfd4), SCMP_SYS(timerfd_create),
		SCMP_SYS(timerfd_settime),
		/* what is watched */
		SCMP_SYS(fanotify_init), SCMP_SYS(fanotify_mark), SCMP_SYS(inotify_add_watch),
		SCMP_SYS(inotify_init1), SCMP_SYS(inotify_rm_watch),
		/* the socket that is there already */
		SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(getpeername), SCMP_SYS(getsockname),
		SCMP_SYS(getsockopt), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
		SCMP_SYS(sendto), SCMP_SYS(setsockopt), SCMP_SYS(shutdown)};
	const struct sut_sandbox_calls calls = {
		.allowed = allowed,
		.nallowed = sizeof(allowed) / sizeof(allowed[0]),
		.otherwise = EPERM,
	};

	int r = start_parent(err);

	return r < 0 ? r : sut_sandbox_calls(&calls, err);
}
