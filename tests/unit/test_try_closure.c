// SPDX-License-Identifier: Apache-2.0
/* The libraries of a program, as the initramfs needs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "try/closure.h"

static bool has_name(const struct sut_strv *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strstr(l->v[i], name))
			return true;
	return false;
}

static void test_of_this_program(void **state)
{
	_cleanup_strv_ struct sut_strv l = {0};
	struct sut_err err = {0};

	(void)state;
	assert_int_equal(sut_closure_add("/proc/self/exe", &l, &err), 0);
	assert_true(has_name(&l, "ld-linux"));
	assert_true(has_name(&l, "libc.so.6"));
	assert_true(has_name(&l, "libcmocka.so"));
	for (size_t i = 0; i < l.n; i++) {
		assert_true(l.v[i][0] == '/' && sut_exists(l.v[i]));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(l.v[i], l.v[j]);
	}
}

static void test_what_is_not_a_program_needs_nothing(void **state)
{
	_cleanup_strv_ struct sut_strv l = {0};
	struct sut_err err = {0};

	(void)state;
	assert_int_equal(sut_closure_add("/etc/passwd", &l, &err), 0);
	assert_int_equal(l.n, 0);
	assert_true(sut_closure_add("/nonexistent", &l, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_this_program),
		cmocka_unit_test(test_what_is_not_a_program_needs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
