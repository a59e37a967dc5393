// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/str.h"

/* "key=value;" for each setting. */
static int collect(void *ctx, const char *key, const char *value, struct sut_err *err)
{
	if (!strcmp(key, "bad"))
		return sut_err_set(err, ENOENT, "it is bad");
	return sut_buf_addf(ctx, "%s=%s;", key, value);
}

static int parse(const char *text, size_t len, struct sut_buf *b, struct sut_err *err)
{
	*b = SUT_BUF_INIT(4096);
	*err = (struct sut_err){0};
	return sut_conf_parse("FILE", text, len, collect, b, err);
}

static void settings_are_taken_in_their_order(void **state _unused_)
{
	static const char text[] = "# a comment\n"
				   "\n"
				   "one = 1\n"
				   "  two=2 # no comment = 3  \n"
				   "\tthree\t=\t\xc3\xa4 b\t\r\n"
				   "empty =\n"
				   "last = no line end";
	_cleanup_buf_ struct sut_buf b = {0};
	struct sut_err err;

	assert_ok(parse(text, sizeof(text) - 1, &b, &err), err);
	assert_string_equal(sut_buf_str(&b), "one=1;two=2 # no comment = 3;three=\xc3\xa4 b;empty=;"
					     "last=no line end;");
}

static void an_empty_file_is_fine(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = {0};
	struct sut_err err;

	assert_ok(parse("", 0, &b, &err), err);
	assert_ok(sut_conf_parse("FILE", NULL, 0, collect, &b, &err), err);
	assert_int_equal(b.len, 0);
}

static void what_is_no_setting_is_named_with_its_line(void **state _unused_)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
		{"a = 1\nword\n", 11},	       {"a = 1\n= 2\n", 10},
		{"a = 1\nb = \x01\n", 12},     {"a = 1\nb = \xff\n", 12},
		{"a = 1\nb = x\0y\n", 14},     {"a = 1\nb = \xe2\x80\xae\n", 14},
		{"a = 1\nb = \x1b[31m\n", 16}, {"a = 1\nb\rc = 1\n", 13},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct sut_buf b = {0};
		struct sut_err err;

		assert_int_equal(parse(cases[i].text, cases[i].len, &b, &err), -EBADMSG);
		assert_string_equal(err.reason, "conf");
		assert_says(err, "FILE:2: ");
	}
}

static void what_the_program_says_gets_the_line(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = {0};
	struct sut_err err;

	assert_int_equal(parse("a = 1\n\nbad = 1\nc = 1\n", 21, &b, &err), -ENOENT);
	assert_string_equal(err.msg, "FILE:3: it is bad");
	assert_string_equal(sut_buf_str(&b), "a=1;");
}

static void lines_and_files_have_a_longest(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = {0};
	char *text = malloc(SUT_CONF_MAX + 1);
	struct sut_err err;

	assert_non_null(text);
	memset(text, 'x', SUT_CONF_MAX + 1);
	memcpy(text, "k=", 2);
	text[SUT_CONF_LINE_MAX] = '\n';
	assert_ok(sut_conf_parse("FILE", text, SUT_CONF_LINE_MAX + 1, collect,
				 (b = SUT_BUF_INIT(8192), &b), &err),
		  err);
	sut_buf_release(&b);
	text[SUT_CONF_LINE_MAX] = 'x';
	assert_int_equal(parse(text, SUT_CONF_LINE_MAX + 1, &b, &err), -EBADMSG);
	memset(text, '\n', SUT_CONF_MAX + 1);
	assert_ok(parse(text, SUT_CONF_MAX, &b, &err), err);
	assert_int_equal(parse(text, SUT_CONF_MAX + 1, &b, &err), -EBADMSG);
	free(text);
}

static void yes_and_no(void **state _unused_)
{
	static const char *const yes[] = {"yes", "true", "on"}, *const no[] = {"no", "false",
									       "off"};
	struct sut_err err = {0};
	bool v;

	for (size_t i = 0; i < 3; i++) {
		v = false;
		assert_ok(sut_conf_bool(yes[i], &v, &err), err);
		assert_true(v);
		assert_ok(sut_conf_bool(no[i], &v, &err), err);
		assert_false(v);
	}
	assert_int_equal(sut_conf_bool("Yes", &v, &err), -EINVAL);
	assert_int_equal(sut_conf_bool("", &v, &err), -EINVAL);
	assert_int_equal(sut_conf_bool("1", &v, &err), -EINVAL);
}

static void durations(void **state _unused_)
{
	static const struct {
		const char *text;
		int64_t max;
		int r;
		int64_t v;
	} cases[] = {
		{"30", 100, 0, 30},
		{"30s", 100, 0, 30},
		{"5m", 300, 0, 300},
		{"4h", 86400, 0, 14400},
		{"2d", INT64_MAX, 0, 172800},
		{"0", 0, 0, 0},
		{"5m", 299, -EINVAL, 0},
		{"9223372036854775807d", INT64_MAX, -EINVAL, 0},
		{"9223372036854775808", INT64_MAX, -EINVAL, 0},
		{"", 100, -EINVAL, 0},
		{"m", 100, -EINVAL, 0},
		{"5 m", 1000, -EINVAL, 0},
		{"-5m", 1000, -EINVAL, 0},
		{"+5", 1000, -EINVAL, 0},
		{"0x10", 1000, -EINVAL, 0},
		{"5w", 1000, -EINVAL, 0},
		{"1.5h", 10000, -EINVAL, 0},
		{"000000000000000000000000000005", 1000, -EINVAL, 0},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		struct sut_err err = {0};
		int64_t v = -1;

		assert_int_equal(sut_conf_duration(cases[i].text, cases[i].max, &v, &err),
				 cases[i].r);
		assert_int_equal(v, cases[i].r ? -1 : cases[i].v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_taken_in_their_order),
		cmocka_unit_test(an_empty_file_is_fine),
		cmocka_unit_test(what_is_no_setting_is_named_with_its_line),
		cmocka_unit_test(what_the_program_says_gets_the_line),
		cmocka_unit_test(lines_and_files_have_a_longest),
		cmocka_unit_test(yes_and_no),
		cmocka_unit_test(durations),
	};

	return cmocka_run_group_tests_name("base_conf", tests, NULL, NULL);
}
