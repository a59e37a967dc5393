// SPDX-License-Identifier: Apache-2.0
/* Threads, children, signals: nobody notices, however many there are and whatever they do. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "trap.h"

#define VALUE "victim_value=fixed_value"

/* `times` times on and off, with a program that looks at itself meanwhile. */
static bool often(const char *mode, const char *arg, int times, bool looks)
{
	struct upatch u = {.target = built("libvictim.so"),
			   .object = built("fix.o"),
			   .replace = {VALUE, "secret=fixed_secret", "victim_left=fixed_left",
				       "victim_right=fixed_right"},
			   .busy = {"victim_pair"}};
	struct proc_patch *p = patch_of(&u);
	struct victim v;
	int before;

	MUST(start(&v, "busy", mode, arg), "start");
	before = ask(&v, 'K');
	for (int i = 0; i < times; i++) {
		struct done d = apply(v.pid, p);

		MUST_BE(d, "applied");
		MUST(ask(&v, 'v') == 2 && ask(&v, 'p') == 22, "after");
		d = revert(v.pid, p);
		MUST_BE(d, "reverted");
		MUST(ask(&v, 'v') == 1 && ask(&v, 'p') == 11, "reverted");
	}
	MUST(ask(&v, 'k') == 0, "it noticed: %d", ask(&v, 'k'));
	/* They go on. */
	for (int i = 0; looks && i < 500 && ask(&v, 'K') == before; i++)
		wait_ms(10);
	MUST(!looks || ask(&v, 'K') > before, "its checkers have stopped");
	MUST(finish(&v) == 0, "it did not end by itself");
	return true;
}

static bool registers(void)
{
	return often("spin", "3", 30, true);
}

static bool idle_16(void)
{
	return often("idle", "16", 10, false);
}

static bool idle_1024(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	struct done d;

	MUST(start(&v, "busy", "idle", "1024"), "start");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(d.res.threads >= 1025, "%u threads", d.res.threads);
	MUST(ask(&v, 'v') == 2 && ask(&v, 'k') == 0, "it noticed: %d", ask(&v, 'k'));
	d = revert(v.pid, p);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 'v') == 1 && ask(&v, 'k') == 0, "it noticed: %d", ask(&v, 'k'));
	MUST(finish(&v) == 0, "end");
	return true;
}

static bool blocking_calls(void)
{
	return often("blocked", NULL, 10, false);
}

static bool thread_storm(void)
{
	return often("spawn", "3", 20, true);
}

static bool fork_storm(void)
{
	return often("fork", "2", 20, true);
}

/* The child of vfork() sleeps for 20 ms in its parent's memory: the parent cannot be stopped meanwhile, so it is tried again. */
static bool vfork_storm(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	int applied = 0;

	MUST(start(&v, "busy", "vfork", "20"), "start");
	for (int i = 0; i < 40; i++) {
		struct done d = apply(v.pid, p);

		MUST(d.r == 0 || (d.r == -EBUSY && d.res.again), "%s: %s", d.res.reason, d.err.msg);
		if (d.r < 0) {
			wait_ms(7);
			continue;
		}
		applied++;
		MUST(ask(&v, 'v') == 2, "after");
		for (int t = 0; t < 200; t++) {
			d = revert(v.pid, p);
			if (d.r == 0)
				break;
			wait_ms(7);
		}
		MUST_BE(d, "reverted");
		MUST(ask(&v, 'v') == 1, "reverted");
	}
	MUST(applied > 0, "never");
	MUST(ask(&v, 'k') == 0, "it noticed: %d", ask(&v, 'k'));
	MUST(finish(&v) == 0, "end");
	return true;
}

static bool clone_vm_child(void)
{
	return often("clone-vm", "2", 20, true);
}

static bool signals(void)
{
	return often("signals", NULL, 50, true);
}

/* The leader has ended: by its state the process is a zombie, and its threads run. */
static bool zombie_leader(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	struct done d;

	MUST(start(&v, "busy", "no-leader", NULL), "start");
	MUST(state_of(v.pid) == 'Z', "%c", state_of(v.pid));
	MUST(ask(&v, 'v') == 1, "before");
	d = apply(v.pid, p);
	MUST(is(&d, "applied") || is(&d, "gone"), "%s: %s", d.res.reason, d.err.msg);
	MUST(ask(&v, 'v') == (d.r == 0 ? 2 : 1), "after");
	MUST(finish(&v) == 0, "end");
	return true;
}

