// SPDX-License-Identifier: Apache-2.0
/* change/inject.h: a thread does a system call for us and never knows; also when we die in the middle of it. */
#include "unit.h"

#include <elf.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "change/frame.h"
#include "change/inject.h"
#include "fault.h"
#include "process_targets.h"

enum { LEN = 3 * 4096 };

static const uint64_t map_call[7] = {
	SYS_mmap, 0, LEN, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0};

static int seize(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		return -errno;
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		return -ECHILD;
	return status;
}

/* What a patcher does: one call in a process that it does not stop otherwise. */
static int once(pid_t pid, const uint64_t call[static 7], int64_t *ret, struct sut_err *err)
{
	_cleanup_(proc_closep) struct proc *p = NULL;
	struct inject_gadgets g;
	int r = proc_open(pid, &p, err);

	if (r == 0)
		r = inject_find(p, 0, &g, err);
	if (r < 0)
		return r;
	r = seize(pid);
	if (r < 0)
		return r;
	r = inject_syscall(p, pid, &g, call, ret, err);
	if (ptrace(PTRACE_DETACH, pid, 0, 0) < 0 && r == 0)
		r = -errno;
	return r;
}

static size_t mapped(pid_t pid)
{
	_cleanup_(proc_closep) struct proc *p = NULL;
	size_t n = 0;

	if (proc_open(pid, &p, NULL) < 0)
		return 0;
	for (size_t i = 0; i < p->nmaps; i++)
		n += p->maps[i].x && !p->maps[i].ino && !p->maps[i].path[0];
	return n;
}

static void many_calls(target_fn fn, bool feed)
{
	struct target t = target_start(fn);
	struct sut_err err = {0};
	uint8_t next = 0;
	uint64_t before;
	int64_t v = 0;

	usleep(20000);
	for (int i = 0; i < 40; i++) {
		assert_ok(once(t.pid, map_call, &v, &err), err);
		assert_true(v > 4096 && v % 4096 == 0);
		if (feed) {
			assert_int_equal(write(t.fd, &next, 1), 1);
			next++;
		}
		usleep(i % 4 * 700);
	}
	before = t.s->rounds;
	if (fn == target_suspend)
		kill(t.pid, SIGUSR1);
	assert_true(target_until(&t, feed ? 40 : before + 1));
	/* They touch each other and are one. */
	assert_true(mapped(t.pid) >= 1);
	if (fn == target_suspend) {
		t.s->stop = 1;
		kill(t.pid, SIGUSR1);
	}
	target_end(&t);
}

static void no_register_is_changed(void **state _unused_)
{
	if (!target_avx())
		skip();
	many_calls(target_spin, false);
}

static void a_read_does_not_end(void **state _unused_)
{
	many_calls(target_read, true);
}

static void a_sleep_keeps_its_time(void **state _unused_)
{
	many_calls(target_sleep, false);
}

static void a_futex_keeps_its_time(void **state _unused_)
{
	many_calls(target_futex, false);
}

static void a_thread_in_sigsuspend_keeps_its_masks(void **state _unused_)
{
	many_calls(target_suspend, false);
}

static void a_thread_on_its_alternate_stack_keeps_it(void **state _unused_)
{
	many_calls(target_altstack, false);
}

/* Our child, and not ended yet. */
static bool running(pid_t pid)
{
	siginfo_t si = {.si_pid = 0};

	return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && !si.si_pid;
}

/* The kernel forgets the sequence when the thread is elsewhere, so going on within it would be wrong. */
static void a_restartable_sequence_is_aborted(void **state _unused_)
{
	struct target t = target_start(target_rseq);
	struct sut_err err = {0};
	int64_t v;

	for (uint64_t i = 1; i <= 5; i++) {
		usleep(20000);
		assert_ok(once(t.pid, map_call, &v, &err), err);
		assert_true(target_until(&t, i));
	}
	/* No round came to its end by itself, which would take far longer than this test: each was broken off. */
	assert_int_equal(t.s->errors, 0);
	/* It leaves its last round at once when it is preempted there, and otherwise by us: it may have ended before we come. */
	t.s->stop = 1;
	for (int i = 0; i < 1000 && running(t.pid); i++)
		usleep(once(t.pid, map_call, &v, &err) < 0 ? 10000 : 1000);
	assert_false(running(t.pid));
	target_end(&t);
}

/* It keeps its handler, and sees nothing of ours in it. */
static void who_sends_his_system_calls_to_himself_keeps_them(void **state _unused_)
{
	struct target t = target_start(target_dispatch);
	struct sut_err err = {0};
	unsigned int busy = 0;
	int64_t v;

	assert_true(target_rounds(&t, 1));
	for (int i = 0; i < 20; i++) {
		int r = once(t.pid, map_call, &v, &err);

		if (r < 0) {
			assert_int_equal(r, -EBUSY);
			assert_string_equal(err.reason, "busy");
			busy++;
		}
		assert_true(target_rounds(&t, 1));
	}
	assert_true(busy || t.s->value);
	target_end(&t);
}

