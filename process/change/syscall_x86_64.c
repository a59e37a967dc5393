// SPDX-License-Identifier: Apache-2.0
#include "change/syscall.h"

#include <errno.h>
#include <sys/syscall.h>

/* include/linux/errno.h: not for user space, which never sees it. */
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

bool syscall_restart(struct user_regs_struct *regs)
{
	/* Not in a system call, or back from a handler: the kernel has -1 there. */
	if ((long long)regs->orig_rax < 0 || (long long)regs->rax != -EINTR)
		return false;
	switch (regs->orig_rax) {
	case SYS_close: /* done also when they fail: a second time would be another file */
	case SYS_dup2:
	case SYS_dup3:
	case SYS_close_range:
		return false;
	default:
		regs->rax = (unsigned long long)-ERESTARTNOHAND;
		return true;
	}
}

bool syscall_restart_plain(struct user_regs_struct *regs)
{
	if ((long long)regs->orig_rax < 0 || (long long)regs->rax != -ERESTART_RESTARTBLOCK)
		return false;
	regs->rax = (unsigned long long)-ERESTARTNOHAND;
	return true;
}
