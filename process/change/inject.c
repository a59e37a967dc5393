// SPDX-License-Identifier: Apache-2.0
#include "change/inject.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "change/frame.h"
#include "change/seize.h"
#include "change/syscall.h"
#include "change/why.h"
#include "look/elf.h"

#define BIT(sig) (UINT64_C(1) << ((sig)-1)) /* in a mask of signals */

enum {
	STOPS_MAX = 100000, /* of one call: a function may make many system calls */
	TICK_MS = 10,	    /* how often a wait looks at the clock */
	CALL_MS =
		1000, /* in which a thread that is given the CPU begins and ends a call that does not wait */
	HALT_MS = 100, /* … stops where it is */
};

/* How a wait for the next stop ended. */
enum stop { STOP_SYSCALL, STOP_EVENT, STOP_SIGNAL };

struct call {
	struct proc *p;
	pid_t tid;
	struct frame_thread t;
	struct frame f;
	uint8_t saved[FRAME_MAX]; /* what lies where the frame is put */
	int signal;		  /* to be given to it when it goes on */
	struct seize_clock clock;
	uint64_t pc; /* where it begins what it is to do */
};

static int gone(const struct call *c, struct sut_err *err)
{
	return proc_err_gone(c->p->pid, err);
}

/* glibc declares the requests as an enum of its own. */
static long request(int what, pid_t tid, uintptr_t addr, void *data)
{
	return syscall(SYS_ptrace, (long)what, (long)tid, addr, data);
}

static int failed(const struct call *c, const char *what, struct sut_err *err)
{
	if (errno == ESRCH)
		return gone(c, err);
	return sut_err_errno(err, "Thread %d of process %d: %s", c->tid, c->p->pid, what);
}

static uint64_t in_ms(unsigned int ms)
{
	return sut_now_ns() + ms * UINT64_C(1000000);
}

/* ---- stops ---- */

static int status_of(struct call *c, int status, enum stop *ret, struct sut_err *err)
{
	int sig = WSTOPSIG(status), event = status >> 16;

	if (!WIFSTOPPED(status) || event == PTRACE_EVENT_EXEC || event == PTRACE_EVENT_EXIT)
		return gone(c, err);
	if (event == PTRACE_EVENT_STOP) {
		*ret = STOP_EVENT;
	} else if (event == 0 && (sig == SIGTRAP || sig == (SIGTRAP | 0x80))) {
		*ret = STOP_SYSCALL;
	} else if (event == 0) {
		*ret = STOP_SIGNAL;
		c->signal = sig;
	} else {
		*ret = STOP_EVENT; /* a fork of the function that was called */
	}
	return 0;
}

/*
 * Never for as long as it likes: another thread may change the code under it, or the lock of its mappings be held by one that waits for
 * whoever gives it a page. The clock interrupts.
 */
static int wait_stop(struct call *c, uint64_t deadline_ns, enum stop *ret, struct sut_err *err)
{
	int status;

	for (;;) {
		pid_t r = waitpid(c->tid, &status, __WALL | __WNOTHREAD);

		if (r == c->tid)
			return status_of(c, status, ret, err);
		if (r < 0 && errno == ECHILD)
			return gone(c, err);
		if (r < 0 && errno != EINTR)
			return failed(c, "it cannot be waited for", err);
		if (in_ms(0) > deadline_ns)
			return -ETIMEDOUT;
	}
}

static int resume(struct call *c, int how, struct sut_err *err)
{
	int sig = c->signal;

	c->signal = 0;
	if (request(how, c->tid, 0, (void *)(uintptr_t)(unsigned int)sig) < 0)
		return failed(c, "it cannot go on", err);
	return 0;
}

/* ---- what is kept ---- */

/*
 * A thread within a restartable sequence is moved to where the kernel would send it: while it is elsewhere the kernel
 * forgets the sequence, and another thread may have its CPU's data when it comes back.
 */
static void leave_rseq(struct call *c)
{
	struct __ptrace_rseq_configuration conf = {0};
	struct {
		uint32_t version, flags;
		uint64_t start, len, abort;
	} cs;
	uint64_t ptr;

	if (request(PTRACE_GET_RSEQ_CONFIGURATION, c->tid, sizeof(conf), &conf) < 0 ||
	    !conf.rseq_abi_pointer ||
	    proc_read(c->p, conf.rseq_abi_pointer + 8, &ptr, sizeof(ptr)) < 0 || !ptr ||
	    proc_read(c->p, ptr, &cs, sizeof(cs)) < 0)
		return;
	if (c->t.regs.rip - cs.start < cs.len)
		c->t.regs.rip = cs.abort;
}