static void a_stack_that_is_full_is_left_alone(void **state _unused_)
{
	struct target t = target_start(target_deep);
	struct sut_err err = {0};
	int64_t v;

	for (int i = 0; i < 20; i++) {
		assert_ok(once(t.pid, map_call, &v, &err), err);
		assert_true(v > 0);
		usleep(1000);
	}
	assert_true(target_rounds(&t, 2));
	target_end(&t);
}

static void errors_of_the_call_come_back(void **state _unused_)
{
	const uint64_t bad[7] = {SYS_mmap, 1, LEN, PROT_READ, MAP_FIXED | MAP_PRIVATE, 0, 0};
	struct target t = target_start(target_sleep);
	struct sut_err err = {0};
	int64_t v = 0;

	assert_ok(once(t.pid, bad, &v, &err), err);
	assert_int_equal(v, -EINVAL);
	target_end(&t);
}

static void a_signal_that_comes_meanwhile_is_delivered(void **state _unused_)
{
	struct target t = target_start(target_suspend);
	struct sut_err err = {0};
	int64_t v;

	usleep(20000);
	for (int i = 0; i < 20; i++) {
		_cleanup_(proc_closep) struct proc *p = NULL;
		uint64_t before = t.s->signals;
		struct inject_gadgets g;

		assert_ok(proc_open(t.pid, &p, &err), err);
		assert_ok(inject_find(p, 0, &g, &err), err);
		assert_true(seize(t.pid) > 0);
		kill(t.pid, SIGUSR1);
		assert_ok(inject_syscall(p, t.pid, &g, map_call, &v, &err), err);
		assert_int_equal(t.s->signals, before);
		assert_int_equal(ptrace(PTRACE_DETACH, t.pid, 0, 0), 0);
		for (int k = 0; k < 2000 && t.s->signals == before; k++)
			usleep(500);
		assert_int_equal(t.s->signals, before + 1);
	}
	t.s->stop = 1;
	kill(t.pid, SIGUSR1);
	target_end(&t);
}

static void a_stopped_process_stays_stopped(void **state _unused_)
{
	struct target t = target_start(target_sleep);
	struct sut_err err = {0};
	uint64_t rounds;
	int64_t v;
	int status;

	kill(t.pid, SIGSTOP);
	assert_int_equal(waitpid(t.pid, &status, WUNTRACED), t.pid);
	rounds = t.s->rounds;
	assert_ok(once(t.pid, map_call, &v, &err), err);
	assert_true(v > 0);
	usleep(30000);
	assert_int_equal(target_proc_state(&t), 'T');
	assert_int_equal(t.s->rounds, rounds);
	kill(t.pid, SIGCONT);
	assert_true(target_rounds(&t, 2));
	target_end(&t);
}

static void a_process_stopped_meanwhile_is_stopped(void **state _unused_)
{
	struct target t = target_start(target_sleep);
	_cleanup_(proc_closep) struct proc *p = NULL;
	struct inject_gadgets g;
	struct sut_err err = {0};
	int64_t v;

	assert_ok(proc_open(t.pid, &p, &err), err);
	assert_ok(inject_find(p, 0, &g, &err), err);
	assert_true(seize(t.pid) > 0);
	kill(t.pid, SIGSTOP);
	assert_ok(inject_syscall(p, t.pid, &g, map_call, &v, &err), err);
	assert_true(v > 0);
	assert_int_equal(ptrace(PTRACE_DETACH, t.pid, 0, 0), 0);
	for (int i = 0; i < 2000 && target_proc_state(&t) != 'T'; i++)
		usleep(500);
	assert_int_equal(target_proc_state(&t), 'T');
	kill(t.pid, SIGCONT);
	assert_true(target_rounds(&t, 2));
	target_end(&t);
}

static void a_thread_held_at_the_entry_of_a_call_begins_it_again(void **state _unused_)
{
	struct target t = target_start(target_sleep);
	_cleanup_(proc_closep) struct proc *p = NULL;
	struct inject_gadgets g;
	struct sut_err err = {0};
	int64_t v;
	int status;

	assert_ok(proc_open(t.pid, &p, &err), err);
	assert_ok(inject_find(p, 0, &g, &err), err);
	assert_true(seize(t.pid) > 0);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, t.pid, 0, 0), 0);
		assert_int_equal(waitpid(t.pid, &status, __WALL), t.pid);
		assert_true(WIFSTOPPED(status));
		if (i % 3 != 1)
			continue;
		assert_ok(inject_syscall(p, t.pid, &g, map_call, &v, &err), err);
		assert_true(v > 0);
	}
	assert_int_equal(ptrace(PTRACE_DETACH, t.pid, 0, 0), 0);
	assert_true(target_rounds(&t, 2));
	target_end(&t);
}

