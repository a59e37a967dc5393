// SPDX-License-Identifier: Apache-2.0
/* What a process is in the middle of: stopped, traced, frozen, asleep, gone; and who may do what to it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "look/proc.h"
#include "trap.h"

#define VALUE "victim_value=fixed_value"

static bool wait_state(pid_t pid, char state)
{
	for (int i = 0; i < 300; i++) {
		if (state_of(pid) == state)
			return true;
		wait_ms(10);
	}
	printf("  %d is %c, not %c\n", pid, state_of(pid), state);
	return false;
}

/* Who was stopped by SIGSTOP stays so, is patched, and goes on when it is told. Nobody is told anything by us. */
static bool stopped_stays_stopped(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	int status;

	MUST(start(&v, "busy", "spin", "2"), "start");
	for (int i = 0; i < 5; i++) {
		struct done d;

		/* Where it stops may be inside of what is to change: then it runs on, and stops elsewhere. */
		for (int tries = 0;; tries++) {
			MUST(kill(v.pid, SIGSTOP) == 0 &&
				     waitpid(v.pid, &status, WUNTRACED) == v.pid,
			     "stop");
			MUST(WIFSTOPPED(status) && wait_state(v.pid, 'T'), "stop");
			d = i % 2 ? revert(v.pid, p) : apply(v.pid, p);
			if (d.r != -EBUSY || tries == 50)
				break;
			MUST(wait_state(v.pid, 'T'), "it is %c", state_of(v.pid));
			MUST(kill(v.pid, SIGCONT) == 0 &&
				     waitpid(v.pid, &status, WCONTINUED) == v.pid,
			     "continue");
		}
		MUST_BE(d, i % 2 ? "reverted" : "applied");
		/* The kernel itself takes it from one stop to the other; it runs nothing of its own. */
		MUST(wait_state(v.pid, 'T'), "it is %c", state_of(v.pid));
		for (int j = 0; j < 20; j++) {
			MUST(state_of(v.pid) == 'T', "it is %c", state_of(v.pid));
			wait_ms(1);
		}
		MUST(waitpid(v.pid, &status, WNOHANG | WCONTINUED | WUNTRACED) == 0,
		     "its parent was told something: %#x", status);
		MUST(kill(v.pid, SIGCONT) == 0 && waitpid(v.pid, &status, WCONTINUED) == v.pid &&
			     WIFCONTINUED(status),
		     "continue");
		MUST(ask(&v, 'v') == (i % 2 ? 1 : 2), "after");
	}
	MUST(ask(&v, 'k') == 0, "it noticed: %d", ask(&v, 'k'));
	MUST(finish(&v) == 0, "end");
	return true;
}

/* SIGSTOP and SIGCONT while it is patched again and again. */
static bool stop_and_continue_meanwhile(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	pid_t other;
	int status;

	MUST(start(&v, "busy", "spin", "2"), "start");
	other = fork();
	if (other == 0)
		for (int i = 0;; i++) {
			kill(v.pid, i % 2 ? SIGCONT : SIGSTOP);
			wait_ms(3);
		}
	for (int i = 0; i < 60; i++) {
		struct done d = i % 2 ? revert(v.pid, p) : apply(v.pid, p);

		MUST(d.r == 0 || d.res.again, "%s: %s", d.res.reason, d.err.msg);
	}
	kill(other, SIGKILL);
	waitpid(other, &status, 0);
	kill(v.pid, SIGCONT);
	MUST(ask(&v, 'k') == 0, "it noticed: %d", ask(&v, 'k'));
	MUST(finish(&v) == 0, "end");
	return true;
}

/* The parent of a patched process waits for its children: there is nothing to be told. */
static bool parent_sees_nothing(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	siginfo_t info;

	MUST(start(&v, "busy", "idle", "4"), "start");
	for (int i = 0; i < 20; i++) {
		/* We are the parent and the patcher: what is left to wait for is for the parent. */
		struct done d = i % 2 ? revert(v.pid, p) : apply(v.pid, p);

		MUST(d.r == 0, "%s", d.err.msg);
		memset(&info, 0, sizeof(info));
		MUST(waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT) ==
				     0 &&
			     info.si_pid == 0,
		     "its parent was told %d", info.si_code);
	}
	MUST(finish(&v) == 0, "end");
	return true;
}

