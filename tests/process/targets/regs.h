/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers, flags and the red zone of a thread: filled with known values, left alone for a while, and looked at again. Whoever
 * stops the thread meanwhile, or has it do something else, must leave no trace.
 */
#ifndef SUTURE_TESTS_REGS_H
#define SUTURE_TESTS_REGS_H

#include <stdint.h>
#include <string.h>

struct regs_state {
	uint64_t general[13]; /* rax rbx rcx rdx rsi rdi r8 … r14 */
	uint64_t xmm[16][2];
	uint64_t red[16];
	uint64_t turns; /* how long it waits: in r15 */
};

/* Returns 0, or 1 + the number of the word that is another one. */
static inline int regs_check(uint64_t seed, uint64_t turns)
{
	struct regs_state in, out;
	uint64_t *w = (uint64_t *)&in;
	void *from = &in, *to = &out;

	for (size_t i = 0; i < sizeof(in) / 8; i++)
		w[i] = seed * 0x9e3779b97f4a7c15u + i * 0x0101010101010101u;
	in.turns = turns;
	memset(&out, 0, sizeof(out));
	/* The structures are reached by the stack pointer alone: every other register is filled. rbp stays, the compiler may need it. */
	__asm__ volatile("subq $512, %%rsp\n\t"
			 ".cfi_adjust_cfa_offset 512\n\t"
			 "movq %[in], %%r14\n\t"
			 "movq %[out], %%r15\n\t"
			 "movq %%r15, 128(%%rsp)\n\t"
			 ".set i, 0\n\t"
			 ".rept 16\n\t"
			 "movq 360+8*i(%%r14), %%rax\n\t"
			 "movq %%rax, -128+8*i(%%rsp)\n\t"
			 ".set i, i+1\n\t"
			 ".endr\n\t"
			 "movdqu 104(%%r14), %%xmm0\n\t"
			 "movdqu 120(%%r14), %%xmm1\n\t"
			 "movdqu 136(%%r14), %%xmm2\n\t"
			 "movdqu 152(%%r14), %%xmm3\n\t"
			 "movdqu 168(%%r14), %%xmm4\n\t"
			 "movdqu 184(%%r14), %%xmm5\n\t"
			 "movdqu 200(%%r14), %%xmm6\n\t"
			 "movdqu 216(%%r14), %%xmm7\n\t"
			 "movdqu 232(%%r14), %%xmm8\n\t"
			 "movdqu 248(%%r14), %%xmm9\n\t"
			 "movdqu 264(%%r14), %%xmm10\n\t"
			 "movdqu 280(%%r14), %%xmm11\n\t"
			 "movdqu 296(%%r14), %%xmm12\n\t"
			 "movdqu 312(%%r14), %%xmm13\n\t"
			 "movdqu 328(%%r14), %%xmm14\n\t"
			 "movdqu 344(%%r14), %%xmm15\n\t"
			 "movq 488(%%r14), %%r15\n\t"
			 "movq (%%r14), %%rax\n\t"
			 "movq 8(%%r14), %%rbx\n\t"
			 "movq 16(%%r14), %%rcx\n\t"
			 "movq 24(%%r14), %%rdx\n\t"
			 "movq 32(%%r14), %%rsi\n\t"
			 "movq 40(%%r14), %%rdi\n\t"
			 "movq 48(%%r14), %%r8\n\t"
			 "movq 56(%%r14), %%r9\n\t"
			 "movq 64(%%r14), %%r10\n\t"
			 "movq 72(%%r14), %%r11\n\t"
			 "movq 80(%%r14), %%r12\n\t"
			 "movq 88(%%r14), %%r13\n\t"
			 "movq 96(%%r14), %%r14\n\t"
			 /* Carry stays set: dec does not touch it. */
			 "stc\n\t"
			 "1: decq %%r15\n\t"
			 "jnc 2f\n\t"
			 "jnz 1b\n\t"
			 "2: movq 128(%%rsp), %%r15\n\t"
			 "movq %%rax, (%%r15)\n\t"
			 "sbbq %%rax, %%rax\n\t"
			 "movq %%rax, 488(%%r15)\n\t"
			 "movq %%rbx, 8(%%r15)\n\t"
			 "movq %%rcx, 16(%%r15)\n\t"
			 "movq %%rdx, 24(%%r15)\n\t"
			 "movq %%rsi, 32(%%r15)\n\t"
			 "movq %%rdi, 40(%%r15)\n\t"
			 "movq %%r8, 48(%%r15)\n\t"
			 "movq %%r9, 56(%%r15)\n\t"
			 "movq %%r10, 64(%%r15)\n\t"
			 "movq %%r11, 72(%%r15)\n\t"
			 "movq %%r12, 80(%%r15)\n\t"
			 "movq %%r13, 88(%%r15)\n\t"
			 "movq %%r14, 96(%%r15)\n\t"
			 "movdqu %%xmm0, 104(%%r15)\n\t"
			 "movdqu %%xmm1, 120(%%r15)\n\t"
			 "movdqu %%xmm2, 136(%%r15)\n\t"
			 "movdqu %%xmm3, 152(%%r15)\n\t"
			 "movdqu %%xmm4, 168(%%r15)\n\t"
			 "movdqu %%xmm5, 184(%%r15)\n\t"
			 "movdqu %%xmm6, 200(%%r15)\n\t"
			 "movdqu %%xmm7, 216(%%r15)\n\t"
			 "movdqu %%xmm8, 232(%%r15)\n\t"
			 "movdqu %%xmm9, 248(%%r15)\n\t"
			 "movdqu %%xmm10, 264(%%r15)\n\t"
			 "movdqu %%xmm11, 280(%%r15)\n\t"
			 "movdqu %%xmm12, 296(%%r15)\n\t"
			 "movdqu %%xmm13, 312(%%r15)\n\t"
			 "movdqu %%xmm14, 328(%%r15)\n\t"
			 "movdqu %%xmm15, 344(%%r15)\n\t"
			 ".set i, 0\n\t"
			 ".rept 16\n\t"
			 "movq -128+8*i(%%rsp), %%rax\n\t"
			 "movq %%rax, 360+8*i(%%r15)\n\t"
			 ".set i, i+1\n\t"
			 ".endr\n\t"
			 "addq $512, %%rsp\n\t"
			 ".cfi_adjust_cfa_offset -512\n\t"
			 : [in] "+D"(from), [out] "+S"(to)
			 :
			 : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13",
			   "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
			   "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
			   "xmm15", "cc", "memory");
	if (out.turns != UINT64_MAX)
		return (int)(sizeof(in) / 8);
	in.turns = out.turns;
	for (size_t i = 0; i < sizeof(in) / 8; i++)
		if (w[i] != ((uint64_t *)&out)[i])
			return (int)i + 1;
	return 0;
}

#endif
