// SPDX-License-Identifier: Apache-2.0
#include "serve/catch.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "look/proc.h"
#include "serve/catch_arch.h"
#include "serve/deal.h"

enum { PAGE = 4096, SYSCALL_STOP = SIGTRAP | 0x80, TICK_MS = 20 };

/* Microseconds. */
#define CATCH_US (CATCH_MS * INT64_C(1000))
#define EXEC_US                                                                                    \
	INT64_C(200) /* so long does SEIZE of one who executes a program take when it need not wait */

int catch_elf(const uint8_t *head, size_t len, struct catch_elf *ret)
{
	struct catch_elf e = {.low = UINT64_MAX};
	Elf64_Ehdr h;

	if (len < sizeof(h))
		return -ENOEXEC;
	memcpy(&h, head, sizeof(h));
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_phentsize != sizeof(Elf64_Phdr))
		return -ENOEXEC;
	for (size_t i = 0; i < h.e_phnum; i++) {
		uint64_t at = h.e_phoff + i * sizeof(Elf64_Phdr);
		Elf64_Phdr p;

		if (h.e_phoff > len || at > len || len - at < sizeof(p))
			return -ENOEXEC;
		memcpy(&p, head + at, sizeof(p));
		if (p.p_type == PT_LOAD) {
			e.loads++;
			if (e.low == UINT64_MAX)
				e.low = p.p_vaddr & ~(uint64_t)(PAGE - 1);
		} else if (p.p_type == PT_GNU_RELRO && p.p_memsz <= UINT64_MAX - p.p_vaddr) {
			/* Rounded as the dynamic linker does it. */
			e.relro = p.p_vaddr & ~(uint64_t)(PAGE - 1);
			e.relro_end = (p.p_vaddr + p.p_memsz) & ~(uint64_t)(PAGE - 1);
		}
	}
	if (!e.loads)
		return -ENOEXEC;
	*ret = e;
	return 0;
}

/* ------------------------------------------------------------------ */

struct catch_alarm {
	timer_t timer;
};

/*
 * Whoever executes a program holds a lock of his process from before its file (before Linux 6.8), or its dynamic linker's, is opened
 * until the new program is in place, and SEIZE waits for that lock: he would wait for us, and we for him, for ever. No signal ends
 * SEIZE either: it begins again by itself. So the handler allows the file; and SEIZE comes through while the kernel still maps the program.
 */
static __thread const struct catch_calls *volatile seizing;

static void ring(int sig _unused_)
{
	const struct catch_calls *calls = seizing;
	int saved = errno;

	seizing = NULL;
	if (calls)
		calls->allow(calls->ctx);
	errno = saved;
}

int catch_alarm_new(struct catch_alarm **ret)
{
	const struct sigaction on = {.sa_handler = ring}; /* without SA_RESTART */
	struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 3};
	struct catch_alarm *a = calloc(1, sizeof(*a));
	sigset_t set;

	if (!a)
		return -ENOMEM;
	ev._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	sigemptyset(&set);
	sigaddset(&set, ev.sigev_signo);
	if (sigaction(ev.sigev_signo, &on, NULL) < 0 ||
	    timer_create(CLOCK_MONOTONIC, &ev, &a->timer) < 0) {
		int r = -errno;

		free(a);
		return r;
	}
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	*ret = a;
	return 0;
}

void catch_alarm_free(struct catch_alarm *a)
{
	if (a)
		timer_delete(a->timer);
	free(a);
}

/* Again and again: one may come just before the wait begins. 0: no more. */
static void alarm_in(struct catch_alarm *a, int64_t us)
{
	const struct itimerspec t = {
		.it_value = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000},
		.it_interval = {.tv_nsec = us ? TICK_MS * 1000000L : 0},
	};

	timer_settime(a->timer, 0, &t, NULL);
}

/* ------------------------------------------------------------------ */

enum outcome { FOLLOW, LET_GO };

