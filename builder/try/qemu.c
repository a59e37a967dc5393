// SPDX-License-Identifier: Apache-2.0
#include "try/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/str.h"

#define QEMU "qemu-system-x86_64"

/* A VM that is done powers itself off; this long is allowed for it. */
enum { POWEROFF_SEC = 10 };

/* Descriptors of the serial ports in the child. */
enum { CONSOLE_FD = 10, RESULT_FD = 11, QEMU_OUT_MAX = 64 << 10 };

struct vm {
	pid_t pid;
	int console, result, said; /* our ends; -1 at end of file; said: QEMU's own messages */
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Ends QEMU when it still runs. Returns its wait status, or -1. */
static int vm_end(struct vm *vm, bool force)
{
	int st = -1;

	if (vm->pid > 0) {
		if (force)
			kill(vm->pid, SIGKILL);
		while (waitpid(vm->pid, &st, 0) < 0 && errno == EINTR)
			;
		vm->pid = -1;
	}
	close_end(&vm->console);
	close_end(&vm->result);
	close_end(&vm->said);
	return st;
}

static void vm_release(struct vm *vm)
{
	vm_end(vm, true);
}

/* A comma in a value of -drive is written twice. */
static int add_drive(struct sut_strv *argv, unsigned int unit, const char *mode, const char *path)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT((size_t)3 * PATH_MAX);
	int r = sut_buf_addf(&b, "if=pflash,format=raw,unit=%u,%s,file=", unit, mode);

	for (; r == 0 && *path; path++) {
		if (*path == ',')
			r = sut_buf_add(&b, ",", 1);
		if (r == 0)
			r = sut_buf_add(&b, path, 1);
	}
	if (r < 0 || (r = sut_strv_add(argv, "-drive")) < 0)
		return r;
	return sut_strv_add(argv, sut_buf_str(&b));
}

/* What the firmware writes into its variables is forgotten at the end. */
static int add_firmware(struct sut_strv *argv, const char *vars)
{
	int r = add_drive(argv, 0, "readonly=on", SUT_VM_OVMF);

	return r < 0 ? r : add_drive(argv, 1, "snapshot=on", vars);
}

static int command(const struct sut_vm_opts *o, struct sut_strv *argv)
{
	/* A panic ends the VM at once (-no-reboot); an oops is a panic. KASLR stays on. */
	static const char line[] = "console=ttyS0,115200 panic=1 oops=panic loglevel=8 "
				   "printk.devkmsg=on rdinit=/init";
	int r = 0;

	/*
	 * The virtual CPUs take turns in one thread. In a thread each, QEMU loses a race when one of
	 * them changes code that another one runs: that one goes on taking a breakpoint that is gone
	 * (seen with QEMU 7.2 and the kernel's own static keys). And a pause would be as long as the
	 * host needs to schedule all threads.
	 */
	const char *const fixed[] = {
		QEMU,	   "-nodefaults", "-no-user-config", "-display",
		"none",	   "-no-reboot",  "-accel",	     "tcg,thread=single",
		"-kernel", o->kernel,	  "-initrd",	     o->initrd,
		"-cpu",	   o->cpu,
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(fixed) && r == 0; i++)
		r = sut_strv_add(argv, fixed[i]);
	if (r == 0 && o->uefi)
		r = add_firmware(argv, o->uefi);
	if (r < 0 || (r = sut_strv_add(argv, "-smp")) < 0 ||
	    (r = sut_strv_addf(argv, "%u", o->cpus)) < 0 || (r = sut_strv_add(argv, "-m")) < 0 ||
	    (r = sut_strv_addf(argv, "%u", o->memory_mb)) < 0 ||
	    (r = sut_strv_add(argv, "-append")) < 0 ||
	    (r = sut_strv_addf(argv, "%s%s%s", line, o->append ? " " : "",
			       o->append ? o->append : "")) < 0 ||
	    (r = sut_strv_add(argv, "-serial")) < 0 ||
	    (r = sut_strv_addf(argv, "file:/dev/fd/%d", CONSOLE_FD)) < 0 ||
	    (r = sut_strv_add(argv, "-serial")) < 0)
		return r;
	return sut_strv_addf(argv, "file:/dev/fd/%d", RESULT_FD);
}

/* Only async-signal-safe calls. */
static void exec_child(char *const argv[], int console, int result, int said, int status)
{
	int null = open("/dev/null", O_RDONLY), e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The pipes are well above these numbers or equal to them: see start(). */
	if (null < 0 || dup2(null, 0) < 0 || dup2(said, 1) < 0 || dup2(said, 2) < 0 ||
	    dup2(console, CONSOLE_FD) < 0 || dup2(result, RESULT_FD) < 0)
		goto fail;
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
fail:
	e = errno;
	if (write(status, &e, sizeof(e)) < 0)
		_exit(126);
	_exit(127);
}

/* A pipe whose ends do not collide with the fixed numbers of the child. */
static int high_pipe(int fd[2])
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	fd[0] = fcntl(p[0], F_DUPFD_CLOEXEC, RESULT_FD + 1);
	fd[1] = fcntl(p[1], F_DUPFD_CLOEXEC, RESULT_FD + 1);
	close(p[0]);
	close(p[1]);
	return fd[0] < 0 || fd[1] < 0 ? -EMFILE : 0;
}

