// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include "serve/catch_arch.h"

enum { SYSCALL_LEN = 2 }; /* bytes of the instruction */

const uint64_t catch_nr_exec = SYS_execve;

enum catch_call catch_call(uint64_t nr)
{
	switch (nr) {
	case SYS_open:
	case SYS_openat:
	case SYS_openat2:
		return CATCH_OPEN;
	case SYS_close:
		return CATCH_CLOSE;
	case SYS_mmap:
		return CATCH_MMAP;
	case SYS_mprotect:
		return CATCH_MPROTECT;
	case SYS_munmap:
		return CATCH_MUNMAP;
	case SYS_execve:
	case SYS_execveat:
		return CATCH_EXEC;
	case SYS_write:
	case SYS_pwrite64:
	case SYS_writev:
	case SYS_sendfile:
	case SYS_splice:
	case SYS_copy_file_range:
	case SYS_fadvise64:
	case SYS_ioctl:
	case SYS_getdents64:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_poll:
	case SYS_ppoll:
	case SYS_select:
	case SYS_pselect6:
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_wait4:
	case SYS_waitid:
	case SYS_clone:
	case SYS_clone3:
	case SYS_fork:
	case SYS_vfork:
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
		return CATCH_READER;
	default:
		return CATCH_OTHER;
	}
}

int catch_state(pid_t tid, uint64_t *ret_nr, int64_t *ret_value)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, tid, 0, &r) < 0)
		return -errno;
	if ((int64_t)r.orig_rax < 0)
		return -ENOENT;
	*ret_nr = r.orig_rax;
	*ret_value = (int64_t)r.rax;
	return 0;
}

void catch_restart(pid_t tid)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, tid, 0, &r) < 0 || (int64_t)r.orig_rax < 0 ||
	    (int64_t)r.rax != -EINTR)
		return;
	r.rax = r.orig_rax;
	r.rip -= SYSCALL_LEN;
	r.orig_rax = UINT64_MAX;
	ptrace(PTRACE_SETREGS, tid, 0, &r);
}