struct follow {
	struct catch *c;
	struct catch_alarm *alarm;
	int64_t until_ms;
	bool interrupted; /* by us, because it is over */
	bool again;	  /* something is left to do, which the rescan will see to */
	unsigned int stops;
	/* The system call that it is in. */
	uint64_t nr, args[6];
};

static pid_t leader_of(pid_t tid)
{
	_cleanup_(sut_closep) int fd = (int)syscall(SYS_pidfd_open, tid, 0);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 10);
	char path[32];
	const char *s;

	if (fd >= 0)
		return tid;
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	if (sut_file_read(path, &b, NULL) < 0)
		return tid;
	s = strstr(sut_buf_str(&b), "\nTgid:");
	return s ? (pid_t)strtol(s + 6, NULL, 10) : tid;
}

static bool needs_relocation(const struct catch_file *f)
{
	return f->want->patch->library->nimports || f->want->patch->library->frames;
}

/* The file is where it will stay, and no code of it has run. true: nothing more to do for it. */
static bool patch(struct follow *fo, const struct catch_file *f)
{
	struct catch *c = fo->c;
	const struct proc_options o = {.init = c->w->init};
	struct proc_result res = {0};
	struct sut_err err = {0};
	int r;

	if (deal_alone(c->w, c->pid))
		return true;
	alarm_in(fo->alarm, 0);
	r = proc_apply_held(c->pid, c->tid, f->want->patch, &o, &res, &err);
	alarm_in(fo->alarm, CATCH_US);
	if (r < 0)
		fo->again = true;
	return r == 0;
}

static void drop(struct catch *c, size_t i)
{
	pthread_mutex_lock(&c->lock);
	c->n--;
	memmove(&c->files[i], &c->files[i + 1], (c->n - i) * sizeof(c->files[0]));
	pthread_mutex_unlock(&c->lock);
}

/* All segments are mapped: patched now, or when it is relocated. */
static void placed(struct follow *fo, size_t i)
{
	struct catch_file *f = &fo->c->files[i];

	f->placed = true;
	if (needs_relocation(f)) {
		/* Nothing would tell us when. The rescan comes soon. */
		if (f->elf.relro == f->elf.relro_end) {
			fo->again = true;
			drop(fo->c, i);
		}
		return;
	}
	if (patch(fo, f))
		drop(fo->c, i);
}

/* A program or its dynamic linker, mapped by the kernel. */
static void after_exec(struct follow *fo)
{
	struct catch *c = fo->c;

	for (size_t i = c->n; i-- > 0;) {
		struct catch_file *f = &c->files[i];
		struct proc_elf e;
		struct proc *p;

		if (!f->opening) { /* of the program that was there before */
			drop(c, i);
			continue;
		}
		f->opening = false;
		if (!needs_relocation(f)) {
			placed(fo, i);
		} else if (proc_open(c->pid, &p, NULL) == 0) {
			if (proc_elf_find(p, f->want->build_id, &e, 1) == 1) {
				f->base = e.bias + f->elf.low;
				placed(fo, i);
			} else {
				drop(c, i);
			}
			proc_close(p);
		}
	}
}

static void after_open(struct follow *fo, int64_t fd)
{
	struct catch *c = fo->c;

	for (size_t i = c->n; i-- > 0;) {
		if (!c->files[i].opening)
			continue;
		c->files[i].opening = false;
		c->files[i].fd = (int)fd;
		if (fd < 0)
			drop(c, i);
	}
}

static void after_mmap(struct follow *fo, uint64_t at)
{
	struct catch *c = fo->c;

	for (size_t i = 0; i < c->n; i++) {
		struct catch_file *f = &c->files[i];

		if (f->placed || f->fd < 0 || (int)fo->args[4] != f->fd)
			continue;
		if (fo->args[5] == 0 && !f->base)
			f->base = at;
		f->mapped++;
		if (fo->args[2] & PROT_EXEC)
			f->exec = true;
		if (f->exec && f->base && f->mapped >= f->elf.loads)
			placed(fo, i);
		return;
	}
}

