// SPDX-License-Identifier: Apache-2.0
#include "change/frame.h"

#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/syscall.h"

/* arch/x86/include/uapi/asm/sigcontext.h, ucontext.h: what the kernel writes when it delivers a signal. */
#define UC_FP_XSTATE 1u
#define UC_SIGCONTEXT_SS 2u
#define UC_STRICT_RESTORE_SS 4u
#define MAGIC1 0x46505853u
#define MAGIC2 0x46505845u

/* include/linux/errno.h: not for user space, which never sees them. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

enum {
	FXSAVE_SOFTWARE = 464, /* where the kernel says what follows */
	XSAVE_HEADER = 64,
	XSTATE_LEGACY = FRAME_FXSAVE_LEN + XSAVE_HEADER,
	INVALID_ALTSTACK_MODE = 8,
};

struct software {
	uint32_t magic1, extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size, zero[7];
};

struct sigcontext_64 {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};

struct rt_frame {
	uint64_t restore;
	/* struct ucontext */
	uint64_t uc_flags, uc_link;
	uint64_t stack_sp;
	uint32_t stack_flags, pad;
	uint64_t stack_size;
	struct sigcontext_64 sc;
	uint64_t sigmask;
	uint8_t info[128];
};

_Static_assert(sizeof(struct software) == FRAME_FXSAVE_LEN - FXSAVE_SOFTWARE, "the rest of FXSAVE");
_Static_assert(sizeof(struct sigcontext_64) == 256, "as the kernel has it");
_Static_assert(sizeof(struct rt_frame) == 440, "as the kernel has it");

const uint8_t frame_stub[FRAME_STUB_LEN] = {
	0x0f, 0x05, 0xc3,		 /* syscall; ret */
	0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, /* mov $15, %rax */
	0x0f, 0x05,			 /* syscall */
};

/* Where each part of the state lies; CPUID is slow in a virtual machine, and each call of it may be an exit. */
static struct {
	unsigned int len, offset;
} parts[63];

static void read_parts(void)
{
	for (unsigned int i = 2; i < SUT_ARRAY_SIZE(parts); i++) {
		unsigned int c, d;

		if (!__get_cpuid_count(0xd, i, &parts[i].len, &parts[i].offset, &c, &d))
			parts[i].len = 0;
	}
}

/*
 * Only as much of the state as is in use: a kernel takes no more than the thread may have, and tells more than that where features
 * need permission (AMX).
 */
static size_t xstate_size(const struct frame_thread *t, uint64_t *features)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	size_t size = XSTATE_LEGACY;

	pthread_once(&once, read_parts);
	*features = 3;
	if (t->xstate_len == FRAME_FXSAVE_LEN)
		return FRAME_FXSAVE_LEN;
	if (t->xstate_len < XSTATE_LEGACY)
		return 0;
	memcpy(features, t->xstate + FRAME_FXSAVE_LEN, sizeof(*features));
	for (unsigned int i = 2; i < SUT_ARRAY_SIZE(parts); i++) {
		size_t end = (size_t)parts[i].offset + parts[i].len;

		if ((*features >> i & 1) && parts[i].len && parts[i].offset >= XSTATE_LEGACY &&
		    end <= t->xstate_len && end > size)
			size = end;
	}
	*features |= 3; /* what FXSAVE has is always valid */
	return size;
}

size_t frame_room(const struct frame_thread *t)
{
	uint64_t features;

	return sizeof(struct rt_frame) + 16 + xstate_size(t, &features) + sizeof(uint32_t) + 64;
}

/* Is it, at this stop, on its way out of a system call that is to be begun again? */
static bool to_restart(const struct user_regs_struct *regs)
{
	struct user_regs_struct r = *regs;
	long long ax;

	(void)syscall_restart(&r);
	ax = (long long)r.rax;
	return (long long)regs->orig_rax >= 0 &&
	       (ax == -ERESTARTSYS || ax == -ERESTARTNOINTR || ax == -ERESTARTNOHAND ||
		ax == -ERESTART_RESTARTBLOCK);
}