/* Runs a tracer that is none of ours; *ret: its pid. */
static bool traced_by(struct victim *v, const char *const *argv, pid_t *ret)
{
	*ret = fork();
	if (*ret == 0) {
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	for (int i = 0; i < 1000 && tracer_of(v->pid) == 0; i++)
		wait_ms(10);
	MUST(tracer_of(v->pid) == *ret, "%s does not trace it", argv[0]);
	return true;
}

static bool refused_while_traced(struct victim *v, pid_t tracer)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	char number[16];
	struct done d = apply(v->pid, p);

	MUST_BE(d, "traced");
	MUST(d.res.again, "it could be tried again");
	snprintf(number, sizeof(number), "%d", tracer);
	MUST(strstr(d.err.msg, number) != NULL, "\"%s\" does not name %s", d.err.msg, number);
	MUST(tracer_of(v->pid) == tracer, "its tracer has lost it");
	kill(tracer, SIGKILL);
	waitpid(tracer, NULL, 0);
	for (int i = 0; i < 500 && tracer_of(v->pid) != 0; i++)
		wait_ms(10);
	kill(v->pid, SIGCONT);
	d = apply(v->pid, p);
	MUST_BE(d, "applied");
	MUST(ask(v, 'v') == 2 && finish(v) == 0, "end");
	return true;
}

static bool traced(void)
{
	struct victim v;
	pid_t tracer;

	MUST(start(&v, "host", "plain", NULL), "start");
	tracer = fork();
	if (tracer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ptrace(PTRACE_SEIZE, v.pid, NULL, NULL) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	for (int i = 0; i < 500 && tracer_of(v.pid) == 0; i++)
		wait_ms(10);
	return refused_while_traced(&v, tracer);
}

static bool by_strace(void)
{
	char number[16];
	const char *const argv[] = {"strace", "-qq", "-o", "/dev/null", "-p", number, NULL};
	struct victim v;
	pid_t tracer;

	MUST(start(&v, "host", "plain", NULL), "start");
	snprintf(number, sizeof(number), "%d", v.pid);
	return traced_by(&v, argv, &tracer) && refused_while_traced(&v, tracer);
}

static bool by_gdb(void)
{
	char number[16];
	const char *const argv[] = {"gdb", "-nx", "-q", "-p", number, "-ex", "shell sleep 20",
				    NULL};
	struct victim v;
	pid_t tracer;

	MUST(start(&v, "host", "plain", NULL), "start");
	snprintf(number, sizeof(number), "%d", v.pid);
	return traced_by(&v, argv, &tracer) && refused_while_traced(&v, tracer);
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* base: where cgroups of that version are; file, on, off: how they are frozen. */
static bool frozen(const char *base, const char *file, const char *on, const char *off)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	const char *group = sut_sprintf("%s/suture-test-%d", base, getpid());
	const char *switch_file = sut_sprintf("%s/%s", group, file);
	struct victim v;
	struct done d;
	char number[16];
	bool good;

	MUST(mkdir(group, 0755) == 0, "%s: %s", group, strerror(errno));
	/* Freezing by itself ends what cannot be begun again, such as epoll_wait(): so not a program that waits there. */
	MUST(start(&v, "busy", "spin", "2"), "start");
	snprintf(number, sizeof(number), "%d", v.pid);
	good = put(sut_sprintf("%s/cgroup.procs", group), number) && put(switch_file, on);
	wait_ms(100);
	d = apply(v.pid, p);
	if (good)
		good = put(switch_file, off);
	if (is(&d, "frozen")) {
		struct done again = apply(v.pid, p);

		if (!is(&again, "applied"))
			printf("  thawed: %s: %s\n", again.res.reason, again.err.msg);
		good = good && is(&again, "applied") && ask(&v, 'v') == 2 && ask(&v, 'k') == 0;
	}
	good = finish(&v) == 0 && good;
	for (int i = 0; i < 100 && rmdir(group) < 0; i++)
		wait_ms(10);
	MUST_BE(d, "frozen");
	MUST(d.res.again, "it could be tried again");
	MUST(good, "after it was thawed");
	return true;
}

static bool frozen_v2(void)
{
	const char *base = access("/sys/fs/cgroup/cgroup.procs", W_OK) == 0
				   ? "/sys/fs/cgroup"
				   : "/sys/fs/cgroup/unified";

	return frozen(base, "cgroup.freeze", "1", "0");
}

/* The freezer of old cgroups is not on every machine. */
static bool frozen_v1(void)
{
	if (access("/sys/fs/cgroup/freezer/cgroup.procs", W_OK) < 0)
		return true;
	return frozen("/sys/fs/cgroup/freezer", "freezer.state", "FROZEN", "THAWED");
}

static bool uninterruptible(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	struct done d;

	MUST(start(&v, "busy", "uninterruptible", NULL), "start");
	MUST(wait_state(v.pid, 'D'), "state");
	d = apply(v.pid, p);
	MUST_BE(d, "uninterruptible");
	MUST(d.res.again, "it could be tried again");
	/* Its child ends now, and it is an ordinary process again. */
	MUST(write(v.in, "x", 1) == 1 && wait_state(v.pid, 'S'), "go on");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&v, 'v') == 2 && finish(&v) == 0, "end");
	return true;
}