static void after_close(struct follow *fo)
{
	struct catch *c = fo->c;

	for (size_t i = 0; i < c->n; i++) {
		struct catch_file *f = &c->files[i];

		if (f->fd < 0 || f->placed || (int)fo->args[0] != f->fd)
			continue;
		if (f->exec && f->base)
			placed(fo, i);
		else
			drop(c, i);
		return;
	}
}

static void after_mprotect(struct follow *fo)
{
	struct catch *c = fo->c;

	for (size_t i = 0; i < c->n; i++) {
		struct catch_file *f = &c->files[i];
		uint64_t relro = f->base - f->elf.low + f->elf.relro;

		if (!f->placed || fo->args[0] != relro || fo->args[2] != PROT_READ)
			continue;
		if (!patch(fo, f))
			fo->again = true;
		drop(c, i);
		return;
	}
}

/* It could not be loaded after all. */
static void after_munmap(struct follow *fo)
{
	struct catch *c = fo->c;

	for (size_t i = c->n; i-- > 0;)
		if (c->files[i].base >= fo->args[0] && c->files[i].base - fo->args[0] < fo->args[1])
			drop(c, i);
}

static void after(struct follow *fo, int64_t value)
{
	bool error = value < 0 && value >= -4095;

	switch (catch_call(fo->nr)) {
	case CATCH_EXEC:
		if (error)
			after_open(fo, -1);
		else
			after_exec(fo);
		break;
	case CATCH_OPEN:
		after_open(fo, value);
		break;
	case CATCH_MMAP:
		if (!error)
			after_mmap(fo, (uint64_t)value);
		break;
	case CATCH_CLOSE:
		after_close(fo);
		break;
	case CATCH_MPROTECT:
		if (!error)
			after_mprotect(fo);
		break;
	case CATCH_MUNMAP:
		if (!error)
			after_munmap(fo);
		break;
	case CATCH_READER:
	case CATCH_OTHER:
		break;
	}
}

/* Who does what no linker does, or a lot, with a file that is not mapped yet. */
static bool is_reader(const struct follow *fo)
{
	const struct catch *c = fo->c;
	bool unmapped = false;

	if (catch_call(fo->nr) != CATCH_READER && fo->stops < CATCH_READER_STOPS)
		return false;
	for (size_t i = 0; i < c->n; i++)
		unmapped = unmapped || (c->files[i].fd >= 0 && !c->files[i].placed);
	return unmapped;
}

static enum outcome at_call(struct follow *fo)
{
	struct __ptrace_syscall_info i;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, fo->c->tid, sizeof(i), &i) <= 0)
		return LET_GO;
	if (i.op == PTRACE_SYSCALL_INFO_ENTRY) {
		fo->nr = i.entry.nr;
		for (size_t k = 0; k < SUT_ARRAY_SIZE(fo->args); k++)
			fo->args[k] = i.entry.args[k];
		return is_reader(fo) ? LET_GO : FOLLOW;
	}
	if (i.op == PTRACE_SYSCALL_INFO_EXIT)
		after(fo, i.exit.rval);
	return FOLLOW;
}

/* Right behind the open() that we interrupted, or the first stop of a new program. */
static enum outcome at_event(struct follow *fo, unsigned int event, int sig)
{
	uint64_t nr;
	int64_t value;

	if (event == PTRACE_EVENT_EXEC) {
		fo->nr = catch_nr_exec;
		return FOLLOW;
	}
	/* SIGSTOP and its like: it stays stopped when it is let go. */
	if (event != PTRACE_EVENT_STOP || sig != SIGTRAP)
		return LET_GO;
	if (fo->interrupted) {
		catch_restart(fo->c->tid);
		return LET_GO;
	}
	if (fo->stops > 1)
		return FOLLOW;
	if (catch_state(fo->c->tid, &nr, &value) < 0 ||
	    (catch_call(nr) != CATCH_OPEN && catch_call(nr) != CATCH_EXEC))
		return LET_GO;
	fo->nr = nr;
	after(fo, value);
	return FOLLOW;
}

