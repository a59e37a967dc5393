// SPDX-License-Identifier: Apache-2.0
/*
 * The patcher is killed, and nobody dies of it. usage: process-torture [KILLS [SEED]]
 *
 * A process of ours applies, replaces and reverts patches in a program that looks at its own registers and answers; it is killed
 * KILLS times at random instants (100), and once instead of each call that
 * touches the other process, in turn. Each time the program goes on, is not
 * traced, runs one version of everything, and can be repaired; patching goes on where it was.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "traps/trap.h"

static struct proc_patch *one, *two;

/* What is killed: three stops, each from another state. */
static int cycle(pid_t pid)
{
	struct done d[3];

	d[0] = apply(pid, one);
	d[1] = apply(pid, two);
	d[2] = revert(pid, two);
	for (int i = 0; i < 3; i++)
		if (d[i].r < 0 && !d[i].res.again) {
			fprintf(stderr, "%s: %s\n", d[i].res.reason, d[i].err.msg);
			return 1;
		}
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* xorshift: the seed is printed, so that a run can be repeated as far as the scheduler allows. */
static uint64_t seed;

static uint64_t any(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* The patcher is dead: how is its victim? */
static bool is_well(struct victim *v, unsigned long n)
{
	int p, left, value;

	for (int i = 0; i < 500 && tracer_of(v->pid) != 0; i++)
		wait_ms(1);
	MUST(tracer_of(v->pid) == 0, "kill %lu: it is traced", n);
	/* Between two jumps it runs one function of each: until it is repaired. */
	p = ask(v, 'p');
	MUST(p / 10 >= 1 && p / 10 <= 3 && p % 10 >= 1 && p % 10 <= 3, "kill %lu: %d", n, p);
	value = ask(v, 'v');
	MUST(value >= 1 && value <= 3, "kill %lu: %d", n, value);
	left = ask(v, 'k');
	MUST(left == 0, "kill %lu: it noticed: %d", n, left);
	return true;
}

static bool is_repaired(struct victim *v, unsigned long n)
{
	struct proc_view view;
	struct sut_err err = {0};
	struct done d = repair(v->pid);
	int p, value, state;

	MUST(is(&d, "repaired") || is(&d, "current"), "kill %lu: %s: %s", n, d.res.reason,
	     d.err.msg);
	MUST(proc_look(v->pid, &one->library->build_id, 1, &view, &err) == 0, "%s", err.msg);
	state = view.nfiles == 1 && !view.files[0].half ? (int)view.files[0].level : -1;
	proc_view_release(&view);
	MUST(state >= 0, "kill %lu: half after the repair", n);
	p = ask(v, 'p');
	value = ask(v, 'v');
	/* What the record says is what runs. */
	MUST(p == 11 * (state + 1) && value == state + 1, "kill %lu: level %d, but %d and %d", n,
	     state, p, value);
	return true;
}

static struct proc_patch *make(uint32_t level)
{
	struct upatch u = {
		.target = built("libvictim.so"),
		.object = built("fix.o"),
		.replace = {level == 1 ? "victim_value=fixed_value" : "victim_value=again_value",
			    level == 1 ? "victim_left=fixed_left" : "victim_left=again_left",
			    level == 1 ? "victim_right=fixed_right" : "victim_right=again_right",
			    level == 1 ? "victim_tiny=fixed_tiny" : "victim_name=fixed_name"},
		.busy = {"victim_pair"},
		.id = level == 1 ? "U20261122_01" : "U20261122_02",
		.level = level,
		/* What was an island of one function belongs to another one. */
		.island_of = level == 1 ? "victim_left" : "victim_right",
	};

	return patch_of(&u);
}

/* In the patcher's own process: it dies with the test, but not with its parent's thread. */
static void patch_for_ever(pid_t pid)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		if (cycle(pid) != 0)
			_exit(1);
}

static bool random_kills(const char *program, const char *mode, const char *arg,
			 unsigned long kills)
{
	struct victim v;
	uint64_t begun, took;

	MUST(start(&v, program, mode, arg) && ask(&v, 'M') == 0, "start");
	begun = now_ns();
	MUST(cycle(v.pid) == 0, "a cycle");
	took = now_ns() - begun;
	for (unsigned long n = 0; n < kills; n++) {
		pid_t pid = fork();
		struct timespec t = {0};
		int status;

		if (pid == 0)
			patch_for_ever(v.pid);
		/* Somewhere in its first two cycles; the start of the process counts little. */
		t.tv_nsec = (long)(any(2 * took + 200000) % 900000000);
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		MUST(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
		     "kill %lu: the patcher had failed before: %#x", n, status);
		if (!is_well(&v, n))
			return false;
		/* Every other time the next patcher finds what is left. */
		if (n % 2 && !is_repaired(&v, n))
			return false;
	}
	MUST(is_repaired(&v, kills), "at the end");
	MUST(cycle(v.pid) == 0 && ask(&v, 'v') == 1, "it can be patched as before");
	MUST(finish(&v) == 0, "it did not end by itself");
	return true;
}

/*
 * Everything that the patcher does to another process goes through these calls (the linker sends them here): the one by the number
 * `fatal` is not made, the patcher is dead instead.
 */
static unsigned long calls, fatal;

static void count(void)
{
	if (fatal && __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) == fatal)
		kill(getpid(), SIGKILL);
}

