// SPDX-License-Identifier: Apache-2.0
/* Processes are stopped and let go, and notice nothing of it. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "change/threads.h"
#include "change/why.h"

enum { DEADLINE_US = 2000000 }; /* the machine may be busy with other tests */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void nap(double seconds)
{
	struct timespec ts = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* What both sides of a fork see. */
struct shared {
	_Atomic int ready, errors, seen;
	_Atomic unsigned long count;
	_Atomic pid_t other;
};

static struct shared *shared_new(void)
{
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(s != MAP_FAILED);
	return s;
}

static void shared_free(struct shared *s)
{
	munmap(s, sizeof(*s));
}

/* A target of its own: ends with us, and by itself after a minute. */
static pid_t start(void (*run)(struct shared *), struct shared *s)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(60);
		run(s);
		_exit(0);
	}
	return pid;
}

static void until(struct shared *s, int ready)
{
	for (double end = now() + 20; atomic_load(&s->ready) < ready;) {
		assert_true(now() < end);
		nap(0.0005);
	}
}

static void end(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, __WALL), pid);
	/* It lived until now. */
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

static struct proc look_at(pid_t pid, uint32_t nthreads)
{
	return (struct proc){.pid = pid, .pidfd = -1, .mem = -1, .nthreads = nthreads};
}

static char state_of(pid_t pid)
{
	struct why_task w = {.state = '?'};

	return why_task(pid, pid, &w) < 0 ? '?' : w.state;
}

static void wait_state(pid_t pid, char state)
{
	for (double give_up = now() + 20; state_of(pid) != state;) {
		assert_true(now() < give_up);
		nap(0.001);
	}
}

static size_t held(const struct threads *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->v[i].held;
	return n;
}

/* ---- plain ---- */

static void count_up(struct shared *s)
{
	atomic_fetch_add(&s->ready, 1);
	for (;;)
		atomic_fetch_add(&s->count, 1);
}

static void a_stopped_thread_stands_still_and_goes_on(void **state)
{
	struct shared *s = shared_new();
	pid_t pid = start(count_up, s);
	struct proc p = look_at(pid, 1);
	struct sut_err err = {0};

	(void)state;
	until(s, 1);
	for (int i = 0; i < 20; i++) {
		struct threads t;
		unsigned long a, b;

		if (i & 1)
			assert_ok(threads_stop_one(&p, DEADLINE_US, &t, &err), err);
		else
			assert_ok(threads_stop(&p, DEADLINE_US, &t, &err), err);
		assert_int_equal(t.n, 1);
		assert_true(t.v[0].held && !t.v[0].group_stop && t.v[0].regs.rip);
		a = atomic_load(&s->count);
		nap(0.002);
		b = atomic_load(&s->count);
		assert_true(a == b);
		assert_true(threads_go(&t) >= 2000000);
		assert_int_equal(threads_go(&t), 0);
		for (double give_up = now() + 10; atomic_load(&s->count) == b;)
			assert_true(now() < give_up);
	}
	end(pid);
	shared_free(s);
}

static int idle_threads;

static void *idle(void *arg)
{
	struct shared *s = arg;

	atomic_fetch_add(&s->ready, 1);
	for (;;)
		pause();
	return NULL;
}

static void *spin(void *arg)
{
	count_up(arg);
	return NULL;
}

static void many(struct shared *s)
{
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 65536);
	for (int i = 0; i < idle_threads - 2; i++)
		if (pthread_create(&t, &a, idle, s))
			_exit(1);
	if (pthread_create(&t, &a, spin, s))
		_exit(1);
	idle(s);
}

static void every_one_of_a_thousand_threads_is_stopped(void **state)
{
	static const int counts[] = {2, 16, 256, 1000};

	(void)state;
	for (size_t k = 0; k < SUT_ARRAY_SIZE(counts); k++) {
		struct shared *s = shared_new();
		struct sut_err err = {0};
		struct proc p;
		pid_t pid;

		idle_threads = counts[k];
		pid = start(many, s);
		p = look_at(pid, (uint32_t)counts[k]);
		until(s, counts[k]);
		for (int i = 0; i < 3; i++) {
			struct threads t;
			unsigned long a;

			assert_ok(threads_stop(&p, DEADLINE_US, &t, &err), err);
			assert_int_equal(held(&t), counts[k]);
			a = atomic_load(&s->count);
			nap(0.001);
			assert_true(a == atomic_load(&s->count));
			threads_go(&t);
		}
		end(pid);
		shared_free(s);
	}
}

