// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"

static int32_t only(const char *s)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);
	int32_t c = sut_utf8_next(&p, end);

	return p == end ? c : -2;
}

static void characters_of_every_length(void **state _unused_)
{
	assert_int_equal(only("a"), 'a');
	assert_int_equal(only("\xc3\xbc"), 0xfc);
	assert_int_equal(only("\xe2\x80\xae"), 0x202e);
	assert_int_equal(only("\xf4\x8f\xbf\xbf"), 0x10ffff);
}

static void malformed_is_told(void **state _unused_)
{
	static const char *const bad[] = {
		"\x80",
		"\xff",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xe2\x80",
		"\xf8\x88\x80\x80",
		"\xc3",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_true(only(bad[i]) < 0);
}

static void what_a_terminal_obeys_is_not_printable(void **state _unused_)
{
	static const int32_t bad[] = {-1,     0,      7,      0x1b,   0x7f, 0x80,   0x9b,  0x9f,
				      0x2028, 0x2029, 0x202a, 0x202e, '\n', 0x2066, 0x2069};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_false(sut_is_printable(bad[i]));
	assert_true(sut_is_printable(' ') && sut_is_printable('~') && sut_is_printable(0xa0));
}

static void text_is_made_printable(void **state _unused_)
{
	char s[] = "a\033[2J\t\n\xc2\x9b\xff\xc3\xbc\xe2\x80";

	sut_make_printable(s, "\n");
	assert_string_equal(s, "a?[2J?\n???\xc3\xbc??");
}

static void whatever_comes_is_printable_afterwards(void **state _unused_)
{
	srand(1);
	for (int i = 0; i < 20000; i++) {
		char s[24];
		size_t len = (size_t)rand() % sizeof(s);
		const uint8_t *p = (uint8_t *)s;

		/* Mostly bytes that mean something. */
		for (size_t j = 0; j < len; j++)
			s[j] = (char)(rand() % 4 ? 1 + rand() % 255 : 0x80 + rand() % 0x40);
		s[len] = 0;
		len = strlen(s);
		sut_make_printable(s, "");
		assert_int_equal(strlen(s), len);
		while (p < (uint8_t *)s + len)
			assert_true(sut_is_printable(sut_utf8_next(&p, (uint8_t *)s + len)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_of_every_length),
		cmocka_unit_test(malformed_is_told),
		cmocka_unit_test(what_a_terminal_obeys_is_not_printable),
		cmocka_unit_test(text_is_made_printable),
		cmocka_unit_test(whatever_comes_is_printable_afterwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