long __real_ptrace(int request, pid_t pid, void *addr, void *data);
long __wrap_ptrace(int request, pid_t pid, void *addr, void *data);
long __real_syscall(long nr, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f);
ssize_t __real_pwrite(int fd, const void *buf, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t at);
ssize_t __real_process_vm_readv(pid_t pid, const struct iovec *local, unsigned long nlocal,
				const struct iovec *remote, unsigned long nremote,
				unsigned long flags);
ssize_t __wrap_process_vm_readv(pid_t pid, const struct iovec *local, unsigned long nlocal,
				const struct iovec *remote, unsigned long nremote,
				unsigned long flags);
pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);

long __wrap_ptrace(int request, pid_t pid, void *addr, void *data)
{
	count();
	return __real_ptrace(request, pid, addr, data);
}

long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	count();
	return __real_syscall(nr, a, b, c, d, e, f);
}

ssize_t __wrap_pwrite(int fd, const void *buf, size_t n, off_t at)
{
	count();
	return __real_pwrite(fd, buf, n, at);
}

ssize_t __wrap_process_vm_readv(pid_t pid, const struct iovec *local, unsigned long nlocal,
				const struct iovec *remote, unsigned long nremote,
				unsigned long flags)
{
	count();
	return __real_process_vm_readv(pid, local, nlocal, remote, nremote, flags);
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	count();
	return __real_waitpid(pid, status, options);
}

/* One cycle (of p alone, unless it is NULL) in a process of its own, which dies at call n. 1: it has died, 0: it had less to do; -1: it
 * failed. */
static int cycle_until(pid_t victim, unsigned long n, const struct proc_patch *p)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		calls = 0;
		fatal = n;
		_exit(p ? apply(victim, p).r || revert(victim, p).r : cycle(victim));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return 1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* The first cycle makes the images, the others use them again. */
static bool every_call(const char *program, const char *mode, const char *arg, unsigned long step)
{
	struct victim v;
	unsigned long n = 1;

	MUST(start(&v, program, mode, arg) && ask(&v, 'M') == 0, "start");
	for (int dead = 1; dead == 1; n += step) {
		dead = cycle_until(v.pid, n, NULL);
		MUST(dead >= 0, "call %lu: the patcher failed", n);
		if (!is_well(&v, n) || !is_repaired(&v, n))
			return false;
	}
	MUST(n > 60, "only %lu calls", n);
	printf("  %lu calls\n", n - step);
	MUST(finish(&v) == 0, "it did not end by itself");
	return true;
}

