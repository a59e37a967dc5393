// SPDX-License-Identifier: Apache-2.0
/*
 * A program whose threads, children or signals do something while it is patched, named by its first argument; the second is a
 * number of them. It serves (serve.h), and what its checkers find is what 'k' tells.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "blocked.h"
#include "regs.h"
#include "serve.h"

static void die(const char *what)
{
	perror(what);
	exit(3);
}

static void thread(void *(*f)(void *), void *arg)
{
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 64 << 10);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&t, &a, f, arg) != 0)
		die("pthread_create");
	pthread_attr_destroy(&a);
}

/* One version or another, never something else. */
static void look(void)
{
	int v = victim_value(0), s = victim_secret(0), p = victim_pair();

	if (v < 1 || v > 3)
		found(1);
	if (s < 1 || s > 3)
		found(2);
	if (p != 11 && p != 22 && p != 33 && !atomic_load(&mixture))
		found(3);
	looked();
}

static void *looker(void *arg)
{
	uint64_t seed = (uintptr_t)arg;

	for (;;) {
		int r = regs_check(seed++, 20000);

		if (r)
			found(100 + r);
		look();
	}
	return NULL;
}

static void mode_spin(long n)
{
	for (long i = 0; i < n; i++)
		thread(looker, (void *)(i << 32));
}

/* Threads that only wait, as those of a server do. */
static void *waiter(void *arg)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = {.events = EPOLLIN}, got;
	int event = eventfd(0, EFD_CLOEXEC);

	(void)arg;
	epoll_ctl(fd, EPOLL_CTL_ADD, event, &e);
	looked();
	for (;;) {
		int r = epoll_wait(fd, &got, 1, -1);

		found(r < 0 ? 2000 + errno : 3);
	}
	return NULL;
}

static void mode_idle(long n)
{
	for (long i = 0; i < n; i++)
		thread(waiter, NULL);
	while (atomic_load(&looks) < n)
		usleep(1000);
}

static void mode_blocked(long n)
{
	blocked_start(thread, found, looked, n != 0);
}

/* A thread ends as soon as it has begun: about a thousand in a second and more. */
static void *mayfly(void *arg)
{
	(void)arg;
	look();
	return NULL;
}

static void *spawner(void *arg)
{
	(void)arg;
	for (;;) {
		pthread_t t;

		if (pthread_create(&t, NULL, mayfly, NULL) != 0)
			found(4);
		else
			pthread_join(t, NULL);
		usleep(200);
	}
	return NULL;
}

static void mode_spawn(long n)
{
	for (long i = 0; i < n; i++)
		thread(spawner, NULL);
}

/* Children are born and end all the time; each looks whether it is as it should be. */
static void *forker(void *arg)
{
	(void)arg;
	for (;;) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0) {
			int v = victim_value(0), again = victim_value(0);

			_exit(v >= 1 && v <= 3 && again == v ? 0 : 1);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			found(5);
		else if (status != 0)
			found(10000 + status);
		looked();
	}
	return NULL;
}

static void mode_fork(long n)
{
	for (long i = 0; i < n; i++)
		thread(forker, NULL);
}

/* The parent is asleep until the child is another program; the child uses the parent's memory and stack. */
static void *vforker(void *arg)
{
	struct timespec t = {0, (uintptr_t)arg};

	for (;;) {
		int status = 0;
		pid_t pid = vfork();

		if (pid == 0) {
			if (victim_value(0) < 1)
				_exit(1);
			nanosleep(&t, NULL);
			execl("/bin/true", "true", (char *)NULL);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			found(6);
		looked();
		usleep(1000);
	}
	return NULL;
}

static void mode_vfork(long n)
{
	thread(vforker, (void *)(n * 1000000));
}

/* A process of its own in the same memory. */
static int sharer(void *arg)
{
	(void)arg;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint64_t i = 0;; i++) {
		int r = regs_check(i, 20000);

		if (r)
			found(200 + r);
		look();
	}
	return 0;
}

static void mode_clone_vm(long n)
{
	for (long i = 0; i < n; i++) {
		char *stack = malloc(256 << 10);

		if (!stack || clone(sharer, stack + (256 << 10), CLONE_VM | SIGCHLD, NULL) < 0)
			die("clone");
	}
}

/* Every signal arrives, in its order, exactly once. */
static atomic_int expected;
static pthread_t receiver;

static void on_number(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (info->si_value.sival_int != atomic_fetch_add(&expected, 1))
		found(7);
	look();
}

static void *receive(void *arg)
{
	uint64_t i = 0;

	(void)arg;
	for (;;) {
		int r = regs_check(i++, 20000);

		if (r)
			found(300 + r);
	}
	return NULL;
}

static void *send(void *arg)
{
	(void)arg;
	for (int i = 0;; i++) {
		union sigval v = {.sival_int = i};

		while (pthread_sigqueue(receiver, SIGRTMIN, v) != 0)
			usleep(100);
		/* None is lost, even when the other one was stopped. */
		for (int t = 0; i - atomic_load(&expected) > 30 && t < 20000; t++)
			usleep(100);
		usleep(200);
	}
	return NULL;
}

static void catch_numbers(int flags)
{
	struct sigaction sa = {.sa_sigaction = on_number,
			       .sa_flags = SA_SIGINFO | SA_RESTART | flags};

	sigaction(SIGRTMIN, &sa, NULL);
}