static void a_killed_process_is_gone(void **state _unused_)
{
	struct target t = target_start(target_sleep);
	_cleanup_(proc_closep) struct proc *p = NULL;
	struct inject_gadgets g;
	struct sut_err err = {0};
	int64_t v;

	assert_ok(proc_open(t.pid, &p, &err), err);
	assert_ok(inject_find(p, 0, &g, &err), err);
	assert_true(seize(t.pid) > 0);
	kill(t.pid, SIGKILL);
	assert_int_equal(inject_syscall(p, t.pid, &g, map_call, &v, &err), -ESRCH);
	assert_string_equal(err.reason, "gone");
	waitpid(t.pid, NULL, __WALL);
	close(t.fd);
	munmap(t.s, 4096);
}

/* ---- calls of functions ---- */

static struct target_state *called;

static void note(uint64_t a, uint64_t b)
{
	called->value = a ^ b;
	called->signals++;
}

static void slow(uint64_t a, uint64_t b)
{
	for (uint64_t i = 0; i < 40; i++)
		usleep(1000);
	called->value = a + b;
}

static void fault(uint64_t a, uint64_t b)
{
	*(volatile uint64_t *)(uintptr_t)a = b;
}

static int call(pid_t pid, void (*fn)(uint64_t, uint64_t), uint64_t a, uint64_t b,
		unsigned int timeout_ms, struct sut_err *err)
{
	const uint64_t args[2] = {a, b};
	_cleanup_(proc_closep) struct proc *p = NULL;
	struct inject_gadgets g;
	int r;

	assert_ok(proc_open(pid, &p, err), *err);
	assert_ok(inject_find(p, 0, &g, err), *err);
	assert_true(seize(pid) > 0);
	r = inject_call(p, pid, &g, (uintptr_t)fn, args, timeout_ms, err);
	assert_int_equal(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
	return r;
}

static void calls_spin(struct target_state *s, int fd)
{
	called = s;
	if (target_avx())
		target_spin(s, fd);
	else
		target_sleep(s, fd);
}

static void a_function_is_called(void **state _unused_)
{
	struct target t = target_start(calls_spin);
	struct sut_err err = {0};

	for (uint64_t i = 1; i <= 20; i++) {
		assert_ok(call(t.pid, note, i, 0x1000, 1000, &err), err);
		assert_int_equal(t.s->value, i ^ 0x1000);
		assert_int_equal(t.s->signals, i);
	}
	assert_true(target_rounds(&t, 5));
	target_end(&t);
}

static void a_function_that_takes_too_long_ends_by_itself(void **state _unused_)
{
	struct target t = target_start(calls_spin);
	struct sut_err err = {0};

	assert_int_equal(call(t.pid, slow, 1, 2, 10, &err), -ETIMEDOUT);
	assert_int_equal(t.s->value, 0);
	for (int i = 0; i < 20000 && !t.s->value; i++)
		usleep(1000);
	assert_int_equal(t.s->value, 3);
	assert_true(target_rounds(&t, 5));
	target_end(&t);
}

static void a_fault_of_the_function_does_not_reach_the_process(void **state _unused_)
{
	struct target t = target_start(calls_spin);
	struct sut_err err = {0};

	assert_int_equal(call(t.pid, fault, 8, 2, 1000, &err), -EIO);
	assert_true(target_rounds(&t, 5));
	target_end(&t);
}

/* ---- death ---- */

static int patcher(void *arg)
{
	const struct target *t = arg;
	int64_t v;

	return once(t->pid, map_call, &v, NULL) == 0 ? 0 : 1;
}

/* The same on a CPU without XSAVE: its kernel says that there is no such set of registers. */
static int patcher_without_xsave(void *arg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PTRACE_GETREGSET, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NT_X86_XSTATE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENODEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = {SUT_ARRAY_SIZE(code), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		return 2;
	return patcher(arg);
}

/* Killed before every system call of ours in turn, the target goes on as if nothing had been. */
static void die_everywhere(target_fn fn, bool feed, int (*run)(void *))
{
	struct target t = target_start(fn);
	struct fault_result r = {0};
	uint8_t next = 0;
	uint64_t calls, before;

	usleep(10000);
	fault_run(run, &t, &(struct fault_plan){.kind = FAULT_NONE}, &r);
	assert_int_equal(r.status, 0);
	calls = r.syscalls;
	assert_true(calls > 30);
	for (uint64_t n = 1; n <= calls + 3; n++) {
		fault_run(run, &t, &(struct fault_plan){.kind = FAULT_KILL, .n = n}, &r);
		assert_true(r.status == -SIGKILL || n > calls - 3);
		before = t.s->rounds;
		if (feed) {
			assert_int_equal(write(t.fd, &next, 1), 1);
			next++;
		}
		if (!target_until(&t, before + 1))
			fail_msg("killed before call %llu: the target does not go on: %s",
				 (unsigned long long)n, t.s->what);
		assert_int_equal(t.s->errors, 0);
	}
	target_end(&t);
}

static void death_leaves_every_register(void **state _unused_)
{
	if (!target_avx())
		skip();
	die_everywhere(target_spin, false, patcher);
}

static void without_xsave_too(void **state _unused_)
{
	if (!target_avx())
		skip();
	die_everywhere(target_spin_sse, false, patcher_without_xsave);
}

static void death_leaves_a_read(void **state _unused_)
{
	die_everywhere(target_read, true, patcher);
}

static void death_leaves_an_epoll_wait(void **state _unused_)
{
	die_everywhere(target_epoll, true, patcher);
}

static void death_leaves_a_sleep(void **state _unused_)
{
	die_everywhere(target_sleep, false, patcher);
}

static void death_leaves_a_futex(void **state _unused_)
{
	die_everywhere(target_futex, false, patcher);
}

static void death_leaves_a_full_stack(void **state _unused_)
{
	die_everywhere(target_deep, false, patcher);
}

static void death_leaves_an_alternate_stack(void **state _unused_)
{
	die_everywhere(target_altstack, false, patcher);
}

/* A thread that was stopped by SIGSTOP when we died is still stopped, and goes on with SIGCONT. */
static void death_leaves_a_stopped_process_whole(void **state _unused_)
{
	struct target t = target_start(target_sleep);
	struct fault_result r = {0};
	uint64_t calls;
	int status;

	fault_run(patcher, &t, &(struct fault_plan){.kind = FAULT_NONE}, &r);
	calls = r.syscalls;
	for (uint64_t n = 1; n <= calls; n += 2) {
		kill(t.pid, SIGSTOP);
		assert_int_equal(waitpid(t.pid, &status, WUNTRACED), t.pid);
		fault_run(patcher, &t, &(struct fault_plan){.kind = FAULT_KILL, .n = n}, &r);
		for (int i = 0; i < 2000 && target_proc_state(&t) != 'T'; i++)
			usleep(500);
		assert_int_equal(target_proc_state(&t), 'T');
		kill(t.pid, SIGCONT);
		if (!target_rounds(&t, 1))
			fail_msg("killed before call %llu: the target does not go on",
				 (unsigned long long)n);
	}
	target_end(&t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_register_is_changed),
		cmocka_unit_test(a_read_does_not_end),
		cmocka_unit_test(a_sleep_keeps_its_time),
		cmocka_unit_test(a_futex_keeps_its_time),
		cmocka_unit_test(a_thread_in_sigsuspend_keeps_its_masks),
		cmocka_unit_test(a_thread_on_its_alternate_stack_keeps_it),
		cmocka_unit_test(a_restartable_sequence_is_aborted),
		cmocka_unit_test(who_sends_his_system_calls_to_himself_keeps_them),
		cmocka_unit_test(a_stack_that_is_full_is_left_alone),
		cmocka_unit_test(errors_of_the_call_come_back),
		cmocka_unit_test(a_signal_that_comes_meanwhile_is_delivered),
		cmocka_unit_test(a_stopped_process_stays_stopped),
		cmocka_unit_test(a_process_stopped_meanwhile_is_stopped),
		cmocka_unit_test(a_thread_held_at_the_entry_of_a_call_begins_it_again),
		cmocka_unit_test(a_killed_process_is_gone),
		cmocka_unit_test(a_function_is_called),
		cmocka_unit_test(a_function_that_takes_too_long_ends_by_itself),
		cmocka_unit_test(a_fault_of_the_function_does_not_reach_the_process),
		cmocka_unit_test(death_leaves_every_register),
		cmocka_unit_test(without_xsave_too),
		cmocka_unit_test(death_leaves_a_read),
		cmocka_unit_test(death_leaves_an_epoll_wait),
		cmocka_unit_test(death_leaves_a_sleep),
		cmocka_unit_test(death_leaves_a_futex),
		cmocka_unit_test(death_leaves_a_full_stack),
		cmocka_unit_test(death_leaves_an_alternate_stack),
		cmocka_unit_test(death_leaves_a_stopped_process_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
