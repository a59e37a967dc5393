// SPDX-License-Identifier: Apache-2.0
/* Who is inside of certain code is found, and nobody else. */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "change/inside.h"
#include "change/jump.h"
#include "change/ranges.h"

/* Each lies alone in its 512 bytes. */
#define APART __attribute__((noinline, aligned(512), used, section(".text.apart")))
enum { LEN = 512, DEADLINE_US = 2000000 };

static _Atomic int *ready;
static volatile int keep, keep_away;

APART static void outer(void (*f)(void))
{
	f();
	keep++;
}

APART static void decoy(void (*f)(void))
{
	f();
	keep--;
}

/* Ends the last 512 bytes. */
APART static void behind(void)
{
	keep++;
}

/* Its first instruction is where it stays. */
APART static void at_entry(void);
__asm__(".pushsection .text.at_entry,\"ax\",@progbits\n.balign 512\nat_entry_code:\n"
	"1: jmp 1b\n.balign 512\n.popsection\n");
extern const char at_entry_code[];

static void at_entry(void)
{
	__asm__ volatile("jmp at_entry_code");
}

static void rest(void)
{
	atomic_store(ready, 1);
	while (!keep_away)
		pause();
}

/* ---- what the target does ---- */

static void inside(void)
{
	outer(rest);
}

static void only_words(void)
{
	/* A return address that is none, and a pointer to the function. */
	volatile uintptr_t words[4] = {(uintptr_t)outer + 9, (uintptr_t)decoy, 0, 0};

	rest();
	keep += (int)words[0];
}

static void pointer_only(void)
{
	volatile uintptr_t words[2] = {(uintptr_t)outer, (uintptr_t)decoy};

	rest();
	keep += (int)words[0];
}

static void deeper(int n)
{
	volatile char room[4000];

	room[0] = (char)n;
	if (n)
		deeper(n - 1);
	else
		rest();
	keep += room[0];
}

static void deep_down(void)
{
	deeper(200);
}

static void deep(void)
{
	outer(deep_down);
}

static void on_signal(int sig)
{
	(void)sig;
	rest();
}

static void raise_it(void)
{
	raise(SIGUSR1);
}

static void on_alternate_stack(void)
{
	stack_t ss = {.ss_sp = malloc(65536), .ss_size = 65536};
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

	sigaltstack(&ss, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	outer(raise_it);
}

static void *thread(void *arg)
{
	(void)arg;
	outer(rest);
	return NULL;
}

static void in_a_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread, NULL);
	for (;;)
		pause();
}

/* Code that no table describes: sub $8,%rsp; call *%rdi; add $8,%rsp; ret */
static void (*without_table)(void (*f)(void));

static void through_it(void)
{
	volatile uintptr_t words[2] = {(uintptr_t)decoy + 9, 0};

	without_table(rest);
	keep += (int)words[0];
}

static void unknown_code(void)
{
	static const unsigned char code[] = {0x48, 0x83, 0xec, 8, 0xff, 0xd7,
					     0x48, 0x83, 0xc4, 8, 0xc3};
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	memcpy(p, code, sizeof(code));
	memcpy(&without_table, &p, sizeof(p));
	outer(through_it);
}

static ucontext_t outer_context, inner;

static void back(void)
{
	swapcontext(&inner, &outer_context);
}

static void coroutine(void)
{
	outer(back);
}

static void start_coroutine(void)
{
	getcontext(&inner);
	inner.uc_stack.ss_sp = malloc(65536);
	inner.uc_stack.ss_size = 65536;
	inner.uc_link = &outer_context;
	makecontext(&inner, coroutine, 0);
	swapcontext(&outer_context, &inner);
}

static void coroutine_rests(void)
{
	start_coroutine();
	rest();
}

static void coroutine_has_ended(void)
{
	start_coroutine();
	swapcontext(&outer_context, &inner);
	rest();
}

static void loop_at_entry(void)
{
	atomic_store(ready, 1);
	at_entry();
}

/* ---- */

struct found {
	size_t outer, decoy, certain;
};