static void mode_signals(long n)
{
	(void)n;
	catch_numbers(0);
	if (pthread_create(&receiver, NULL, receive, NULL) != 0)
		die("pthread_create");
	thread(send, NULL);
}

/* The handler runs on a stack of its own, and waits there inside of victim_with() until 'G' is asked. */
static atomic_int inside, leave;

static int wait_inside(void *arg)
{
	(void)arg;
	atomic_store(&inside, 1);
	while (!atomic_load(&leave))
		usleep(1000);
	return 10;
}

static atomic_int result;

static void on_stack(int sig)
{
	(void)sig;
	atomic_store(&result, victim_with(wait_inside, NULL));
}

static void *on_alternate(void *arg)
{
	stack_t s = {.ss_sp = malloc(256 << 10), .ss_size = 256 << 10};
	struct sigaction sa = {.sa_handler = on_stack, .sa_flags = SA_ONSTACK};

	(void)arg;
	if (!s.ss_sp || sigaltstack(&s, NULL) < 0)
		die("sigaltstack");
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	for (;;)
		pause();
	return NULL;
}

static void wait_for(atomic_int *what)
{
	while (!atomic_load(what))
		usleep(1000);
}

static void mode_altstack(long n)
{
	(void)n;
	thread(on_alternate, NULL);
	wait_for(&inside);
}

/* A thread is inside of victim_with(), by an ordinary call. */
static void *in_call(void *arg)
{
	(void)arg;
	atomic_store(&result, victim_with(wait_inside, NULL));
	for (;;)
		pause();
	return NULL;
}

static void mode_inside(long n)
{
	for (long i = 0; i < (n ? n : 1); i++)
		thread(in_call, NULL);
	wait_for(&inside);
}

/*
 * Out of victim_with() by longjmp(), without a return, each time with what setjmp() kept before: addresses of code in memory that
 * no stack shows.
 */
static jmp_buf back;

static int jump_out(void *arg)
{
	(void)arg;
	longjmp(back, 5);
}

static void *jumper(void *arg)
{
	(void)arg;
	for (;;) {
		int r = setjmp(back);

		if (r == 0)
			victim_with(jump_out, NULL);
		else if (r != 5)
			found(8);
		looked();
	}
	return NULL;
}

static void mode_longjmp(long n)
{
	(void)n;
	thread(jumper, NULL);
}

/* The leader has ended, its threads go on: a zombie by the look of it. */
static void mode_no_leader(long n)
{
	(void)n;
}

static void *serve_instead(void *arg)
{
	(void)arg;
	usleep(100000);
	serve(NULL);
	exit(0);
}

/* Another program every few milliseconds, under the same pid; what it finds wrong ends it. */
static void mode_exec(long n)
{
	char left[24];

	look();
	if (atomic_load(&fault_found))
		exit(4);
	usleep(2000);
	if (n <= 0)
		return;
	snprintf(left, sizeof(left), "%ld", n - 1);
	execl("/proc/self/exe", "busy", "exec", left, (char *)NULL);
	die("exec");
}

/* All of its threads are asleep in the kernel, where only a fatal signal wakes them (vfork parent), and the child waits. */
static void mode_uninterruptible(long n)
{
	pid_t pid;

	(void)n;
	say_ready();
	pid = vfork();
	if (pid == 0) {
		char c;

		while (read(0, &c, 1) < 0)
			;
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static int extra(char c)
{
	switch (c) {
	case 'G': /* lets go who is inside, and says what victim_with() gave it */
		atomic_store(&leave, 1);
		wait_for(&result);
		return atomic_load(&result);
	case 'A': /* again inside */
		atomic_store(&leave, 0);
		atomic_store(&inside, 0);
		atomic_store(&result, 0);
		thread(in_call, NULL);
		wait_for(&inside);
		return 0;
	case 'F': /* what a child sees */
	{
		int status = -1;
		pid_t pid = fork();

		if (pid == 0)
			_exit(victim_value(0));
		waitpid(pid, &status, 0);
		return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
	}
	case 'W': /* has a child or stop been reported that was none? */
		return waitpid(-1, NULL, WNOHANG | WUNTRACED | WCONTINUED) == -1 && errno == ECHILD
			       ? 0
			       : 1;
	default:
		return -1;
	}
}

static const struct {
	const char *name;
	void (*set)(long n);
} modes[] = {
	{"spin", mode_spin},	     {"idle", mode_idle},
	{"blocked", mode_blocked},   {"spawn", mode_spawn},
	{"fork", mode_fork},	     {"vfork", mode_vfork},
	{"clone-vm", mode_clone_vm}, {"signals", mode_signals},
	{"altstack", mode_altstack}, {"inside", mode_inside},
	{"longjmp", mode_longjmp},   {"no-leader", mode_no_leader},
	{"exec", mode_exec},	     {"uninterruptible", mode_uninterruptible},
};

int main(int argc, char **argv)
{
	setenv("HOME", "/", 1);
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, argv[1]) == 0) {
			modes[i].set(argc > 2 ? strtol(argv[2], NULL, 10) : 0);
			if (modes[i].set == mode_no_leader) {
				thread(serve_instead, NULL);
				pthread_exit(NULL);
			}
			serve(extra);
			/* exit() waits for nobody. */
			_exit(0);
		}
	fprintf(stderr, "usage: busy MODE [NUMBER]\n");
	return 64;
}