/* A thread that is held where a system call begins: it has not begun, and is begun again afterwards. */
static void leave_entry(struct call *c)
{
	struct __ptrace_syscall_info i = {0};

	if (request(PTRACE_GET_SYSCALL_INFO, c->tid, sizeof(i), &i) <= 0 ||
	    i.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	c->t.regs.rax = c->t.regs.orig_rax;
	c->t.regs.rip -= FRAME_SYSCALL_LEN;
	c->t.regs.orig_rax = (unsigned long long)-1;
}

/* Its large parts are written before they are read. */
static struct call *call_new(struct proc *p, pid_t tid)
{
	struct call *c = malloc(sizeof(*c));

	if (!c)
		return NULL;
	c->p = p;
	c->tid = tid;
	c->signal = 0;
	c->clock = (struct seize_clock){.ticking = false};
	memset(&c->t.regs, 0, sizeof(c->t.regs));
	c->t.sigmask = 0;
	c->t.xstate_len = 0;
	c->f.at = 0;
	c->f.len = 0;
	return c;
}

static int keep(struct call *c, struct sut_err *err)
{
	struct iovec x = {c->t.xstate, sizeof(c->t.xstate)};

	if (request(PTRACE_GETREGS, c->tid, 0, &c->t.regs) < 0)
		return failed(c, "its registers cannot be read", err);
	if (!frame_64(&c->t.regs))
		return sut_err_reason(
			err, EOPNOTSUPP, "32-bit",
			"Thread %d of process %d runs 32-bit code. Restart the process "
			"with the updated package.",
			c->tid, c->p->pid);
	/* ENODEV: a CPU without XSAVE, as emulated ones are by default. */
	if (request(PTRACE_GETREGSET, c->tid, NT_X86_XSTATE, &x) < 0 &&
	    (errno != ENODEV || request(PTRACE_GETREGSET, c->tid, NT_PRFPREG, &x) < 0))
		return failed(c, "its vector registers cannot be read", err);
	c->t.xstate_len = x.iov_len;
	if (request(PTRACE_GETSIGMASK, c->tid, sizeof(c->t.sigmask), &c->t.sigmask) < 0)
		return failed(c, "its signal mask cannot be read", err);
	leave_entry(c);
	leave_rseq(c);
	if (c->p->seccomp)
		(void)syscall_restart_plain(&c->t.regs);
	return 0;
}

/* ---- where the frame lies ---- */

struct tail {
	const struct proc *p;
	uint64_t at, room;
};

/* What a file's variables leave of their last page belongs to nobody. But ld.so has its first heap there, and musl gives all to malloc. */
static bool tail_of(void *ctx, const struct proc_elf *e)
{
	struct tail *t = ctx;
	const struct proc_map *m = proc_map_at(t->p, e->data_end - 1);
	const char *path = t->p->maps[e->map].path;

	if (strstr(path, "ld-musl")) {
		t->room = 0;
		return false;
	}
	if (!e->data_end || !m || !m->w || m->shared || e->high - e->data_end <= t->room ||
	    m->end < e->high || strstr(path, "/ld-"))
		return true;
	t->room = e->high - e->data_end;
	t->at = e->high;
	return true;
}

/* Below the stack pointer and the red zone; or, when the stack has not grown so far yet, in what no variable uses. */
static int find_place(struct call *c, uint64_t *below, struct sut_err *err)
{
	uint64_t sp = c->t.regs.rsp, need = frame_room(&c->t);
	const struct proc_map *m = sp > need + FRAME_RED_ZONE ? proc_map_at(c->p, sp - 1) : NULL;
	struct elf_mem mem = elf_mem_of(c->p);
	struct tail t = {.p = c->p};

	if (m && m->w && sp - FRAME_RED_ZONE - need >= m->start) {
		*below = sp - FRAME_RED_ZONE;
		return 0;
	}
	elf_each(&mem, c->p->maps, c->p->nmaps, tail_of, &t);
	if (t.room < need)
		return sut_err_reason(
			err, EBUSY, "busy",
			"Thread %d of process %d has no room on its stack for a signal. "
			"Try again.",
			c->tid, c->p->pid);
	*below = t.at;
	return 0;
}

/* ---- one call ---- */

/* Is what we wrote where the thread will find it? */
static bool has_frame(const struct call *c)
{
	uint8_t is[FRAME_MAX];

	return proc_read(c->p, c->f.at, is, c->f.len) == 0 && !memcmp(is, c->f.bytes, c->f.len);
}

/*
 * The order matters, because we may die between any two lines. Until the registers are set nothing has changed but dead memory;
 * from then on the frame brings everything back.
 */
static int begin(struct call *c, const struct inject_gadgets *g, uint64_t function,
		 const uint64_t *args, struct sut_err *err)
{
	/*
	 * All but what the thread itself brings upon it: a signal of that kind that is blocked costs the process its handler, for good. We
	 * see it first, and it gets no further: fell().
	 */
	uint64_t blocked = ~(BIT(SIGSYS) | BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGILL) | BIT(SIGFPE) |
			     BIT(SIGTRAP));
	uint64_t below = 0;
	struct user_regs_struct r;
	int rc;

	rc = seize_start_clock(&c->clock, TICK_MS, err);
	if (rc < 0)
		return rc;
	rc = keep(c, err);
	if (rc < 0)
		return rc;
	rc = find_place(c, &below, err);
	if (rc < 0)
		return rc;
	frame_build(&c->t, below, g->restore, &c->f);
	if (proc_read(c->p, c->f.at, c->saved, c->f.len) < 0)
		return sut_err_set(err, EIO, "The stack of thread %d cannot be read.", c->tid);
	/* A thread that has become another program since we looked has no such stack in the memory that we know. */
	if (!proc_same_memory(c->p, c->f.at, c->saved, c->f.len))
		return gone(c, err);
	rc = proc_write(c->p, c->f.at, c->f.bytes, c->f.len, err);
	if (rc < 0)
		return rc;
	if (!has_frame(c)) {
		rc = proc_write(c->p, c->f.at, c->saved, c->f.len, err);
		return rc < 0 ? rc : gone(c, err);
	}
	if (function)
		frame_regs_call(&c->t, function, c->f.at, args, &r);
	else
		frame_regs_syscall(&c->t, g->syscall, c->f.at, args, &r);
	c->pc = r.rip;
	if (request(PTRACE_SETREGS, c->tid, 0, &r) < 0)
		return failed(c, "its registers cannot be set", err);
	if (request(PTRACE_SETSIGMASK, c->tid, sizeof(blocked), &blocked) < 0)
		return failed(c, "its signal mask cannot be set", err);
	return 0;
}