/* ---- signals, stops ---- */

static struct shared *in_handler;

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&in_handler->count, 1);
}

static void in_poll_with_handler(struct shared *s)
{
	struct sigaction sa = {.sa_handler = on_signal};

	in_handler = s;
	sigaction(SIGUSR1, &sa, NULL);
	signal(SIGUSR2, SIG_IGN);
	atomic_store(&s->ready, 1);
	for (;;) {
		if (poll(NULL, 0, -1) == -1 && errno == EINTR)
			atomic_fetch_add(&s->seen, 1);
		else
			atomic_fetch_add(&s->errors, 1);
	}
}

static void a_signal_that_comes_during_the_stop_is_delivered_once(void **state)
{
	struct shared *s = shared_new();
	pid_t pid = start(in_poll_with_handler, s);
	struct proc p = look_at(pid, 1);
	struct sut_err err = {0};

	(void)state;
	until(s, 1);
	for (unsigned int i = 0; i < 50; i++) {
		struct threads t;

		wait_state(pid, 'S');
		/* Before, while, and after the stop; and one that is ignored, which has to stay unseen. */
		if (i % 3 == 0)
			kill(pid, SIGUSR1);
		kill(pid, SIGUSR2);
		assert_ok(threads_stop(&p, DEADLINE_US, &t, &err), err);
		if (i % 3 == 1)
			kill(pid, SIGUSR1);
		kill(pid, SIGUSR2);
		threads_go(&t);
		if (i % 3 == 2)
			kill(pid, SIGUSR1);
		for (double give_up = now() + 10; atomic_load(&s->seen) <= (int)i;) {
			assert_true(now() < give_up);
			nap(0.0002);
		}
		assert_int_equal(atomic_load(&s->seen), i + 1);
		assert_int_equal(atomic_load(&s->count), i + 1);
	}
	assert_int_equal(atomic_load(&s->errors), 0);
	end(pid);
	shared_free(s);
}

static void sleep_on(struct shared *s)
{
	atomic_store(&s->ready, 1);
	for (;;)
		pause();
}

/* Starts a child, and counts what it is told of it. */
static void parent_of(struct shared *s)
{
	pid_t child;
	int status;

	in_handler = s;
	signal(SIGCHLD, on_signal);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sleep_on(s);
	}
	atomic_store(&s->other, child);
	for (;;) {
		if (waitpid(child, &status, WUNTRACED | WCONTINUED) == child)
			atomic_fetch_add(&s->seen, 1);
		else if (errno != EINTR)
			_exit(1);
	}
}

static void the_parent_is_told_nothing(void **state)
{
	struct shared *s = shared_new();
	pid_t parent = start(parent_of, s), pid;
	struct sut_err err = {0};
	struct threads t;
	struct proc p;

	(void)state;
	until(s, 1);
	while (!(pid = atomic_load(&s->other)))
		nap(0.001);
	p = look_at(pid, 1);
	for (int i = 0; i < 30; i++) {
		assert_ok(threads_stop(&p, DEADLINE_US, &t, &err), err);
		threads_go(&t);
	}
	assert_int_equal(atomic_load(&s->count), 0);
	assert_int_equal(atomic_load(&s->seen), 0);

	kill(pid, SIGSTOP);
	wait_state(pid, 'T');
	for (double give_up = now() + 10; atomic_load(&s->seen) < 1; nap(0.001))
		assert_true(now() < give_up);
	for (int i = 0; i < 30; i++) {
		assert_ok(threads_stop(&p, DEADLINE_US, &t, &err), err);
		assert_true(t.v[0].group_stop);
		threads_go(&t);
		wait_state(pid, 'T');
	}
	nap(0.02);
	assert_int_equal(state_of(pid), 'T');
	assert_int_equal(atomic_load(&s->count), 1);
	assert_int_equal(atomic_load(&s->seen), 1);
	kill(pid, SIGCONT);
	wait_state(pid, 'S');
	for (double give_up = now() + 10; atomic_load(&s->seen) < 2; nap(0.001))
		assert_true(now() < give_up);
	nap(0.01);
	assert_int_equal(atomic_load(&s->seen), 2);
	end(parent);
	shared_free(s);
}

/* ---- storms ---- */

