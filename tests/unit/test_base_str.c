// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static void equality_of_null(void **state _unused_)
{
	assert_true(sut_streq(NULL, NULL));
	assert_false(sut_streq(NULL, ""));
	assert_false(sut_streq("", NULL));
	assert_true(sut_streq("a", "a"));
	assert_false(sut_streq("a", "ab"));
}

static void prefix_and_suffix(void **state _unused_)
{
	assert_true(sut_startswith("vmlinux", "vm"));
	assert_true(sut_startswith("vm", ""));
	assert_false(sut_startswith("v", "vm"));
	assert_true(sut_endswith("a.patch", ".patch"));
	assert_true(sut_endswith("a", ""));
	assert_false(sut_endswith("h", ".ch"));
	assert_false(sut_endswith("a.patchx", ".patch"));
}

static void hexadecimal_round_trip(void **state _unused_)
{
	uint8_t all[256], back[256];
	char text[513];

	for (size_t i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	sut_hex(all, sizeof(all), text);
	assert_memory_equal(text, "000102", 6);
	assert_string_equal(text + 506, "fdfeff");
	assert_int_equal(sut_unhex(text, back, 256), 0);
	assert_memory_equal(all, back, 256);
	assert_int_equal(sut_unhex("aBCd", back, 2), 0);
	assert_int_equal(back[1], 0xcd);
}

static void bad_hexadecimal_writes_nothing(void **state _unused_)
{
	uint8_t out[2] = {1, 2};

	assert_int_equal(sut_unhex("abc", out, 2), -EINVAL);
	assert_int_equal(sut_unhex("abcde", out, 2), -EINVAL);
	assert_int_equal(sut_unhex("abcg", out, 2), -EINVAL);
	assert_int_equal(sut_unhex("0xab", out, 2), -EINVAL);
	assert_int_equal(sut_unhex("", out, 2), -EINVAL);
	assert_int_equal(out[0], 1);
	assert_int_equal(out[1], 2);
	assert_int_equal(sut_unhex("", out, 0), 0);
}

static void numbers(void **state _unused_)
{
	static const struct {
		const char *text;
		uint64_t max;
		int result;
		uint64_t value;
	} cases[] = {
		{"0", 0, 0, 0},
		{"42", 100, 0, 42},
		{"100", 100, 0, 100},
		{"101", 100, -ERANGE, 0},
		{"0x10", 100, 0, 16},
		{"0xfFfFfFfFfFfFfFfF", UINT64_MAX, 0, UINT64_MAX},
		{"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, -ERANGE, 0},
		{"0x10000000000000000", UINT64_MAX, -ERANGE, 0},
		{"99999999999999999999999", UINT64_MAX, -ERANGE, 0},
		{"", 100, -EINVAL, 0},
		{"0x", 100, -EINVAL, 0},
		{"-1", 100, -EINVAL, 0},
		{"+1", 100, -EINVAL, 0},
		{" 1", 100, -EINVAL, 0},
		{"1 ", 100, -EINVAL, 0},
		{"1a", 100, -EINVAL, 0},
		{"1e2", 100, -EINVAL, 0},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		uint64_t v = 77;

		if (sut_parse_u64(cases[i].text, cases[i].max, &v) != cases[i].result)
			fail_msg("\"%s\" is not judged rightly", cases[i].text);
		assert_int_equal(v, cases[i].result == 0 ? cases[i].value : 77);
	}
}

static void list_is_an_argv(void **state _unused_)
{
	_cleanup_strv_ struct sut_strv l = {0};
	char word[] = "one";

	assert_false(sut_strv_has(&l, "one"));
	assert_int_equal(sut_strv_add(&l, word), 0);
	word[0] = 'X'; /* the list holds a copy */
	assert_int_equal(sut_strv_addf(&l, "%s-%d", "two", 2), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[0], "one");
	assert_string_equal(l.v[1], "two-2");
	assert_null(l.v[2]);
	assert_true(sut_strv_has(&l, "two-2"));
	assert_false(sut_strv_has(&l, "two"));
	sut_strv_release(&l);
	assert_int_equal(l.n, 0);
	assert_null(l.v);
}

static void sprintf_gives_fresh_memory(void **state _unused_)
{
	_cleanup_(sut_freep) char *s = sut_sprintf("%s/%03d", "a", 7);

	assert_string_equal(s, "a/007");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equality_of_null),
		cmocka_unit_test(prefix_and_suffix),
		cmocka_unit_test(hexadecimal_round_trip),
		cmocka_unit_test(bad_hexadecimal_writes_nothing),
		cmocka_unit_test(numbers),
		cmocka_unit_test(list_is_an_argv),
		cmocka_unit_test(sprintf_gives_fresh_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