/* What is found in a process that does run(). tables: unwinding may take something back. */
static struct found find(void (*run)(void), bool tables, bool contexts)
{
	struct inside_range ranges[2] = {
		{.start = (uintptr_t)outer, .end = (uintptr_t)outer + LEN},
		{.start = (uintptr_t)decoy, .end = (uintptr_t)decoy + LEN}};
	bool swapped = ranges[0].start > ranges[1].start;
	_cleanup_(unwind_closep) struct unwind *u = NULL;
	_cleanup_(proc_closep) struct proc *p = NULL;
	struct inside_options o = {0};
	struct inside_hit *hits;
	struct contexts c = {0};
	struct found ret = {0};
	struct sut_err err = {0};
	struct threads t;
	size_t n;
	pid_t pid;

	if (swapped) {
		struct inside_range r = ranges[0];

		ranges[0] = ranges[1];
		ranges[1] = r;
	}
	ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(ready != MAP_FAILED);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(60);
		run();
		_exit(0);
	}
	while (!atomic_load(ready))
		usleep(500);
	usleep(2000);
	assert_ok(proc_open(pid, &p, &err), err);
	if (tables) {
		assert_ok(unwind_open(p, &u, &err), err);
		o.unwind = u;
	}
	if (contexts) {
		assert_ok(contexts_find(p, &c, &err), err);
		o.contexts = &c;
	}
	assert_ok(threads_stop(p, DEADLINE_US, &t, &err), err);
	assert_ok(inside_find(&t, ranges, 2, &o, &hits, &n, &err), err);
	threads_go(&t);
	for (size_t i = 0; i < n; i++) {
		if ((hits[i].range == 0) != swapped)
			ret.outer++;
		else
			ret.decoy++;
		ret.certain += hits[i].unwound;
	}
	free(hits);
	contexts_release(&c);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	munmap((void *)ready, 4096);
	return ret;
}

static void who_is_inside_is_found(void **state)
{
	static void (*const cases[])(void) = {inside, deep, in_a_thread};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		struct found word = find(cases[i], false, false);
		struct found frame = find(cases[i], true, false);

		assert_int_equal(word.outer, 1);
		assert_int_equal(word.certain, 0);
		assert_int_equal(frame.outer, 1);
		assert_int_equal(frame.certain, 1);
		assert_int_equal(word.decoy + frame.decoy, 0);
	}
}

static void a_frame_below_an_alternate_stack_is_found(void **state)
{
	(void)state;
	assert_int_equal(find(on_alternate_stack, false, false).outer, 1);
	assert_int_equal(find(on_alternate_stack, true, false).outer, 1);
}

static void a_word_that_is_no_frame_is_taken_back(void **state)
{
	struct found f = find(only_words, false, false);

	(void)state;
	assert_int_equal(f.outer, 1);
	assert_int_equal(f.certain, 0);
	f = find(only_words, true, false);
	assert_int_equal(f.outer + f.decoy, 0);
}

static void a_pointer_to_a_function_is_nobody(void **state)
{
	struct found f = find(pointer_only, false, false);

	(void)state;
	assert_int_equal(f.outer + f.decoy, 0);
}

/* A guess beyond unknown code takes nothing back. */
static void a_stack_that_is_not_known_to_its_end_is_believed(void **state)
{
	struct found f = find(unknown_code, true, false);

	(void)state;
	assert_int_equal(f.outer, 1);
	assert_int_equal(f.decoy, 1);
	assert_int_equal(f.certain, 0);
}

static void a_coroutine_is_found_while_it_rests(void **state)
{
	(void)state;
	assert_int_equal(find(coroutine_rests, false, false).outer, 0);
	assert_int_equal(find(coroutine_rests, false, true).outer, 1);
	assert_int_equal(find(coroutine_rests, true, true).outer, 1);
	assert_int_equal(find(coroutine_has_ended, true, true).outer, 0);
}