static void *nothing(void *arg)
{
	return arg;
}

static void spawn_threads(struct shared *s)
{
	atomic_store(&s->ready, 1);
	for (;;) {
		pthread_t t[8];

		for (int i = 0; i < 8; i++)
			if (pthread_create(&t[i], NULL, nothing, NULL))
				_exit(1);
		for (int i = 0; i < 8; i++)
			if (pthread_join(t[i], NULL))
				_exit(1);
		atomic_fetch_add(&s->count, 1);
	}
}

static void fork_on(struct shared *s)
{
	atomic_store(&s->ready, 1);
	for (;;) {
		pid_t child = fork();
		int status;

		if (!child)
			_exit(7);
		if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
		    WEXITSTATUS(status) != 7)
			_exit(1);
		atomic_fetch_add(&s->count, 1);
	}
}

static void spawn_programs(struct shared *s)
{
	char *const argv[] = {(char *)"true", NULL};

	atomic_store(&s->ready, 1);
	for (;;) {
		pid_t child;
		int status;

		if (posix_spawn(&child, "/bin/true", NULL, NULL, argv, NULL) ||
		    waitpid(child, &status, 0) != child || status)
			_exit(1);
		atomic_fetch_add(&s->count, 1);
	}
}

static void *spawner(void *arg)
{
	spawn_programs(arg);
	return NULL;
}

static void all_at_once(struct shared *s)
{
	pthread_t t;

	if (pthread_create(&t, NULL, spawner, s))
		_exit(1);
	spawn_threads(s);
}

struct storm {
	struct proc *p;
	int rounds, stopped;
	bool failed;
	char why[256];
};

/* On a thread of its own, as the engine does it: what is not given back at its end is by the kernel. */
static void *stop_and_go(void *arg)
{
	struct storm *st = arg;

	for (int i = 0; i < st->rounds; i++) {
		struct sut_err err = {0};
		struct threads t;
		int r = threads_stop(st->p, 100000, &t, &err);

		if (!r) {
			st->stopped++;
			threads_go(&t);
		} else if (r != -EBUSY) {
			st->failed = true;
			snprintf(st->why, sizeof(st->why), "%d %.200s", r, err.msg);
			return NULL;
		}
		nap(0.001);
	}
	return NULL;
}

