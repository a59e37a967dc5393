// SPDX-License-Identifier: Apache-2.0
#include "process_targets.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { YMM = 16 * 32, GPR = 14 * 8, RED = 128, STATE = YMM + GPR + RED + 8 };

/* Loads everything from in, spins n times, stores everything to out. The 14 are rax rbx rcx rdx rsi rdi rbp r8 … r14; r15 counts. */
void spin_registers(const uint8_t *in, uint8_t *out, uint64_t n);
__asm__(".text\n"
	".globl spin_registers\n"
	".type spin_registers, @function\n"
	"spin_registers:\n"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"push %rsi\n"
	"mov %rdx, %r15\n"
	".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"vmovdqu (32*\\i)(%rdi), %ymm\\i\n"
	".endr\n"
	".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"mov (512+112+8*\\i)(%rdi), %rax\n"
	"mov %rax, (-128+8*\\i)(%rsp)\n"
	".endr\n"
	"mov 512(%rdi), %rax; mov 520(%rdi), %rbx; mov 528(%rdi), %rcx; mov 536(%rdi), %rdx\n"
	"mov 544(%rdi), %rsi; mov 560(%rdi), %rbp; mov 568(%rdi), %r8; mov 576(%rdi), %r9\n"
	"mov 584(%rdi), %r10; mov 592(%rdi), %r11; mov 600(%rdi), %r12; mov 608(%rdi), %r13\n"
	"mov 616(%rdi), %r14; mov 552(%rdi), %rdi\n"
	"std; stc\n"
	"1: dec %r15; jnz 1b\n"
	"mov (%rsp), %r15\n" /* out */
	"mov %rax, 512(%r15)\n"
	".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"mov (-128+8*\\i)(%rsp), %rax\n"
	"mov %rax, (512+112+8*\\i)(%r15)\n"
	".endr\n"
	"pushf; pop %rax; cld\n"
	"mov %rax, (512+112+128)(%r15)\n"
	".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"vmovdqu %ymm\\i, (32*\\i)(%r15)\n"
	".endr\n"
	"mov %rbx, 520(%r15); mov %rcx, 528(%r15); mov %rdx, 536(%r15); mov %rsi, 544(%r15)\n"
	"mov %rdi, 552(%r15); mov %rbp, 560(%r15); mov %r8, 568(%r15); mov %r9, 576(%r15)\n"
	"mov %r10, 584(%r15); mov %r11, 592(%r15); mov %r12, 600(%r15); mov %r13, 608(%r15)\n"
	"mov %r14, 616(%r15)\n"
	"vzeroupper\n"
	"pop %rsi; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"ret\n"
	".size spin_registers, . - spin_registers\n");

static void wrong(struct target_state *s, const char *what, long value)
{
	if (s->errors++ == 0)
		snprintf(s->what, sizeof(s->what), "%s (%ld)", what, value);
}

bool target_avx(void)
{
	return __builtin_cpu_supports("avx");
}

static void spin(struct target_state *s, bool upper_halves)
{
	static uint8_t in[STATE], out[STATE];
	unsigned int seed = 1;

	while (!s->stop) {
		for (size_t i = 0; i < STATE; i++)
			in[i] = (uint8_t)rand_r(&seed);
		for (size_t i = 0; i < 16 && !upper_halves; i++)
			memset(in + 32 * i + 16, 0, 16);
		memset(out, 0, sizeof(out));
		spin_registers(in, out, 200000);
		for (size_t i = 0; i < STATE - 8; i++)
			if (in[i] != out[i]) {
				wrong(s, "a register or the red zone was changed, byte", (long)i);
				break;
			}
		/* Direction and zero (by the counter); the carry is of stc. */
		if ((out[STATE - 8] & 0x41) != 0x41 || !(out[STATE - 7] & 4))
			wrong(s, "the flags were changed", out[STATE - 8]);
		s->rounds++;
	}
}

void target_spin(struct target_state *s, int fd)
{
	(void)fd;
	spin(s, true);
}

void target_spin_sse(struct target_state *s, int fd)
{
	(void)fd;
	spin(s, false);
}

void target_read(struct target_state *s, int fd)
{
	uint8_t next = 0, got;

	while (!s->stop) {
		ssize_t n = read(fd, &got, 1);

		if (n != 1)
			wrong(s, "read ended early", n < 0 ? errno : n);
		else if (got != next++)
			wrong(s, "read gave another byte", got);
		s->rounds++;
	}
}