/* An exec gives a thread the number of its leader. */
static void interrupt(struct catch *c)
{
	if (ptrace(PTRACE_INTERRUPT, c->tid, 0, 0) == 0 || errno != ESRCH || c->tid == c->pid)
		return;
	c->tid = c->pid;
	ptrace(PTRACE_INTERRUPT, c->tid, 0, 0);
}

/* What is over or has lasted too long. The thread runs: it has to be stopped to be let go. */
static void on_alarm(struct follow *fo)
{
	if (serve_now_ms() < fo->until_ms || fo->interrupted)
		return;
	fo->interrupted = fo->again = true;
	interrupt(fo->c);
}

static size_t left(struct catch *c)
{
	size_t n;

	pthread_mutex_lock(&c->lock);
	n = c->n;
	pthread_mutex_unlock(&c->lock);
	return n;
}

/* false: it is not to be had. Interrupted it does not stop, because of what it waits for in the kernel. */
static bool follow(struct follow *fo, const struct catch_calls *calls)
{
	struct catch *c = fo->c;

	for (;;) {
		enum outcome o = FOLLOW;
		int status, sig = 0;
		unsigned int event;
		/* Not this thread alone: an exec gives it the number of its leader. */
		pid_t got = waitpid(-1, &status, __WALL | __WNOTHREAD);

		if (got < 0 && errno == EINTR) {
			on_alarm(fo);
			if (fo->interrupted && serve_now_ms() >= fo->until_ms + CATCH_MS)
				return false;
			continue;
		}
		if (got < 0)
			return true;
		if (!WIFSTOPPED(status)) {
			if (got == c->tid)
				return true;
			continue;
		}
		c->tid = got;
		fo->stops++;
		event = (unsigned int)status >> 16;
		if (event)
			o = at_event(fo, event, WSTOPSIG(status));
		else if (WSTOPSIG(status) == SYSCALL_STOP)
			o = at_call(fo);
		else
			sig = WSTOPSIG(status);
		if (event == PTRACE_EVENT_EXEC)
			c->pid = c->tid;
		/* It opens nothing while it stands here, so no file is added just now. */
		if (o == LET_GO || !left(c) || fo->interrupted || fo->stops > CATCH_STOPS_MAX ||
		    serve_now_ms() >= fo->until_ms) {
			calls->release(calls->ctx);
			fo->again = fo->again || c->n;
			ptrace(PTRACE_DETACH, c->tid, 0, sig);
			return true;
		}
		if (ptrace(PTRACE_SYSCALL, c->tid, 0, sig) < 0 && errno != ESRCH)
			return true;
	}
}

/* Is it in the middle of execve()? It waits, so the kernel can say in what. */
static bool executes(pid_t tid)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	return sut_file_read(path, &b, NULL) == 0 && sut_buf_str(&b)[0] >= '0' &&
	       sut_buf_str(&b)[0] <= '9' &&
	       catch_call(strtoull(sut_buf_str(&b), NULL, 10)) == CATCH_EXEC;
}

static long seize(pid_t tid, struct catch_alarm *a, const struct catch_calls *calls)
{
	long r;

	/* Also where the kernel does not say what it does: nobody may wait for ever. */
	seizing = calls;
	alarm_in(a, executes(tid) ? EXEC_US : CATCH_US);
	r = ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC);
	seizing = NULL;
	return r;
}

bool catch_run(struct catch *c, struct catch_alarm *a, const struct catch_calls *calls)
{
	struct follow fo = {.c = c, .alarm = a, .until_ms = serve_now_ms() + CATCH_MS};
	bool ended;

	c->pid = leader_of(c->tid);
	if (seize(c->tid, a, calls) < 0) {
		/* A debugger has it, or one of us. */
		alarm_in(a, 0);
		calls->release(calls->ctx);
		calls->allow(calls->ctx);
		serve_soon(c->s, c->pid, 1000);
		return true;
	}
	interrupt(c);
	calls->allow(calls->ctx);
	alarm_in(a, CATCH_US);
	ended = follow(&fo, calls);
	alarm_in(a, 0);
	calls->release(calls->ctx);
	serve_soon(c->s, c->pid, fo.again ? 100 : -1);
	return ended;
}