static void who_stands_at_the_entry_is_not_inside(void **state)
{
	struct inside_range ranges[] = {
		{.start = (uintptr_t)at_entry_code, .end = (uintptr_t)at_entry_code + 16}};
	_cleanup_(proc_closep) struct proc *p = NULL;
	struct inside_options o = {0};
	struct inside_hit *hits;
	struct sut_err err = {0};
	struct threads t;
	pid_t pid;
	size_t n;

	(void)state;
	ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(ready != MAP_FAILED);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(60);
		loop_at_entry();
	}
	while (!atomic_load(ready))
		usleep(500);
	usleep(2000);
	assert_ok(proc_open(pid, &p, &err), err);
	assert_ok(threads_stop(p, DEADLINE_US, &t, &err), err);
	assert_true(t.v[0].regs.rip == (uintptr_t)at_entry_code);
	assert_ok(inside_find(&t, ranges, 1, &o, &hits, &n, &err), err);
	assert_int_equal(n, 0);
	free(hits);
	/* One byte further on it is. */
	ranges[0].start--;
	assert_ok(inside_find(&t, ranges, 1, &o, &hits, &n, &err), err);
	assert_int_equal(n, 1);
	assert_true(hits[0].unwound);
	free(hits);
	threads_go(&t);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	munmap((void *)ready, 4096);
}

static void what_is_in_the_way_of_a_jump(void **state)
{
	const struct record_place jump = {.addr = 0x1004, .len = 5};
	const struct record_place island = {.addr = 0x1000, .len = 2, .island = 0x1020};

	(void)state;
	assert_false(jump_in_the_way(&jump, 0x1004));
	for (uint64_t pc = 0x1005; pc < 0x1009; pc++)
		assert_true(jump_in_the_way(&jump, pc));
	assert_false(jump_in_the_way(&jump, 0x1009));
	assert_false(jump_in_the_way(&island, 0x1000));
	/* At the beginning of an island it has come from the jump. */
	for (uint64_t pc = 0x1020; pc < 0x1025; pc++)
		assert_true(jump_in_the_way(&island, pc));
	assert_false(jump_in_the_way(&island, 0x1025));
	assert_false(jump_in_the_way(&island, 0x101f));
}

/* The ranges of a record come from the memory of the process. */
static void ranges_are_ascending_and_disjoint_whatever_a_record_says(void **state)
{
	struct record_place places[4] = {
		{.new_addr = 0x2300, .func = 0x100, .island = 0x2301, .len = 2},
		{.new_addr = 0x2300, .func = 0x200, .len = 5},
		{.new_addr = 0x2210, .func = 0x300, .island = 0x2210, .len = 2},
		{.new_addr = 0x2fff, .func = 0x400, .len = 5}};
	struct record r = {.at = 0x2000,
			   .head = {.nplaces = 4, .image = 0x2000, .image_len = 0x1000},
			   .places = places};
	const struct proc nobody = {.pid = -1, .task = -1, .pidfd = -1, .mem = -1};
	struct ranges ranges = {0};
	struct sut_err err = {0};

	(void)state;
	assert_ok(ranges_add_record(&ranges, &nobody, &r, NULL, 0, &err), err);
	ranges_end(&ranges);
	assert_true(ranges.n >= 3);
	for (size_t i = 0; i < ranges.n; i++) {
		assert_true(ranges.v[i].start <= ranges.v[i].end);
		assert_true(!i || ranges.v[i - 1].end <= ranges.v[i].start);
		assert_true(ranges.v[i].func < ranges.n);
	}
	ranges_release(&ranges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_inside_is_found),
		cmocka_unit_test(a_frame_below_an_alternate_stack_is_found),
		cmocka_unit_test(a_word_that_is_no_frame_is_taken_back),
		cmocka_unit_test(a_pointer_to_a_function_is_nobody),
		cmocka_unit_test(a_stack_that_is_not_known_to_its_end_is_believed),
		cmocka_unit_test(a_coroutine_is_found_while_it_rests),
		cmocka_unit_test(who_stands_at_the_entry_is_not_inside),
		cmocka_unit_test(what_is_in_the_way_of_a_jump),
		cmocka_unit_test(ranges_are_ascending_and_disjoint_whatever_a_record_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