/* A thread that does many, as the workers of the daemon. */
struct worker {
	pid_t pid;
	const struct proc_patch *patch;
	struct done d[2];
};

static void *work(void *arg)
{
	const struct proc_options o = {.deadline_us = 100000, .tries = 1, .here = true};
	struct worker *w = arg;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	w->d[0] = apply_with(w->pid, w->patch, &o);
	if (!w->d[0].res.stuck)
		w->d[1] = revert_with(w->pid, w->patch, &o);
	return NULL;
}

static bool worker_ends(void)
{
	struct worker w = {.patch = patch_for("libvictim.so", VALUE)};
	struct victim v;
	pthread_t t;

	MUST(start(&v, "busy", "uninterruptible", NULL), "start");
	MUST(wait_state(v.pid, 'D'), "state");
	w.pid = v.pid;
	MUST(pthread_create(&t, NULL, work, &w) == 0 && pthread_join(t, NULL) == 0, "thread");
	MUST_BE(w.d[0], "uninterruptible");
	MUST(w.d[0].res.stuck, "it can't be let go by that thread");
	MUST(tracer_of(v.pid) == 0, "it was let go with it");
	MUST(write(v.in, "x", 1) == 1 && wait_state(v.pid, 'S'), "go on");
	MUST(pthread_create(&t, NULL, work, &w) == 0 && pthread_join(t, NULL) == 0, "thread");
	MUST_BE(w.d[0], "applied");
	MUST(!w.d[0].res.stuck, "nobody is left");
	MUST_BE(w.d[1], "reverted");
	MUST(ask(&v, 'v') == 1 && finish(&v) == 0, "end");
	return true;
}

static bool gone(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	struct done d;
	pid_t zombie = fork();

	if (zombie == 0)
		_exit(0);
	wait_ms(50);
	d = apply(zombie, p);
	MUST_BE(d, "gone");
	waitpid(zombie, NULL, 0);
	d = apply(zombie, p);
	MUST_BE(d, "gone");
	MUST(start(&v, "host", "plain", NULL) && finish(&v) == 0, "start");
	d = revert(v.pid, p);
	MUST_BE(d, "gone");
	return true;
}

static bool kernel_thread(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct done d = apply(2, p);

	/* In a container pid 2 is something else. */
	if (access("/proc/2/exe", F_OK) == 0)
		return true;
	MUST(is(&d, "kernel-thread") || is(&d, "gone"), "%s: %s", d.res.reason, d.err.msg);
	return true;
}

/* Pid 1 of a namespace of its own: the test's, not the machine's. */
static bool in_pid_namespace(bool (*f)(void))
{
	int status;
	pid_t pid;

	MUST(unshare(CLONE_NEWPID | CLONE_NEWNS) == 0, "unshare: %s", strerror(errno));
	MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		bool good;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		good = mount("proc", "/proc", "proc", 0, NULL) == 0 && f();
		fflush(stdout);
		_exit(good ? 0 : 1);
	}
	MUST(waitpid(pid, &status, 0) == pid && status == 0, "%#x", status);
	return true;
}

static bool init_is_left_alone_inside(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct proc_options o = {.init = true};
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct done d = apply(1, p);
		bool good = is(&d, "init");

		/* With the option it is looked at, and there is nothing to be done. */
		d = apply_with(1, p, &o);
		good = good && is(&d, "not-mapped");
		if (!good)
			printf("  \"%s\": %s\n", d.res.reason, d.err.msg);
		fflush(stdout);
		_exit(good ? 0 : 1);
	}
	MUST(waitpid(pid, &status, 0) == pid && status == 0, "%#x", status);
	return true;
}

