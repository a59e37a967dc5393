// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "compile/shell.h"

/* Checks that text is exactly these commands; words are joined with '|'. */
static void expect(const char *text, const char *const *commands)
{
	const char *p = text, *end = text + strlen(text);

	for (; *commands; commands++) {
		_cleanup_strv_ struct sut_strv w = {0};
		char joined[256] = "";

		assert_int_equal(sut_shell_next(&p, end, &w), 1);
		for (size_t i = 0; i < w.n; i++) {
			strncat(joined, i ? "|" : "", sizeof(joined) - strlen(joined) - 1);
			strncat(joined, w.v[i], sizeof(joined) - strlen(joined) - 1);
		}
		assert_string_equal(joined, *commands);
	}
	{
		_cleanup_strv_ struct sut_strv w = {0};

		assert_int_equal(sut_shell_next(&p, end, &w), 0);
	}
}

#define EXPECT(text, ...) expect(text, (const char *const[]){__VA_ARGS__, NULL})

static void words_and_commands(void **state)
{
	(void)state;
	EXPECT("gcc -c a.c", "gcc|-c|a.c");
	EXPECT("  set -e;  a b ; ; c|d && e\nf", "set|-e", "a|b", "c", "d", "e", "f");
	EXPECT("a 2>/dev/null >> log", "a|2|/dev/null|log");
	expect(" ; \n", (const char *const[]){NULL});
}

static void quotes(void **state)
{
	(void)state;
	EXPECT("-DKBUILD_MODNAME='\"unix\"' x", "-DKBUILD_MODNAME=\"unix\"|x");
	EXPECT("'a;b' \"c d\" e\\ f", "a;b|c d|e f");
	EXPECT("'it'\\''s'", "it's");
	EXPECT("\"a\\\"b\\n\"", "a\"b\\n");
	EXPECT("a '' b", "a||b");
	EXPECT("a \\\n b\\\nc", "a|bc");
}

static void open_quote_is_an_error(void **state)
{
	static const char *const bad[] = {"a 'b", "\"", "x \"a\\\""};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		_cleanup_strv_ struct sut_strv w = {0};
		const char *p = bad[i];

		assert_int_equal(sut_shell_next(&p, p + strlen(p), &w), -EBADMSG);
		assert_null(w.v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_commands),
		cmocka_unit_test(quotes),
		cmocka_unit_test(open_quote_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