void frame_build(const struct frame_thread *t, uint64_t below, uint64_t restore, struct frame *ret)
{
	const struct user_regs_struct *r = &t->regs;
	struct rt_frame f = {
		.restore = restore,
		.uc_flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS,
		/* sigreturn sets the alternate stack from here, and leaves it alone when it cannot. */
		.stack_flags = INVALID_ALTSTACK_MODE,
		.sc = {.r8 = r->r8,
		       .r9 = r->r9,
		       .r10 = r->r10,
		       .r11 = r->r11,
		       .r12 = r->r12,
		       .r13 = r->r13,
		       .r14 = r->r14,
		       .r15 = r->r15,
		       .di = r->rdi,
		       .si = r->rsi,
		       .bp = r->rbp,
		       .bx = r->rbx,
		       .dx = r->rdx,
		       .ax = r->rax,
		       .cx = r->rcx,
		       .sp = r->rsp,
		       .ip = r->rip,
		       .flags = r->eflags,
		       .cs = (uint16_t)r->cs,
		       .ss = (uint16_t)r->ss},
		.sigmask = t->sigmask,
	};
	uint64_t features, fp;
	size_t size = xstate_size(t, &features);
	uint32_t magic2 = MAGIC2;

	/*
	 * rt_sigreturn forgets what restart_syscall() would need: the call itself is begun again. Its time starts anew, once, and only
	 * when we died just now.
	 */
	if (to_restart(r)) {
		f.sc.ax = r->orig_rax;
		f.sc.ip = r->rip - FRAME_SYSCALL_LEN;
	}

	fp = (below - size - sizeof(magic2)) & ~UINT64_C(63);
	/* As at the entry of a function: the stack is aligned before the return address is on it. */
	ret->at = ((fp - sizeof(f)) & ~UINT64_C(15)) - 8;
	ret->len = size ? fp + size + sizeof(magic2) - ret->at : sizeof(f);
	memset(ret->bytes, 0, ret->len);
	if (size) {
		struct software sw = {.magic1 = MAGIC1,
				      .extended_size = (uint32_t)(size + sizeof(magic2)),
				      .xfeatures = features,
				      .xstate_size = (uint32_t)size};
		uint8_t *x = ret->bytes + (fp - ret->at);

		f.sc.fpstate = fp;
		memcpy(x, t->xstate, size);
		/* A kernel that does not use XSAVE looks for neither. */
		if (size > FRAME_FXSAVE_LEN) {
			memcpy(x + FXSAVE_SOFTWARE, &sw, sizeof(sw));
			memcpy(x + size, &magic2, sizeof(magic2));
		} else {
			f.uc_flags &= ~(uint64_t)UC_FP_XSTATE;
		}
	}
	memcpy(ret->bytes, &f, sizeof(f));
}

static void common(const struct frame_thread *t, uint64_t pc, uint64_t sp,
		   struct user_regs_struct *ret)
{
	*ret = t->regs;
	ret->rip = pc;
	ret->rsp = sp;
	ret->orig_rax = (unsigned long long)-1; /* not in a system call: nothing to restart */
	ret->eflags &= ~(0x400ull | 0x100ull);	/* direction, single steps */
}

void frame_regs_syscall(const struct frame_thread *t, uint64_t pc, uint64_t sp,
			const uint64_t nr_and_args[static 7], struct user_regs_struct *ret)
{
	common(t, pc, sp, ret);
	ret->rax = nr_and_args[0];
	ret->rdi = nr_and_args[1];
	ret->rsi = nr_and_args[2];
	ret->rdx = nr_and_args[3];
	ret->r10 = nr_and_args[4];
	ret->r8 = nr_and_args[5];
	ret->r9 = nr_and_args[6];
}

void frame_regs_call(const struct frame_thread *t, uint64_t function, uint64_t sp,
		     const uint64_t args[static 2], struct user_regs_struct *ret)
{
	common(t, function, sp, ret);
	ret->rax = 0;
	ret->rdi = args[0];
	ret->rsi = args[1];
}

bool frame_64(const struct user_regs_struct *regs)
{
	return regs->cs == 0x33;
}

size_t frame_find_syscall(const uint8_t *code, size_t len)
{
	const uint8_t *s = memmem(code, len, frame_stub, 3);

	return s ? (size_t)(s - code) : SIZE_MAX;
}

size_t frame_find_restore(const uint8_t *code, size_t len)
{
	/* mov $15, %eax; syscall */
	static const uint8_t shorter[] = {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05};
	const uint8_t *s = memmem(code, len, frame_stub + 3, FRAME_STUB_LEN - 3);

	if (!s)
		s = memmem(code, len, shorter, sizeof(shorter));
	return s ? (size_t)(s - code) : SIZE_MAX;
}
