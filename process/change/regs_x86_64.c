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

/* From uc_stack on in ucontext_t: ss_sp, ss_flags, ss_size, then 23 registers in the order of sys/ucontext.h (glibc). */
enum { STACK = 0, SIZE = 2, R12 = 7, R13, R14, R15, RBP = 13, RBX = 14, RSP = 18, RIP = 19 };
enum { SMALLEST = 1024, LARGEST = 1 << 30 };

/* As makecontext() puts it, for a function with at most six arguments: below the link to the next context. */
uint64_t regs_context_return(const struct regs_context *c)
{
	return ((c->stack + c->stack_len - 8) & ~UINT64_C(15)) - 8;
}

bool regs_context_alive(uint64_t word)
{
	return word % 16 == 0;
}

bool regs_context(const uint64_t words[static REGS_CONTEXT_WORDS], struct regs_context *ret)
{
	if (words[SIZE] < SMALLEST || words[SIZE] > LARGEST ||
	    words[RSP] - words[STACK] > words[SIZE] || words[RSP] % 8 || !words[STACK])
		return false;
	*ret = (struct regs_context){
		.stack = words[STACK],
		.stack_len = words[SIZE],
		.regs = {.rsp = words[RSP],
			 .rip = words[RIP],
			 .rbp = words[RBP],
			 .rbx = words[RBX],
			 .r12 = words[R12],
			 .r13 = words[R13],
			 .r14 = words[R14],
			 .r15 = words[R15]},
	};
	return true;
}
