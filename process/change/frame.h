/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal frame from which the kernel itself restores a thread, and the borrowed code that leads there: what is different on
 * each architecture. Pure functions of bytes and registers.
 */
#ifndef SUTURE_PROCESS_CHANGE_FRAME_H
#define SUTURE_PROCESS_CHANGE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/user.h>

enum {
	FRAME_XSTATE_MAX = 16 << 10, /* of NT_X86_XSTATE */
	FRAME_FXSAVE_LEN = 512,	     /* of NT_PRFPREG, which is all where a CPU has no XSAVE */
	FRAME_MAX = FRAME_XSTATE_MAX + 2048,
	FRAME_RED_ZONE = 128,
	FRAME_STUB_LEN = 12,
	FRAME_SYSCALL_LEN = 2, /* of the instruction */
	FRAME_RETURN_LEN = 8,  /* of the return address that rt_sigreturn finds taken off */
};

/* What a thread has besides its memory. */
struct frame_thread {
	struct user_regs_struct regs; /* at its stop */
	uint64_t sigmask;
	uint8_t xstate[FRAME_XSTATE_MAX]; /* as PTRACE_GETREGSET gives it */
	size_t xstate_len;		  /* FRAME_FXSAVE_LEN: without a header */
};

struct frame {
	uint64_t at; /* where bytes are to be written; the stack pointer for the call */
	size_t len;
	uint8_t bytes[FRAME_MAX];
};

/* Bytes a frame for this thread needs, with everything that keeps it aligned. */
size_t frame_room(const struct frame_thread *t);

/*
 * A frame that ends at or below `below`, and whose return address is `restore`. rt_sigreturn from it gives the thread t back; a system
 * call that it was taken out of is begun again.
 */
void frame_build(const struct frame_thread *t, uint64_t below, uint64_t restore, struct frame *ret);

/* Registers with which the thread runs the instruction at pc with that stack. */
void frame_regs_syscall(const struct frame_thread *t, uint64_t pc, uint64_t sp,
			const uint64_t nr_and_args[static 7], struct user_regs_struct *ret);
void frame_regs_call(const struct frame_thread *t, uint64_t function, uint64_t sp,
		     const uint64_t args[static 2], struct user_regs_struct *ret);

/* A process of 64 bits whose code this is? */
bool frame_64(const struct user_regs_struct *regs);

/* Offsets of "syscall; ret" and of __restore_rt in a piece of code; SIZE_MAX: not there. */
size_t frame_find_syscall(const uint8_t *code, size_t len);
size_t frame_find_restore(const uint8_t *code, size_t len);
/* Both of them, for where the process has none: syscall at 0, restore at 3. */
extern const uint8_t frame_stub[FRAME_STUB_LEN];

#endif