void target_sleep(struct target_state *s, int fd)
{
	(void)fd;
	while (!s->stop) {
		struct timespec t = {.tv_nsec = 4000000}, a, b;
		long ns;
		int r;

		clock_gettime(CLOCK_MONOTONIC, &a);
		r = clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns = (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
		if (r)
			wrong(s, "clock_nanosleep ended early", r);
		else if (ns < t.tv_nsec)
			wrong(s, "clock_nanosleep was short", ns);
		s->rounds++;
	}
}

void target_epoll(struct target_state *s, int fd)
{
	struct epoll_event e = {.events = EPOLLIN};
	int ep = epoll_create1(0);
	uint8_t got;

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e) < 0)
		wrong(s, "epoll_ctl", errno);
	while (!s->stop) {
		int n = epoll_wait(ep, &e, 1, 3000);

		if (n < 0 && errno == EINTR)
			s->value++;
		else if (n != 1 || read(fd, &got, 1) != 1)
			wrong(s, "epoll_wait ended early", n < 0 ? errno : n);
		s->rounds++;
	}
}

void target_futex(struct target_state *s, int fd)
{
	uint32_t word = 0;

	(void)fd;
	while (!s->stop) {
		struct timespec t = {.tv_nsec = 4000000};

		if (syscall(SYS_futex, &word, FUTEX_WAIT, 0, &t, NULL, 0) != -1 ||
		    errno != ETIMEDOUT)
			wrong(s, "futex ended early", errno);
		s->rounds++;
	}
}

static struct target_state *handled;

static void count(int sig)
{
	(void)sig;
	handled->signals++;
}

void target_suspend(struct target_state *s, int fd)
{
	struct sigaction sa = {.sa_handler = count};
	sigset_t block, open;

	(void)fd;
	handled = s;
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	sigemptyset(&open);
	while (!s->stop) {
		uint64_t before = s->signals;
		sigset_t now;

		if (sigsuspend(&open) != -1 || errno != EINTR)
			wrong(s, "sigsuspend did not end with EINTR", errno);
		if (s->signals == before)
			wrong(s, "sigsuspend ended without a signal", 0);
		sigprocmask(SIG_BLOCK, NULL, &now);
		if (!sigismember(&now, SIGUSR1) || sigismember(&now, SIGUSR2))
			wrong(s, "the signal mask was changed", 0);
		s->rounds++;
	}
}

static void check_altstack(int flags)
{
	struct timespec t = {.tv_nsec = 1000000};
	stack_t ss;

	nanosleep(&t, NULL);
	if (sigaltstack(NULL, &ss) < 0 || ss.ss_size != 65536 || ss.ss_flags != flags)
		wrong(handled, "the alternate stack was changed", (long)ss.ss_size);
}

static void on_altstack(int sig)
{
	(void)sig;
	check_altstack(SS_ONSTACK);
}