static int start(const struct sut_vm_opts *o, struct vm *vm, struct sut_err *err)
{
	int con[2] = {-1, -1}, res[2] = {-1, -1}, said[2] = {-1, -1}, st[2] = {-1, -1};
	_cleanup_strv_ struct sut_strv argv = {0};
	int e = 0, r;
	ssize_t n;

	if (o->uefi && access(SUT_VM_OVMF, R_OK) < 0)
		return sut_err_set(err, ENOENT,
				   "there is no UEFI firmware (" SUT_VM_OVMF
				   "); install the package ovmf (scripts/setup does)");
	if (o->uefi && access(o->uefi, R_OK) < 0)
		return sut_err_errno(err, "cannot read the variables of the firmware, %s", o->uefi);
	if (command(o, &argv) < 0)
		return sut_err_oom(err);
	if (high_pipe(con) < 0 || high_pipe(res) < 0 || high_pipe(said) < 0 || high_pipe(st) < 0) {
		r = sut_err_errno(err, "cannot create a pipe for " QEMU);
		goto out;
	}
	vm->pid = fork();
	if (vm->pid < 0) {
		r = sut_err_errno(err, "cannot start " QEMU);
		goto out;
	}
	if (vm->pid == 0)
		exec_child(argv.v, con[1], res[1], said[1], st[1]);
	close_end(&st[1]);
	do
		n = read(st[0], &e, sizeof(e));
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(e)) {
		r = sut_err_set(err, e,
				"cannot run " QEMU ": %s; install the package "
				"qemu-system-x86 (scripts/setup does)",
				strerror(e));
		goto out;
	}
	vm->console = sut_steal_fd(&con[0]);
	vm->result = sut_steal_fd(&res[0]);
	vm->said = sut_steal_fd(&said[0]);
	r = 0;
out:
	close_end(&con[0]);
	close_end(&con[1]);
	close_end(&res[0]);
	close_end(&res[1]);
	close_end(&said[0]);
	close_end(&said[1]);
	close_end(&st[0]);
	close_end(&st[1]);
	return r;
}

/* What passes the buffer's maximum is dropped: a VM that floods its console
 * must still come to its end. */
static void drain(int *fd, struct sut_buf *b)
{
	uint8_t chunk[16384];
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		close_end(fd);
	else if (sut_buf_add(b, chunk, (size_t)n) < 0)
		return;
}

static bool contains(const struct sut_buf *b, size_t *from, const char *text)
{
	size_t len = strlen(text);
	bool found = b->len > *from && memmem(b->data + *from, b->len - *from, text, len);

	if (!found && b->len >= len)
		*from = b->len - len + 1;
	return found;
}

int sut_vm_run(const struct sut_vm_opts *o, struct sut_buf *console, struct sut_buf *result,
	       struct sut_err *err)
{
	_cleanup_(vm_release) struct vm vm = {.pid = -1, .console = -1, .result = -1, .said = -1};
	_cleanup_buf_ struct sut_buf said = SUT_BUF_INIT(QEMU_OUT_MAX);
	size_t seen_ready = 0, seen_done = 0, before;
	bool ready = false, done = false;
	double end;
	int r;

	r = start(o, &vm, err);
	if (r < 0)
		return r;
	end = sut_now_s() + o->boot_sec;
	while (vm.console >= 0 || vm.result >= 0 || vm.said >= 0) {
		struct pollfd p[] = {
			{vm.console, POLLIN, 0}, {vm.result, POLLIN, 0}, {vm.said, POLLIN, 0}};
		double left = end - sut_now_s();

		if (left <= 0)
			break;
		if (poll(p, SUT_ARRAY_SIZE(p), (int)(left * 1000) + 1) < 0 && errno != EINTR)
			return sut_err_errno(err, "cannot wait for " QEMU);
		before = result->len;
		if (p[0].revents)
			drain(&vm.console, console);
		if (p[1].revents)
			drain(&vm.result, result);
		if (p[2].revents)
			drain(&vm.said, &said);
		if (result->len != before && o->progress)
			o->progress(o->arg, result);
		if (!ready && contains(result, &seen_ready, o->ready)) {
			ready = true;
			end = sut_now_s() + o->timeout_sec;
		}
		if (ready && !done && contains(result, &seen_done, o->done)) {
			done = true;
			end = sut_now_s() + POWEROFF_SEC;
		}
	}
	if (done)
		return 0;
	if (sut_now_s() >= end) {
		if (ready)
			return sut_err_set(err, ETIMEDOUT,
					   "the virtual machine was not done after "
					   "%u s (--timeout)",
					   o->timeout_sec);
		return sut_err_set(err, EAGAIN, "the virtual machine had not booted after %u s",
				   o->boot_sec);
	}
	vm_end(&vm, false);
	if (!ready && !console->len)
		return sut_err_set(err, EIO, QEMU " ended before the kernel said anything: %s",
				   said.len ? sut_buf_str(&said) : "no message");
	return sut_err_set(err, ready ? EIO : EAGAIN,
			   "the virtual machine ended %s (a kernel panic, "
			   "or memory too small); the console log tells more",
			   ready ? "in the middle of its work" : "while it booted");
}