/* A child has what its parent has; taken out of one, it stays in the other. */
static bool fork_inherits(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	struct done d;

	MUST(start(&v, "busy", "idle", "1"), "start");
	d = apply(v.pid, p);
	MUST_BE(d, "applied");
	MUST(ask(&v, 'F') == 2, "the child does not have it");
	d = revert(v.pid, p);
	MUST_BE(d, "reverted");
	MUST(ask(&v, 'F') == 1, "the child has it still");
	MUST(finish(&v) == 0, "end");
	return true;
}

/* The process becomes another program every few milliseconds. */
static bool exec_storm(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	int applied = 0, status = -1;
	char line[16];

	/* It says "ready" only at its end. */
	v.pid = fork();
	if (v.pid == 0) {
		int fd[2];

		if (pipe(fd) == 0)
			dup2(fd[0], 0);
		execl(built("busy"), "busy", "exec", "150", (char *)NULL);
		_exit(127);
	}
	(void)line;
	for (int i = 0; i < 2000 && applied < 40; i++) {
		struct done d = apply(v.pid, p);

		applied += is(&d, "applied");
		MUST(d.r == 0 || is(&d, "gone") || is(&d, "not-mapped") || is(&d, "deadline") ||
			     is(&d, "busy") || is(&d, "exec"),
		     "%s: %s", d.res.reason, d.err.msg);
		if (waitpid(v.pid, &status, WNOHANG) == v.pid)
			MUST(status == 0, "it died: %#x", status);
		if (status != -1)
			break;
		wait_ms(1);
	}
	MUST(applied > 3, "applied %d times only", applied);
	if (status == -1) {
		MUST(kill(v.pid, 0) == 0 && state_of(v.pid) != 'Z', "it died");
		kill(v.pid, SIGKILL);
	}
	return true;
}

/* Processes that end while they are patched. */
static bool exit_storm(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);

	for (int i = 0; i < 60; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			execl(built("busy"), "busy", "exec", i % 2 ? "0" : "1", (char *)NULL);
			_exit(127);
		}
		wait_ms(i % 8);
		for (int j = 0; j < 100; j++) {
			struct done d = apply(pid, p);

			MUST(d.r == 0 || is(&d, "gone") || is(&d, "not-mapped") || is(&d, "exec") ||
				     is(&d, "deadline") || is(&d, "busy"),
			     "%s: %s", d.res.reason, d.err.msg);
			if (is(&d, "gone") && waitpid(pid, &status, WNOHANG) == pid) {
				MUST(status == 0, "it died: %#x", status);
				pid = -1;
				break;
			}
		}
		if (pid > 0)
			MUST(waitpid(pid, &status, 0) == pid && status == 0, "it died: %#x",
			     status);
	}
	return true;
}

/* Two patchers at once: whoever is second is told so, and nothing is done twice. */
static bool two_patchers(void)
{
	struct proc_patch *p = patch_for("libvictim.so", VALUE);
	struct victim v;
	pid_t other;
	int status;

	MUST(start(&v, "busy", "idle", "8"), "start");
	other = fork();
	for (int i = 0; i < 40; i++) {
		struct done d = i % 2 ? revert(v.pid, p) : apply(v.pid, p);

		if (d.r < 0 && !d.res.again) {
			printf("  %s: %s\n", d.res.reason, d.err.msg);
			fflush(stdout);
			if (other == 0)
				_exit(1);
			return false;
		}
	}
	if (other == 0)
		_exit(0);
	MUST(waitpid(other, &status, 0) == other && status == 0, "the other one failed");
	for (int i = 0; i < 100; i++) {
		struct done d = apply(v.pid, p);

		if (d.r == 0)
			break;
		wait_ms(10);
	}
	MUST(ask(&v, 'v') == 2 && ask(&v, 'k') == 0, "after");
	MUST(finish(&v) == 0, "end");
	return true;
}

const struct trap traps_threads[] = {
	{"registers-and-red-zone", registers},
	{"idle-threads-16", idle_16},
	{"idle-threads-1024", idle_1024},
	{"blocking-calls", blocking_calls},
	{"thread-storm", thread_storm},
	{"fork-storm", fork_storm},
	{"vfork-child", vfork_storm},
	{"clone-vm-child", clone_vm_child},
	{"signals-in-order", signals},
	{"zombie-leader", zombie_leader},
	{"fork-inherits", fork_inherits},
	{"exec-storm", exec_storm},
	{"exit-storm", exit_storm},
	{"two-patchers", two_patchers},
	{NULL, NULL},
};
