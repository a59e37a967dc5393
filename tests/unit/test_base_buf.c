// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

static void empty_buffer_is_empty_text(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(10);

	assert_string_equal(sut_buf_str(&b), "");
	assert_null(b.data);
}

static void text_is_always_terminated(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(100);

	assert_int_equal(sut_buf_addstr(&b, "ab"), 0);
	assert_int_equal(sut_buf_add(&b, "cdXX", 2), 0);
	assert_int_equal(sut_buf_addf(&b, "%d", 17), 0);
	assert_string_equal(sut_buf_str(&b), "abcd17");
	assert_int_equal(b.len, 6);
}

static void maximum_is_exact_and_a_refusal_changes_nothing(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4);

	assert_int_equal(sut_buf_addstr(&b, "abc"), 0);
	assert_int_equal(sut_buf_addstr(&b, "de"), -ENOBUFS);
	assert_int_equal(sut_buf_addf(&b, "%s", "de"), -ENOBUFS);
	assert_int_equal(sut_buf_addzero(&b, 2), -ENOBUFS);
	assert_int_equal(sut_buf_align(&b, 8), -ENOBUFS);
	assert_string_equal(sut_buf_str(&b), "abc");
	assert_int_equal(sut_buf_addstr(&b, "d"), 0);
	assert_int_equal(b.len, 4);
	assert_int_equal(sut_buf_add(&b, NULL, 0), 0);
}

static void sizes_that_overflow_are_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SIZE_MAX);

	assert_int_equal(sut_buf_addstr(&b, "abc"), 0);
	assert_true(sut_buf_reserve(&b, SIZE_MAX) < 0);
	assert_true(sut_buf_reserve(&b, SIZE_MAX - 3) < 0);
	assert_true(sut_buf_reserve(&b, SIZE_MAX / 2) < 0);
	assert_string_equal(sut_buf_str(&b), "abc");
}

static void contents_survive_growth(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);

	for (size_t i = 0; i < 100000; i++) {
		uint8_t c = (uint8_t)(i * 7);

		assert_int_equal(sut_buf_add(&b, &c, 1), 0);
	}
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], (uint8_t)(i * 7));
	assert_int_equal(b.data[b.len], 0);
}

static void align_pads_with_zeros_and_only_when_needed(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(100);

	assert_int_equal(sut_buf_align(&b, 8), 0);
	assert_int_equal(b.len, 0);
	assert_int_equal(sut_buf_addstr(&b, "abcde"), 0);
	assert_int_equal(sut_buf_align(&b, 8), 0);
	assert_int_equal(b.len, 8);
	assert_memory_equal(b.data, "abcde\0\0", 9);
	assert_int_equal(sut_buf_align(&b, 8), 0);
	assert_int_equal(b.len, 8);
}

static void reserve_makes_room_and_adds_nothing(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1000);
	uint8_t *p;

	assert_int_equal(sut_buf_reserve(&b, 500), 0);
	assert_int_equal(b.len, 0);
	assert_string_equal(sut_buf_str(&b), "");
	p = b.data;
	assert_int_equal(sut_buf_addzero(&b, 500), 0);
	assert_ptr_equal(b.data, p);
}

static void released_buffer_can_be_used_again(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4);

	assert_int_equal(sut_buf_addstr(&b, "abcd"), 0);
	sut_buf_release(&b);
	assert_string_equal(sut_buf_str(&b), "");
	assert_int_equal(sut_buf_addstr(&b, "efgh"), 0);
	assert_int_equal(sut_buf_addstr(&b, "i"), -ENOBUFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_buffer_is_empty_text),
		cmocka_unit_test(text_is_always_terminated),
		cmocka_unit_test(maximum_is_exact_and_a_refusal_changes_nothing),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(contents_survive_growth),
		cmocka_unit_test(align_pads_with_zeros_and_only_when_needed),
		cmocka_unit_test(reserve_makes_room_and_adds_nothing),
		cmocka_unit_test(released_buffer_can_be_used_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
