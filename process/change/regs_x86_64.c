// SPDX-License-Identifier: Apache-2.0
#include "change/regs.h"

#include <string.h>

uint64_t regs_pc(const struct user_regs_struct *regs)
{
	return regs->rip;
}

uint64_t regs_sp(const struct user_regs_struct *regs)
{
	return regs->rsp;
}

uint64_t regs_tls(const struct user_regs_struct *regs)
{
	return regs->fs_base;
}

void regs_dwarf(const struct user_regs_struct *regs, uint64_t ret[static REGS_DWARF])
{
	const uint64_t in_order[REGS_DWARF] = {
		regs->rax, regs->rdx, regs->rcx, regs->rbx, regs->rsi, regs->rdi,
		regs->rbp, regs->rsp, regs->r8,	 regs->r9,  regs->r10, regs->r11,
		regs->r12, regs->r13, regs->r14, regs->r15, regs->rip,
	};

	memcpy(ret, in_order, sizeof(in_order));
}
