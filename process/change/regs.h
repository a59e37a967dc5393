/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of a stopped thread as unwinders number them, and the names of those that matter here. One file for each architecture. */
#ifndef SUTURE_PROCESS_CHANGE_REGS_H
#define SUTURE_PROCESS_CHANGE_REGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/user.h>

enum { REGS_DWARF = 17 };

uint64_t regs_pc(const struct user_regs_struct *regs);
uint64_t regs_sp(const struct user_regs_struct *regs);
/* Where the thread's own data begin: with every libc that we know, at the upper end of its stack. */
uint64_t regs_tls(const struct user_regs_struct *regs);

/* A context that rests, as makecontext() and swapcontext() keep it in memory. */
struct regs_context {
	uint64_t stack, stack_len;
	struct user_regs_struct regs; /* those that a call preserves */
};

/* Words that are looked at, the first being that of the stack's address. */
enum { REGS_CONTEXT_WORDS = 20 };

/*
 * Of a coroutine that has come to its end the context is still in memory, and says where it rested before. But the word to which its
 * function returned is another one then. Where it lies; and whether it is as it was made: the beginning of a function, not a
 * place behind a call.
 */
uint64_t regs_context_return(const struct regs_context *c);
bool regs_context_alive(uint64_t word);

/* False when these are not the words of one, whose stack pointer lies in its stack. */
bool regs_context(const uint64_t words[static REGS_CONTEXT_WORDS], struct regs_context *ret);

/* In the order of DWARF. */
void regs_dwarf(const struct user_regs_struct *regs, uint64_t ret[static REGS_DWARF]);

#endif