/* The same with a victim that has never been patched, each time: how an image comes into being. */
static bool every_first_call(unsigned long step)
{
	unsigned long n = 1;

	for (int dead = 1; dead == 1; n += step) {
		struct victim v;

		MUST(start(&v, "host", "plain", NULL), "start");
		dead = cycle_until(v.pid, n, NULL);
		MUST(dead >= 0, "call %lu: the patcher failed", n);
		if (!is_well(&v, n) || !is_repaired(&v, n))
			return false;
		MUST(cycle(v.pid) == 0, "call %lu: it cannot be patched any more", n);
		MUST(finish(&v) == 0, "call %lu: it did not end by itself", n);
		close(v.out);
	}
	printf("  %lu calls\n", n - step);
	return true;
}

/* In C++, where new code is made known to the unwinder: after each death the next patch must be, or an exception ends the program. */
static bool every_call_exceptions(unsigned long step)
{
	struct upatch u = {
		.target = built("libthrower.so"),
		.object = built("thrower-fix.o"),
		.replace = {"thrower_through=fixed_through", "thrower_catch=fixed_catch"},
		.frames = true,
	};
	struct proc_patch *p = patch_of(&u);
	unsigned long n = 1;

	for (int dead = 1; dead == 1; n += step) {
		struct victim v;
		struct done d;

		MUST(start(&v, "catcher", NULL, NULL), "start");
		dead = cycle_until(v.pid, n, p);
		MUST(dead >= 0, "call %lu: the patcher failed", n);
		MUST(ask(&v, 't') == 7, "call %lu: an exception", n);
		d = repair(v.pid);
		MUST(d.r == 0, "call %lu: %s", n, d.err.msg);
		MUST(ask(&v, 't') == 7, "call %lu: an exception after the repair", n);
		d = apply(v.pid, p);
		MUST(d.r == 0, "call %lu: %s", n, d.err.msg);
		MUST(ask(&v, 't') == 7 && ask(&v, 'c') == 9, "call %lu: exceptions in new code", n);
		d = revert(v.pid, p);
		MUST(d.r == 0, "call %lu: %s", n, d.err.msg);
		MUST(ask(&v, 'c') == 8 && finish(&v) == 0, "call %lu: the end", n);
		close(v.out);
	}
	printf("  %lu calls\n", n - step);
	proc_patch_free(p);
	return true;
}

static bool told(const char *name, bool good)
{
	printf("%s %s\n", good ? "ok" : "not ok", name);
	fflush(stdout);
	return good;
}

int main(int argc, char **argv)
{
	_cleanup_(sut_freep) char *dir = NULL;
	unsigned long kills = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;
	unsigned long step = kills < 1000 ? 7 : 1;
	struct sut_err err = {0};
	bool good = true;

	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
	seed = seed ? seed : 1;
	printf("  seed %lu\n", seed);
	if (sut_tmpdir("torture", &dir, &err) < 0 || chmod(dir, 0755) < 0 ||
	    setenv("TRAP_DIR", dir, 1) < 0) {
		fprintf(stderr, "process-torture: %s\n", err.msg);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	one = make(1);
	two = make(2);
	good &= told("killed-at-random-one-thread", random_kills("host", "plain", NULL, kills / 4));
	good &= told("killed-at-random-many-threads", random_kills("busy", "spin", "3", kills / 4));
	good &= told("killed-at-random-while-signals-arrive",
		     random_kills("busy", "signals", NULL, kills / 4));
	good &= told("killed-at-random-in-system-calls",
		     random_kills("busy", "blocked", "1", kills - kills / 4 * 3));
	good &= told("killed-before-each-call-one-thread", every_call("host", "plain", NULL, step));
	good &= told("killed-before-each-call-many-threads", every_call("busy", "spin", "2", step));
	good &= told("killed-before-each-call-first-time", every_first_call(step));
	good &= told("killed-before-each-call-exceptions", every_call_exceptions(step));
	proc_patch_free(one);
	proc_patch_free(two);
	if (sut_rm_rf(dir, &err) < 0)
		fprintf(stderr, "process-torture: %s\n", err.msg);
	return good ? 0 : 1;
}
