// SPDX-License-Identifier: Apache-2.0
/* What a virtual machine reports about its steps. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "try/step.h"

#define W "0123456789abcdef0123456789abcdef"

static struct sut_steps steps;
static struct sut_err err;

static int parse(const char *text)
{
	memset(&steps, 0, sizeof(steps));
	return sut_steps_parse(text, strlen(text), W, &steps, &err);
}

static void test_steps_with_output_and_status(void **state)
{
	(void)state;
	assert_int_equal(parse("\n" W " ready\n\n" W " begin before\nVULNERABLE\n\n" W
			       " end before 0\n\n" W " begin apply\n\n" W " end apply 3\n\n" W
			       " done\n"),
			 0);
	assert_true(steps.ready && steps.done);
	assert_int_equal(steps.n, 2);
	assert_string_equal(steps.v[0].name, "before");
	assert_int_equal(steps.v[0].status, 0);
	assert_int_equal(steps.v[0].len, 11);
	assert_memory_equal(steps.v[0].output, "VULNERABLE\n", 11);
	assert_int_equal(steps.v[1].status, 3);
	assert_int_equal(steps.v[1].len, 0);
}

static void test_output_without_newline_is_kept_whole(void **state)
{
	(void)state;
	assert_int_equal(parse(W " begin a\nno newline\n" W " end a 0\n"), 0);
	assert_int_equal(steps.v[0].len, strlen("no newline"));
}

static void test_frames_of_another_word_are_output(void **state)
{
	(void)state;
	assert_int_equal(
		parse(W " begin a\nffffffffffffffffffffffffffffffff end a 0\n\n" W " end a 1\n"),
		0);
	assert_int_equal(steps.n, 1);
	assert_int_equal(steps.v[0].status, 1);
	assert_int_equal(steps.v[0].len, 32 + strlen(" end a 0\n"));
}

static void test_cut_channel_leaves_an_open_step(void **state)
{
	(void)state;
	assert_int_equal(parse(W " ready\n" W " begin apply\nApplying"), 0);
	assert_false(steps.done);
	assert_int_equal(steps.v[0].status, -1);
	assert_int_equal(steps.v[0].len, strlen("Applying"));
}

static void test_frames_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	assert_int_equal(parse(W " end a 0\n"), -EBADMSG);
	assert_int_equal(parse(W " begin a\n" W " end b 0\n"), -EBADMSG);
	assert_int_equal(parse(W " begin a\n" W " end a 256\n"), -EBADMSG);
	assert_int_equal(parse(W " begin a\n" W " begin b\n"), -EBADMSG);
	assert_int_equal(parse(W " begin\n"), -EBADMSG);
	assert_int_equal(parse(W " explode\n"), -EBADMSG);
}

static void test_too_many_steps_are_refused(void **state)
{
	static char text[(SUT_STEPS_MAX + 1) * 2 * 64];
	size_t n = 0;

	(void)state;
	for (int i = 0; i <= SUT_STEPS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, W " begin a\n" W " end a 0\n");
	assert_int_equal(parse(text), -EBADMSG);
}

static void test_find_gives_the_last_of_a_name(void **state)
{
	(void)state;
	assert_int_equal(parse(W " begin a\n" W " end a 1\n" W " begin a\n" W " end a 2\n"), 0);
	assert_int_equal(sut_steps_find(&steps, "a")->status, 2);
	assert_null(sut_steps_find(&steps, "b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps_with_output_and_status),
		cmocka_unit_test(test_output_without_newline_is_kept_whole),
		cmocka_unit_test(test_frames_of_another_word_are_output),
		cmocka_unit_test(test_cut_channel_leaves_an_open_step),
		cmocka_unit_test(test_frames_that_do_not_fit_are_refused),
		cmocka_unit_test(test_too_many_steps_are_refused),
		cmocka_unit_test(test_find_gives_the_last_of_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