/* In turn on it and off it. */
void target_altstack(struct target_state *s, int fd)
{
	stack_t ss = {.ss_sp = malloc(65536), .ss_size = 65536};
	struct sigaction sa = {.sa_handler = on_altstack, .sa_flags = SA_ONSTACK};

	(void)fd;
	handled = s;
	sigaltstack(&ss, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	while (!s->stop) {
		check_altstack(0);
		raise(SIGUSR1);
		s->rounds++;
	}
	free(ss.ss_sp);
}

/*
 * One restartable sequence: begins by pointing *cs_ptr to its description, spins, and says whether it came to its end without a
 * break. Whoever is taken out of it must come back at the abort handler.
 */
int spin_sequence(uint64_t *cs_ptr, uint64_t n);
__asm__(".data\n.balign 32\n"
	"sequence: .long 0, 0\n"
	".quad 1f, 3f - 1f, 4f\n"
	".text\n.globl spin_sequence\n.type spin_sequence, @function\n"
	"spin_sequence:\n"
	"lea sequence(%rip), %rax\n"
	"mov %rax, (%rdi)\n"
	"1:\n"
	"2: dec %rsi; jnz 2b\n"
	"3:\n"
	"movq $0, (%rdi)\n"
	"mov $0, %eax\n"
	"ret\n"
	".long 0x53053053\n" /* RSEQ_SIG */
	"4: mov $1, %eax\n"
	"ret\n"
	".size spin_sequence, . - spin_sequence\n");

extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

void target_rseq(struct target_state *s, int fd)
{
	uint8_t *area;

	(void)fd;
	if (!&__rseq_size || !__rseq_size) {
		/* No such thing here. */
		while (!s->stop)
			s->rounds++;
		return;
	}
	area = (uint8_t *)__builtin_thread_pointer() + __rseq_offset;
	while (!s->stop) {
		if (!spin_sequence((uint64_t *)(area + 8), UINT64_C(100000000000))) {
			snprintf(s->what, sizeof(s->what), "a sequence was not broken off");
			s->errors++;
		}
		s->rounds++;
	}
}

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif

static volatile char dispatched; /* 1: system calls are sent to the handler */

static void on_dispatch(int sig)
{
	(void)sig;
	/* Or its own end would come back here. */
	dispatched = 0;
	handled->signals++;
}

void target_dispatch(struct target_state *s, int fd)
{
	struct sigaction sa = {.sa_handler = on_dispatch};

	(void)fd;
	handled = s;
	sigaction(SIGSYS, &sa, NULL);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &dispatched) < 0) {
		/* No such thing here. */
		s->value = 1;
		while (!s->stop)
			s->rounds++;
		return;
	}
	while (!s->stop) {
		uint64_t before = s->signals;

		dispatched = 1;
		for (uint64_t n = 0; n < 20000000; n++)
			__asm__ volatile("" ::: "memory");
		syscall(SYS_getppid);
		dispatched = 0;
		if (s->signals != before + 1) {
			snprintf(s->what, sizeof(s->what), "its handler was not called");
			s->errors++;
		}
		s->rounds++;
	}
}

void target_deep(struct target_state *s, int fd)
{
	uint8_t *stack =
		mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)fd;
	/* Something lies below that a frame there would run into. */
	mprotect(stack, 32768, PROT_NONE);
	while (!s->stop) {
		uint64_t n = 20000000;

		__asm__ volatile("mov %%rsp, %%rbx\n"
				 "mov %1, %%rsp\n"
				 "1: dec %0; jnz 1b\n"
				 "mov %%rbx, %%rsp\n"
				 : "+r"(n)
				 : "r"(stack + 32768 + 256)
				 : "rbx", "memory", "cc");
		s->rounds++;
	}
}

struct target target_start(target_fn fn)
{
	struct target t = {
		.s = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)};
	int pipefd[2];

	if (t.s == MAP_FAILED || pipe(pipefd) < 0)
		abort();
	t.pid = fork();
	if (t.pid < 0)
		abort();
	if (t.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(60);
		close(pipefd[1]);
		t.s->ready = 1;
		fn(t.s, pipefd[0]);
		_exit(0);
	}
	close(pipefd[0]);
	t.fd = pipefd[1];
	while (!t.s->ready)
		usleep(100);
	return t;
}

bool target_rounds(const struct target *t, uint64_t n)
{
	return target_until(t, t->s->rounds + n);
}

bool target_until(const struct target *t, uint64_t until)
{
	for (int i = 0; i < 50000 && t->s->rounds < until; i++) {
		siginfo_t si = {.si_pid = 0};

		if (waitid(P_PID, (id_t)t->pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || si.si_pid)
			return false;
		usleep(100);
	}
	return t->s->rounds >= until;
}

char target_proc_state(const struct target *t)
{
	char path[64], text[256] = "", *s;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", t->pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	s = strrchr(text, ')');
	return s ? s[2] : 0;
}

void target_end(struct target *t)
{
	int status = 0;
	uint8_t next = (uint8_t)t->s->rounds;

	t->s->stop = 1;
	/* Whatever it waits for. */
	for (int i = 0; i < 5000; i++) {
		pid_t r = waitpid(t->pid, &status, WNOHANG);

		if (r)
			break;
		if (i % 10 == 0) {
			if (write(t->fd, &next, 1) == 1)
				next++;
			kill(t->pid, SIGCONT);
		}
		usleep(1000);
	}
	close(t->fd);
	if (t->s->errors || status) {
		fprintf(stderr, "target %d: %s; status %#x\n", t->pid, t->s->what, status);
		abort();
	}
	munmap(t->s, 4096);
}