/* On to a stop at which the kernel looks at signals and at what is to be begun again, before anything else of the thread runs. */
static int to_event(struct call *c, uint64_t deadline_ns, struct sut_err *err)
{
	enum stop stop;
	int r;

	if (request(PTRACE_INTERRUPT, c->tid, 0, NULL) < 0)
		return failed(c, "it cannot be interrupted", err);
	do {
		r = resume(c, PTRACE_CONT, err);
		if (r == 0)
			r = wait_stop(c, deadline_ns, &stop, err);
	} while (r == 0 && stop != STOP_EVENT);
	return r;
}

/* It does not stop: what it does in the kernel lasts. Left alone it comes back by its frame, whatever becomes of us. */
static int lasts(const struct call *c, struct sut_err *err)
{
	return sut_err_reason(err, EBUSY, "deadline",
			      "Thread %d of process %d did not end what it was to do within %d ms. "
			      "It is tried again.",
			      c->tid, c->p->pid, CALL_MS);
}

static int settle(struct call *c, struct sut_err *err)
{
	int r = to_event(c, in_ms(CALL_MS), err);

	return r == -ETIMEDOUT ? lasts(c, err) : r;
}

/* The same for one that may be running. -ETIMEDOUT: it does not stop. */
static int halt(struct call *c, bool running)
{
	uint64_t until = in_ms(HALT_MS);
	enum stop stop;
	int r;

	if (running) {
		if (request(PTRACE_INTERRUPT, c->tid, 0, NULL) < 0)
			return -errno;
		r = wait_stop(c, until, &stop, NULL);
		if (r < 0 || stop == STOP_EVENT)
			return r;
	}
	return to_event(c, until, NULL);
}

