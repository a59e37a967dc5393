// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void set_fills_code_and_message(void **state _unused_)
{
	struct sut_err e = {.reason = "stale"};

	assert_int_equal(sut_err_set(&e, EBUSY, "%s is busy", "it"), -EBUSY);
	assert_int_equal(e.code, EBUSY);
	assert_string_equal(e.msg, "it is busy");
	assert_string_equal(e.reason, "");
}

static void null_is_allowed_everywhere(void **state _unused_)
{
	assert_int_equal(sut_err_set(NULL, EBUSY, "x"), -EBUSY);
	assert_int_equal(sut_err_reason(NULL, EPERM, "r", "x"), -EPERM);
	assert_int_equal(sut_err_oom(NULL), -ENOMEM);
	assert_true(sut_err_prefix(NULL, "x") < 0);
	errno = ENOENT;
	assert_int_equal(sut_err_errno(NULL, "x"), -ENOENT);
}

static void errno_is_explained(void **state _unused_)
{
	struct sut_err e = {0};

	errno = ENOENT;
	assert_int_equal(sut_err_errno(&e, "cannot open %s", "f"), -ENOENT);
	assert_string_equal(e.msg, "cannot open f: No such file or directory");
}

static void errno_zero_is_still_a_failure(void **state _unused_)
{
	struct sut_err e = {0};

	errno = 0;
	assert_int_equal(sut_err_errno(&e, "odd"), -EIO);
}

static void reason_is_kept_by_a_prefix(void **state _unused_)
{
	struct sut_err e = {0};

	sut_err_reason(&e, EINVAL, "changed-data", "x changed");
	assert_int_equal(sut_err_prefix(&e, "%s", "net/a.c"), -EINVAL);
	assert_string_equal(e.msg, "net/a.c: x changed");
	assert_string_equal(e.reason, "changed-data");
}

static void prefix_of_no_error_is_not_success(void **state _unused_)
{
	struct sut_err e = {0};

	assert_int_equal(sut_err_prefix(&e, "x"), -EIO);
	assert_int_equal(e.code, EIO);
}

static void message_may_quote_itself(void **state _unused_)
{
	struct sut_err e = {0};

	sut_err_reason(&e, EINVAL, "word", "inner");
	sut_err_set(&e, EIO, "outer (%s, %s)", e.msg, e.reason);
	assert_string_equal(e.msg, "outer (inner, word)");
	sut_err_prefix(&e, "%s", e.msg);
	assert_string_equal(e.msg, "outer (inner, word): outer (inner, word)");
}

/* They go to terminals and logs, with names in them that others chose. */
static void messages_hold_no_commands_for_terminals(void **state _unused_)
{
	struct sut_err e = {0};

	sut_err_set(&e, EIO, "%s", "a\033[2Jb\177\302\233c\233d\r\342\200\256e\bf");
	assert_string_equal(e.msg, "a?[2Jb???c?d????e?f");
	sut_err_prefix(&e, "%s", "\033\344");
	assert_string_equal(e.msg, "??: a?[2Jb???c?d????e?f");
	errno = ENOENT;
	sut_err_errno(&e, "%s", "\033x");
	assert_string_equal(e.msg, "?x: No such file or directory");
	sut_err_reason(&e, EIO, "r", "build-id 6d1c… für 日本 😀\n\t1");
	assert_string_equal(e.msg, "build-id 6d1c… für 日本 😀\n\t1");
}

static void long_messages_are_cut(void **state _unused_)
{
	char big[2 * SUT_ERR_MSG_MAX];
	struct sut_err e = {0};

	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	sut_err_reason(&e, EINVAL, big, "%s", big);
	assert_int_equal(strlen(e.msg), SUT_ERR_MSG_MAX - 1);
	assert_int_equal(strlen(e.reason), SUT_ERR_REASON_MAX - 1);
	sut_err_prefix(&e, "%s", big);
	assert_int_equal(strlen(e.msg), SUT_ERR_MSG_MAX - 1);
	errno = ENOENT;
	sut_err_errno(&e, "%s", big);
	assert_int_equal(strlen(e.msg), SUT_ERR_MSG_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_fills_code_and_message),
		cmocka_unit_test(null_is_allowed_everywhere),
		cmocka_unit_test(errno_is_explained),
		cmocka_unit_test(errno_zero_is_still_a_failure),
		cmocka_unit_test(reason_is_kept_by_a_prefix),
		cmocka_unit_test(prefix_of_no_error_is_not_success),
		cmocka_unit_test(message_may_quote_itself),
		cmocka_unit_test(messages_hold_no_commands_for_terminals),
		cmocka_unit_test(long_messages_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
