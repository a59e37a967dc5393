// SPDX-License-Identifier: Apache-2.0
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(99);
}

bool fault_changes_files(long nr, const unsigned long long args[6])
{
	switch (nr) {
	case SYS_openat:
		return args[2] & (O_CREAT | O_TRUNC);
	case SYS_open:
		return args[1] & (O_CREAT | O_TRUNC);
	/* Standard output and error are not what is meant. */
	case SYS_write:
	case SYS_writev:
	case SYS_pwrite64:
		return args[0] > 2;
	case SYS_fsync:
	case SYS_fdatasync:
	case SYS_ftruncate:
	case SYS_fallocate:
	case SYS_rename:
	case SYS_renameat:
	case SYS_renameat2:
	case SYS_link:
	case SYS_linkat:
	case SYS_symlink:
	case SYS_symlinkat:
	case SYS_unlink:
	case SYS_unlinkat:
	case SYS_mkdir:
	case SYS_mkdirat:
	case SYS_rmdir:
	case SYS_chmod:
	case SYS_fchmod:
	case SYS_fchmodat:
	case SYS_fchown:
	case SYS_copy_file_range:
	case SYS_openat2:
		return true;
	default:
		return false;
	}
}

static void set_syscall(pid_t pid, bool entry, long value)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0)
		die("PTRACE_GETREGS");
	if (entry)
		regs.orig_rax = (unsigned long long)value;
	else
		regs.rax = (unsigned long long)value;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) < 0)
		die("PTRACE_SETREGS");
}

/* At the entry of a system call: is it the one? */
static bool is_hit(const struct fault_plan *plan, struct fault_result *r,
		   const struct __ptrace_syscall_info *info)
{
	unsigned long long args[6];
	bool changes;

	for (int i = 0; i < 6; i++)
		args[i] = info->entry.args[i];
	changes = fault_changes_files((long)info->entry.nr, args);
	r->syscalls++;
	r->changes += changes;
	return (plan->kind == FAULT_KILL && r->syscalls == plan->n) ||
	       (plan->kind == FAULT_ERROR && changes && r->changes == plan->n);
}

static int end_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void trace(pid_t pid, const struct fault_plan *plan, struct fault_result *r)
{
	bool pending = false;
	int status, sig = 0;

	for (;;) {
		struct __ptrace_syscall_info info;

		if (ptrace(PTRACE_SYSCALL, pid, NULL, sig) < 0 && errno != ESRCH)
			die("PTRACE_SYSCALL");
		sig = 0;
		if (waitpid(pid, &status, 0) < 0)
			die("waitpid");
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			r->status = end_of(status);
			return;
		}
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			/* Events (exec) have a status above the signal and are not passed on. */
			sig = status >> 16 ? 0 : WSTOPSIG(status);
			continue;
		}
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) < 0)
			die("PTRACE_GET_SYSCALL_INFO");
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY && is_hit(plan, r, &info)) {
			r->nr = (long)info.entry.nr;
			if (plan->kind == FAULT_KILL) {
				kill(pid, SIGKILL);
				continue;
			}
			set_syscall(pid, true, -1);
			pending = true;
		} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && pending) {
			set_syscall(pid, false, -plan->error);
			pending = false;
		}
	}
}

static int child(int (*fn)(void *arg), void *arg, const struct fault_plan *plan, uint64_t *allocs)
{
	int r;

	if (fault_alloc_arm)
		fault_alloc_arm(plan->kind == FAULT_ALLOC ? plan->n : 0);
	r = fn(arg);
	if (fault_alloc_disarm)
		*allocs = fault_alloc_disarm();
	return r;
}

void fault_run(int (*fn)(void *arg), void *arg, const struct fault_plan *plan,
	       struct fault_result *ret)
{
	struct fault_result r = {.nr = -1};
	/* Seen by both, whatever becomes of the child. */
	uint64_t *allocs = mmap(NULL, sizeof(*allocs), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	if (allocs == MAP_FAILED)
		die("mmap");
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		/* Allocations are not seen by ptrace: without it the child is much faster. */
		if (plan->kind != FAULT_ALLOC) {
			if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
				_exit(99);
			raise(SIGSTOP);
		}
		_exit(child(fn, arg, plan, allocs));
	}
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	if (plan->kind == FAULT_ALLOC) {
		r.status = end_of(status);
	} else {
		if (!WIFSTOPPED(status))
			die("the child did not stop");
		if (ptrace(PTRACE_SETOPTIONS, pid, NULL,
			   PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC) < 0)
			die("PTRACE_SETOPTIONS");
		trace(pid, plan, &r);
	}
	r.allocs = *allocs;
	munmap(allocs, sizeof(*allocs));
	*ret = r;
}