static bool init_is_left_alone(void)
{
	return in_pid_namespace(init_is_left_alone_inside);
}

/* The pid is given to another process between two looks. */
static bool pid_reuse_inside(void)
{
	struct proc *p = NULL;
	struct sut_err err = {0};
	struct victim v, other;
	char byte, number[16];
	int r;

	MUST(start(&v, "host", "plain", NULL), "start");
	MUST(proc_open(v.pid, &p, &err) == 0, "%s", err.msg);
	MUST(proc_refresh(p, &err) == 0, "%s", err.msg);
	kill(v.pid, SIGKILL);
	waitpid(v.pid, NULL, 0);
	snprintf(number, sizeof(number), "%d", v.pid - 1);
	MUST(put("/proc/sys/kernel/ns_last_pid", number), "ns_last_pid: %s", strerror(errno));
	MUST(start(&other, "host", "plain", NULL), "start");
	MUST(other.pid == v.pid, "%d is not %d", other.pid, v.pid);
	r = proc_refresh(p, &err);
	MUST(r == -ESRCH, "%d: %s", r, err.msg);
	(void)byte;
	proc_close(p);
	MUST(finish(&other) == 0, "end");
	return true;
}

static bool pid_reuse(void)
{
	return in_pid_namespace(pid_reuse_inside);
}

/*
 * kernel.yama.ptrace_scope 3 forbids ptrace() and what uses its rights to everybody, until the next boot. Here a filter in the
 * patcher does it: the calls fail with the same error.
 */
static bool no_ptrace(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog prog = {SUT_ARRAY_SIZE(code), code};
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	struct done d;

	MUST(start(&v, "host", "plain", NULL), "start");
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		     prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == 0,
	     "seccomp");
	d = apply(v.pid, p);
	MUST_BE(d, "no-ptrace");
	MUST(ask(&v, 'v') == 1 && finish(&v) == 0, "end");
	return true;
}

/* The same, only for the switch: what can be read can still not be changed. */
static bool no_ptrace_but_reading(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog prog = {SUT_ARRAY_SIZE(code), code};
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	struct done d;

	MUST(start(&v, "host", "plain", NULL), "start");
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		     prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == 0,
	     "seccomp");
	d = apply(v.pid, p);
	MUST_BE(d, "no-ptrace");
	MUST(ask(&v, 'v') == 1 && finish(&v) == 0, "end");
	return true;
}

/* Whoever has no rights is told so, and does not touch the process of somebody else. */
static bool without_rights(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	int status;
	pid_t pid;

	MUST(start(&v, "host", "plain", NULL), "start");
	pid = fork();
	if (pid == 0) {
		struct done d;

		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(3);
		d = apply(v.pid, p);
		if (!is(&d, "no-ptrace"))
			printf("  \"%s\": %s\n", d.res.reason, d.err.msg);
		fflush(stdout);
		_exit(is(&d, "no-ptrace") ? 0 : 1);
	}
	MUST(waitpid(pid, &status, 0) == pid && status == 0, "%#x", status);
	MUST(ask(&v, 'v') == 1 && finish(&v) == 0, "end");
	return true;
}

const struct trap traps_states[] = {
	{"stopped-stays-stopped", stopped_stays_stopped},
	{"stop-and-continue-meanwhile", stop_and_continue_meanwhile},
	{"parent-sees-nothing", parent_sees_nothing},
	{"traced", traced},
	{"traced-by-strace", by_strace},
	{"traced-by-gdb", by_gdb},
	{"frozen-cgroup", frozen_v2},
	{"frozen-freezer", frozen_v1},
	{"uninterruptible", uninterruptible},
	{"worker-ends", worker_ends},
	{"gone", gone},
	{"kernel-thread", kernel_thread},
	{"init-left-alone", init_is_left_alone},
	{"pid-reuse", pid_reuse},
	{"ptrace-forbidden", no_ptrace},
	{"ptrace-forbidden-reading-allowed", no_ptrace_but_reading},
	{"without-rights", without_rights},
	{NULL, NULL},
};