/* Everything as it was. The registers come last but for dead memory: until then the frame would do it. */
static int restore(struct call *c, bool vectors, struct sut_err *err)
{
	struct iovec x = {c->t.xstate, c->t.xstate_len};
	unsigned int set = x.iov_len == FRAME_FXSAVE_LEN ? NT_PRFPREG : NT_X86_XSTATE;

	if (vectors && request(PTRACE_SETREGSET, c->tid, set, &x) < 0)
		return failed(c, "its vector registers cannot be set", err);
	if (request(PTRACE_SETSIGMASK, c->tid, sizeof(c->t.sigmask), &c->t.sigmask) < 0)
		return failed(c, "its signal mask cannot be set", err);
	if (request(PTRACE_SETREGS, c->tid, 0, &c->t.regs) < 0)
		return failed(c, "its registers cannot be set", err);
	return proc_write(c->p, c->f.at, c->saved, c->f.len, err);
}

/* The thread fell over what we had it do: nothing of that is to reach it. */
static int fell(struct call *c, struct sut_err *err)
{
	int sig = c->signal, r;

	c->signal = 0;
	r = settle(c, err);
	if (r == 0)
		r = restore(c, true, err);
	if (r < 0)
		return r;
	if (sig == SIGSYS)
		return sut_err_reason(err, EBUSY, "busy",
				      "Thread %d of process %d is in code whose system calls it "
				      "sends to itself (PR_SET_SYSCALL_USER_DISPATCH: Wine). Try "
				      "again.",
				      c->tid, c->p->pid);
	return sut_err_set(err, EIO, "Thread %d of process %d could not do what it was to do: %s.",
			   c->tid, c->p->pid, strsignal(sig));
}

/* Lets it run to the entry of its next system call. 1: there; 0: another stop, go on; -ETIMEDOUT: it runs. A stop by SIGSTOP goes on as
 * for anybody, but not before this is done. */
static int to_entry(struct call *c, uint64_t deadline_ns, struct __ptrace_syscall_info *ret,
		    struct sut_err *err)
{
	struct __ptrace_syscall_info i = {0};
	enum stop stop;
	int r;

	r = resume(c, PTRACE_SYSCALL, err);
	if (r == 0)
		r = wait_stop(c, deadline_ns, &stop, err);
	if (r < 0)
		return r;
	if (stop == STOP_SIGNAL && c->signal != SIGSTOP)
		return fell(c, err);
	if (stop != STOP_SYSCALL)
		return 0;
	if (request(PTRACE_GET_SYSCALL_INFO, c->tid, sizeof(i), &i) <= 0)
		return failed(c, "its system call cannot be seen", err);
	if (i.op != PTRACE_SYSCALL_INFO_ENTRY)
		return 0;
	*ret = i;
	return 1;
}

/*
 * Is it the call that we have set up, and no other? Borrowed code lies in memory of the process, and other threads of it run: they
 * may have changed it after we looked. The filter of this thread is put aside, so what it begins must be ours.
 */
static bool is_ours(const struct __ptrace_syscall_info *i, const uint64_t nr_and_args[static 7])
{
	if (i->arch != AUDIT_ARCH_X86_64 || i->entry.nr != nr_and_args[0])
		return false;
	for (int k = 0; k < 6; k++)
		if (i->entry.args[k] != nr_and_args[k + 1])
			return false;
	return true;
}

static int took_another_way(struct call *c, struct sut_err *err)
{
	return sut_err_reason(err, EBADMSG, "mismatch",
			      "Thread %d of process %d was to do a system call and did something "
			      "else: its code is changed while it runs. Find out who does that.",
			      c->tid, c->p->pid);
}

/* It is about to begin a call that is none of ours: it does not. */
static int refuse_call(struct call *c, struct sut_err *err)
{
	struct user_regs_struct regs;
	int r;

	if (request(PTRACE_GETREGS, c->tid, 0, &regs) < 0)
		return failed(c, "its registers cannot be read", err);
	regs.orig_rax = (unsigned long long)-1;
	if (request(PTRACE_SETREGS, c->tid, 0, &regs) < 0)
		return failed(c, "its registers cannot be set", err);
	r = settle(c, err);
	if (r == 0)
		r = restore(c, true, err);
	return r < 0 ? r : took_another_way(c, err);
}

