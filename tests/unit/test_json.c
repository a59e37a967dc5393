// SPDX-License-Identifier: Apache-2.0
/* JSON that others made: what is read, what is refused and with which words. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "json/field.h"
#include "json/parse.h"

static void one_object_and_nothing_else(void **state)
{
	static const struct {
		const char *text, *why;
		unsigned int line;
	} cases[] = {
		{"", "is empty", 0},
		{"[]", "is no JSON object", 0},
		{"{} {}", "is not JSON", 1},
		{"\n{\"a\": 1,\n\"a\": 1}", "same member twice", 3},
		{"{\"a\": {\"b\": [[]]}}", "nested too deeply", 0},
		{"{\"a\": \"\xff\"}", "is not JSON", 1},
	};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		struct sut_json_why why = {0};
		json_t *j = NULL;

		assert_int_equal(
			sut_json_object_parse(cases[i].text, strlen(cases[i].text), 3, &j, &why),
			-EBADMSG);
		assert_null(j);
		assert_non_null(strstr(why.text, cases[i].why));
		assert_int_equal(why.line, cases[i].line);
	}
}

/* A bracket in a string is no level. */
static void what_is_right_is_read(void **state)
{
	static const char text[] = "{\"a\": [{\"b\": \"[[[\\\"[{\"}]}";
	_cleanup_json_ json_t *j = NULL;

	(void)state;
	assert_int_equal(sut_json_object_parse(text, strlen(text), 3, &j, NULL), 0);
	assert_true(json_is_object(j));
}

static void members_are_named_with_their_place(void **state)
{
	static const char text[] = "{\"list\": [{\"s\": 7, \"n\": 99, \"b\": 1}], \"no\": null}";
	_cleanup_json_ json_t *j = NULL;
	struct sut_err err = {0};
	struct sut_json_at top = {
		.doc = "d", .reason = "bad", .advice = "Mend it", .own = 5, .err = &err};
	struct sut_json_at list, e;
	const char *s = "before";
	int64_t n = -1;
	bool b = true;

	(void)state;
	assert_int_equal(sut_json_object_parse(text, strlen(text), 8, &j, NULL), 0);
	top.node = j;
	assert_int_equal(sut_json_list(&top, "list", true, 1, 1, &list), 0);
	e = sut_json_entry(&list, 0);
	assert_int_equal(e.own, 5);
	assert_int_equal(sut_json_string(&e, "s", true, &s), -EBADMSG);
	assert_string_equal(err.msg, "d: list[0].s is missing or not a string. Mend it");
	assert_string_equal(err.reason, "bad");
	assert_int_equal(sut_json_int(&e, "n", true, 0, 98, &n), -EBADMSG);
	assert_says(err, "list[0].n is 99 (0 to 98 are possible)");
	assert_int_equal(sut_json_bool(&e, "b", &b), -EBADMSG);
	assert_int_equal(sut_json_object(&top, "no", false, &e), -EBADMSG);
	assert_int_equal(sut_json_list(&top, "list", true, 2, 3, &list), -EBADMSG);
	assert_says(err, "list has 1 entries (2 to 3 are possible)");
	/* What is not there leaves what was. */
	assert_int_equal(sut_json_string(&top, "x", false, &s), 0);
	assert_int_equal(sut_json_int(&top, "x", false, 0, 1, &n), 0);
	assert_int_equal(sut_json_bool(&top, "x", &b), 0);
	assert_int_equal(sut_json_object(&top, "x", false, &e), 0);
	assert_null(e.node);
	assert_true(sut_streq(s, "before") && n == -1 && b);
	assert_int_equal(sut_json_string(&top, "x", true, &s), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_object_and_nothing_else),
		cmocka_unit_test(what_is_right_is_read),
		cmocka_unit_test(members_are_named_with_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