static void a_storm_of(void (*run)(struct shared *), uint32_t nthreads)
{
	struct shared *s = shared_new();
	pid_t pid = start(run, s);
	struct proc p = look_at(pid, nthreads);
	struct storm st = {.p = &p, .rounds = 150};
	unsigned long before;
	pthread_t t;

	until(s, 1);
	assert_int_equal(pthread_create(&t, NULL, stop_and_go, &st), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	if (st.failed)
		fail_msg("%s", st.why);
	assert_true(st.stopped > 50);
	before = atomic_load(&s->count);
	for (double give_up = now() + 10; atomic_load(&s->count) < before + 5; nap(0.001))
		assert_true(now() < give_up);
	end(pid);
	shared_free(s);
}

static void storms_of_threads_forks_and_programs_are_weathered(void **state)
{
	(void)state;
	a_storm_of(spawn_threads, 9);
	a_storm_of(fork_on, 1);
	a_storm_of(spawn_programs, 1);
	a_storm_of(all_at_once, 9);
}

static void exec_self(struct shared *s)
{
	char *const argv[] = {(char *)"sleep", (char *)"30", NULL};
	pthread_t t;

	/* The leader, or another thread, with siblings that have to be waited for. */
	for (int i = 0; i < 20; i++)
		if (pthread_create(&t, NULL, idle, s))
			_exit(1);
	if (atomic_load(&s->seen)) {
		if (pthread_create(&t, NULL, spin, s))
			_exit(1);
		while (!atomic_load(&s->other))
			;
		if (!fork())
			_exit(0);
	}
	while (!atomic_load(&s->other))
		;
	execv("/bin/sleep", argv);
	_exit(1);
}

static void *exec_by_thread(void *arg)
{
	exec_self(arg);
	return NULL;
}

static void exec_from_thread(struct shared *s)
{
	pthread_t t;

	if (pthread_create(&t, NULL, exec_by_thread, s))
		_exit(1);
	for (;;)
		pause();
}

static void *stop_until_another(void *arg)
{
	struct storm *st = arg;

	/* Until the exec is through; then a few more with the new program. */
	for (double give_up = now() + 10; now() < give_up && st->stopped < 5;) {
		struct sut_err err = {0};
		struct threads t;
		int r = threads_stop(st->p, 100000, &t, &err);

		if (!r) {
			size_t n = held(&t);

			threads_go(&t);
			st->stopped += n == 1;
		} else if (r != -EBUSY) {
			st->failed = true;
			snprintf(st->why, sizeof(st->why), "%d %.200s", r, err.msg);
			return NULL;
		}
	}
	st->failed = st->stopped < 5;
	return NULL;
}

static void an_exec_during_the_stop_hangs_nobody(void **state)
{
	(void)state;
	for (int i = 0; i < 12; i++) {
		struct shared *s = shared_new();
		pid_t pid = start(i & 1 ? exec_self : exec_from_thread, s);
		struct proc p = look_at(pid, 22);
		struct storm st = {.p = &p};
		pthread_t t;

		until(s, 20);
		assert_int_equal(pthread_create(&t, NULL, stop_until_another, &st), 0);
		nap(i * 0.0007);
		atomic_store(&s->other, 1);
		assert_int_equal(pthread_join(t, NULL), 0);
		if (st.failed)
			fail_msg("round %d: %d stops: %s", i, st.stopped, st.why);
		end(pid);
		shared_free(s);
	}
}

/* ---- who shares the memory ---- */

static int in_clone(void *arg)
{
	count_up(arg);
	return 0;
}

static void with_clone_vm(struct shared *s)
{
	static char stack[65536] __attribute__((aligned(16)));
	/* Neither a thread nor a vfork: it lives on beside us. */
	int child = clone(in_clone, stack + sizeof(stack), CLONE_VM | SIGCHLD, s);

	if (child < 0)
		_exit(1);
	atomic_store(&s->other, child);
	atomic_fetch_add(&s->ready, 1);
	for (;;)
		pause();
}

static void a_process_with_the_same_memory_is_stopped_too(void **state)
{
	struct shared *s = shared_new();
	pid_t pid = start(with_clone_vm, s);
	struct proc p = look_at(pid, 1);
	struct sut_err err = {0};
	struct threads t;
	unsigned long a;

	(void)state;
	until(s, 2);
	assert_ok(threads_stop(&p, DEADLINE_US, &t, &err), err);
	assert_int_equal(held(&t), 2);
	a = atomic_load(&s->count);
	nap(0.002);
	assert_true(a == atomic_load(&s->count));
	threads_go(&t);
	nap(0.01);
	assert_true(a != atomic_load(&s->count));
	kill(atomic_load(&s->other), SIGKILL);
	end(pid);
	shared_free(s);
}

static void in_vfork(struct shared *s)
{
	pid_t child;

	atomic_store(&s->ready, 1);
	child = vfork();
	if (!child) {
		while (!atomic_load(&s->seen))
			syscall(SYS_sched_yield);
		_exit(0);
	}
	for (;;)
		atomic_fetch_add(&s->count, 1);
}

static void *fail_to_stop(void *arg)
{
	struct storm *st = arg;
	struct sut_err err = {0};
	struct threads t;

	st->failed = threads_stop(st->p, 20000, &t, &err) != -EBUSY ||
		     strcmp(err.reason, "uninterruptible") != 0;
	snprintf(st->why, sizeof(st->why), "%s: %.200s", err.reason, err.msg);
	return NULL;
}

static void who_waits_for_its_vfork_is_named_and_goes_on_later(void **state)
{
	struct shared *s = shared_new();
	pid_t pid = start(in_vfork, s);
	struct proc p = look_at(pid, 1);
	struct storm st = {.p = &p};
	pthread_t t;

	(void)state;
	until(s, 1);
	wait_state(pid, 'D');
	assert_int_equal(pthread_create(&t, NULL, fail_to_stop, &st), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	if (st.failed)
		fail_msg("%s", st.why);
	assert_int_equal(atomic_load(&s->count), 0);
	atomic_store(&s->seen, 1);
	for (double give_up = now() + 10; !atomic_load(&s->count); nap(0.001))
		assert_true(now() < give_up);
	end(pid);
	shared_free(s);
}

/* ---- who can't be stopped ---- */

static void who_is_traced_is_left_and_the_tracer_named(void **state)
{
	struct shared *s = shared_new();
	pid_t pid = start(sleep_on, s), tracer;
	struct proc p = look_at(pid, 1);
	struct sut_err err = {0};
	struct threads t;
	char number[16];
	int fds[2];
	char c;

	(void)state;
	until(s, 1);
	assert_int_equal(pipe(fds), 0);
	tracer = fork();
	if (!tracer) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || write(fds[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	assert_int_equal(threads_stop(&p, DEADLINE_US, &t, &err), -EBUSY);
	assert_string_equal(err.reason, "traced");
	snprintf(number, sizeof(number), "%d", tracer);
	assert_says(err, number);
	end(tracer);
	assert_ok(threads_stop(&p, DEADLINE_US, &t, &err), err);
	threads_go(&t);
	close(fds[0]);
	close(fds[1]);
	end(pid);
	shared_free(s);
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool freeze_in(const char *root, const char *file, const char *on, const char *off)
{
	struct shared *s = shared_new();
	struct sut_err err = {0};
	char group[128], path[192], number[16];
	struct threads t;
	struct proc p;
	pid_t pid;

	snprintf(group, sizeof(group), "%s/suture-test-%d", root, getpid());
	if (mkdir(group, 0755) < 0) {
		shared_free(s);
		return false;
	}
	pid = start(sleep_on, s);
	p = look_at(pid, 1);
	until(s, 1);
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	snprintf(number, sizeof(number), "%d", pid);
	/* Not every folder there is a group. */
	if (put(path, number))
		snprintf(path, sizeof(path), "%s/%s", group, file);
	if (!put(path, on)) {
		end(pid);
		rmdir(group);
		shared_free(s);
		return false;
	}
	for (double give_up = now() + 5; why_frozen(pid, NULL) == 0; nap(0.001))
		assert_true(now() < give_up);
	assert_int_equal(threads_stop(&p, DEADLINE_US, &t, &err), -EBUSY);
	assert_string_equal(err.reason, "frozen");
	assert_says(err, "suture-test");
	assert_int_equal(threads_stop_one(&p, DEADLINE_US, &t, &err), -EBUSY);
	assert_true(put(path, off));
	for (double give_up = now() + 5; why_frozen(pid, NULL) < 0; nap(0.001))
		assert_true(now() < give_up);
	assert_ok(threads_stop(&p, DEADLINE_US, &t, &err), err);
	threads_go(&t);
	end(pid);
	for (double give_up = now() + 5; rmdir(group) < 0; nap(0.001))
		assert_true(now() < give_up);
	shared_free(s);
	return true;
}

static void a_frozen_control_group_is_named(void **state)
{
	bool any = false;

	(void)state;
	any |= freeze_in("/sys/fs/cgroup/freezer", "freezer.state", "FROZEN", "THAWED");
	any |= freeze_in("/sys/fs/cgroup/unified", "cgroup.freeze", "1", "0");
	any |= freeze_in("/sys/fs/cgroup", "cgroup.freeze", "1", "0");
	if (!any)
		skip(); /* no right to make a group here */
}

static void leave_threads_behind(struct shared *s)
{
	pthread_t t;

	for (int i = 0; i < 3; i++)
		if (pthread_create(&t, NULL, idle, s))
			_exit(1);
	while (atomic_load(&s->ready) < 3)
		;
	/* As pthread_exit() in main(): the leader is a zombie from now on. */
	syscall(SYS_exit, 0);
}

static void threads_outlive_their_leader(void **state)
{
	struct shared *s = shared_new();
	pid_t pid = start(leave_threads_behind, s);
	struct proc p = look_at(pid, 4);
	struct sut_err err = {0};
	struct threads t;

	(void)state;
	until(s, 3);
	wait_state(pid, 'Z');
	for (int i = 0; i < 3; i++) {
		assert_ok(threads_stop(&p, DEADLINE_US, &t, &err), err);
		assert_int_equal(held(&t), 3);
		threads_go(&t);
	}
	assert_ok(threads_stop_one(&p, DEADLINE_US, &t, &err), err);
	assert_int_equal(held(&t), 1);
	threads_go(&t);
	end(pid);
	shared_free(s);
}

static void who_has_ended_is_gone(void **state)
{
	struct shared *s = shared_new();
	pid_t pid = start(sleep_on, s);
	struct proc p = look_at(pid, 1);
	struct sut_err err = {0};
	struct threads t;
	int status;

	(void)state;
	until(s, 1);
	kill(pid, SIGKILL);
	wait_state(pid, 'Z');
	assert_int_equal(threads_stop(&p, DEADLINE_US, &t, &err), -ESRCH);
	assert_string_equal(err.reason, "gone");
	assert_int_equal(threads_stop_one(&p, DEADLINE_US, &t, &err), -ESRCH);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(threads_stop(&p, DEADLINE_US, &t, &err), -ESRCH);
	assert_string_equal(err.reason, "gone");
	shared_free(s);
}

static void who_dies_while_it_is_held_leaves_its_status_to_its_parent(void **state)
{
	struct shared *s = shared_new();
	struct sut_err err = {0};
	struct threads t;
	struct proc p;
	pid_t pid;
	int status;

	(void)state;
	idle_threads = 20;
	/* When we let go they are all dead, or on their way. */
	for (int i = 0; i < 20; i++) {
		double give_up = now() + 10;
		pid_t r;

		atomic_store(&s->ready, 0);
		pid = start(many, s);
		p = look_at(pid, 20);
		until(s, 20);
		assert_ok(threads_stop(&p, DEADLINE_US, &t, &err), err);
		kill(pid, SIGKILL);
		nap(i * 0.0002);
		threads_go(&t);
		while ((r = waitpid(pid, &status, WNOHANG)) == 0 && now() < give_up)
			nap(0.0005);
		assert_int_equal(r, pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	shared_free(s);
}

/* ---- the patcher dies ---- */

static void wait_with_timeout(struct shared *s)
{
	sigset_t set;
	siginfo_t si;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	atomic_store(&s->ready, 1);
	for (;;) {
		struct timespec ts = {.tv_nsec = 3000000};

		/* The kernel does not start this one again. */
		if (sigtimedwait(&set, &si, &ts) >= 0 || errno != EAGAIN)
			atomic_fetch_add(&s->errors, 1);
		atomic_fetch_add(&s->count, 1);
	}
}

static void a_patcher_killed_while_it_holds_a_process_is_not_noticed(void **state)
{
	struct shared *s = shared_new();
	pid_t pid = start(wait_with_timeout, s);
	unsigned long before;

	(void)state;
	until(s, 1);
	for (int i = 0; i < 40; i++) {
		pid_t patcher;

		/* At a moment when it holds it: not even EINTR is seen. And at any moment. */
		atomic_store(&s->seen, 0);
		patcher = fork();
		if (!patcher) {
			struct proc p = look_at(pid, 1);
			struct threads t;

			for (;;)
				if (threads_stop(&p, DEADLINE_US, &t, NULL) == 0) {
					atomic_store(&s->seen, 1);
					if (i < 20)
						pause();
					threads_go(&t);
				}
		}
		for (double give_up = now() + 10; i < 20 && !atomic_load(&s->seen);)
			assert_true(now() < give_up);
		if (i >= 20)
			nap(0.001 + i * 0.00007);
		end(patcher);
		before = atomic_load(&s->count);
		for (double give_up = now() + 10; atomic_load(&s->count) < before + 2; nap(0.001))
			assert_true(now() < give_up);
		if (i < 20)
			assert_int_equal(atomic_load(&s->errors), 0);
	}
	end(pid);
	shared_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stopped_thread_stands_still_and_goes_on),
		cmocka_unit_test(every_one_of_a_thousand_threads_is_stopped),
		cmocka_unit_test(a_signal_that_comes_during_the_stop_is_delivered_once),
		cmocka_unit_test(the_parent_is_told_nothing),
		cmocka_unit_test(storms_of_threads_forks_and_programs_are_weathered),
		cmocka_unit_test(an_exec_during_the_stop_hangs_nobody),
		cmocka_unit_test(a_process_with_the_same_memory_is_stopped_too),
		cmocka_unit_test(who_waits_for_its_vfork_is_named_and_goes_on_later),
		cmocka_unit_test(who_is_traced_is_left_and_the_tracer_named),
		cmocka_unit_test(a_frozen_control_group_is_named),
		cmocka_unit_test(threads_outlive_their_leader),
		cmocka_unit_test(who_has_ended_is_gone),
		cmocka_unit_test(who_dies_while_it_is_held_leaves_its_status_to_its_parent),
		cmocka_unit_test(a_patcher_killed_while_it_holds_a_process_is_not_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