/* It runs, and does not come to where it was sent. */
static int stray(struct call *c, struct sut_err *err)
{
	int r = halt(c, true);
	struct user_regs_struct regs;
	bool never_ran;

	never_ran = r == 0 && request(PTRACE_GETREGS, c->tid, 0, &regs) == 0 && regs.rip == c->pc;
	if (r == 0)
		r = restore(c, true, err);
	if (r == -ETIMEDOUT)
		return lasts(c, err);
	if (r < 0 || !never_ran)
		return r < 0 ? r : took_another_way(c, err);
	/* Its group was frozen just now, or nobody let it run. */
	r = why_frozen(c->p->pid, err);
	return r < 0 ? r : lasts(c, err);
}

static void call_free(struct call *c)
{
	seize_stop_clock(&c->clock);
	free(c);
}

static void call_freep(struct call **c)
{
	if (*c)
		call_free(*c);
}

static int do_syscall(struct call *c, const uint64_t nr_and_args[static 7], int64_t *ret,
		      struct sut_err *err)
{
	struct __ptrace_syscall_info i = {0};
	struct user_regs_struct regs;
	uint64_t until = in_ms(CALL_MS);
	int r = 0;

	for (size_t n = 0; r == 0; n++)
		r = n == STOPS_MAX ? sut_err_set(err, EIO, "Thread %d does not get on.", c->tid)
				   : to_entry(c, until, &i, err);
	if (r == -ETIMEDOUT)
		return stray(c, err);
	if (r < 0)
		return r;
	if (!is_ours(&i, nr_and_args))
		return refuse_call(c, err);
	/* It does the call, and is stopped before it returns from it. */
	r = settle(c, err);
	if (r == 0 && request(PTRACE_GETREGS, c->tid, 0, &regs) < 0)
		r = failed(c, "its registers cannot be read", err);
	if (r == 0)
		r = restore(c, false, err);
	if (r == 0)
		*ret = (int64_t)regs.rax;
	return r;
}

int inject_syscall(struct proc *p, pid_t tid, const struct inject_gadgets *g,
		   const uint64_t nr_and_args[static 7], int64_t *ret, struct sut_err *err)
{
	_cleanup_(call_freep) struct call *c = call_new(p, tid);
	int r;

	if (!c)
		return sut_err_oom(err);
	r = begin(c, g, 0, nr_and_args, err);
	return r < 0 ? r : do_syscall(c, nr_and_args, ret, err);
}

int inject_call(struct proc *p, pid_t tid, const struct inject_gadgets *g, uint64_t function,
		const uint64_t args[static 2], unsigned int timeout_ms, struct sut_err *err)
{
	_cleanup_(call_freep) struct call *c = call_new(p, tid);
	struct __ptrace_syscall_info i = {0};
	uint64_t deadline = in_ms(timeout_ms);
	bool back = false;
	int r;

	if (!c)
		return sut_err_oom(err);
	r = begin(c, g, function, args, err);
	if (r < 0)
		return r;
	/* Its return is the entry of the rt_sigreturn, which brings everything back by itself: a patcher may die at any moment. */
	for (size_t n = 0; n < STOPS_MAX && r >= 0 && !back; n++) {
		r = to_entry(c, deadline, &i, err);
		back = r == 1 && i.entry.nr == SYS_rt_sigreturn &&
		       i.stack_pointer == c->f.at + FRAME_RETURN_LEN;
	}
	if (r < 0 && r != -ETIMEDOUT)
		return r;
	/* Let go it ends by itself: from wherever it is, its way back is the frame. */
	if (!back) {
		r = halt(c, r == -ETIMEDOUT);
		return r < 0 && r != -ETIMEDOUT
			       ? gone(c, err)
			       : sut_err_set(err, ETIMEDOUT,
					     "Process %d: the function at %#" PRIx64
					     " did not return within %u ms.",
					     p->pid, function, timeout_ms);
	}
	r = settle(c, err);
	return r == 0 ? proc_write(p, c->f.at, c->saved, c->f.len, err) : r;
}
