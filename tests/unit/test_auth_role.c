// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "auth/role.h"

static void every_mask_survives_being_written_and_read(void **state _unused_)
{
	for (unsigned int mask = 0; mask <= SUT_ROLE_ALL; mask++) {
		char text[96];
		unsigned int back = ~0u;

		sut_roles_format(mask, text);
		assert_int_equal(sut_roles_parse(text, &back, NULL), 0);
		assert_int_equal(back, mask);
	}
}

static void names_are_those_of_the_documentation(void **state _unused_)
{
	char text[96];

	sut_roles_format(SUT_ROLE_ALL, text);
	assert_string_equal(text, "viewer operator release-manager key-manager admin auditor");
	sut_roles_format(0, text);
	assert_string_equal(text, "");
	assert_string_equal(sut_role_name(SUT_ROLE_RELEASE), "release-manager");
	assert_null(sut_role_name(0));
	assert_null(sut_role_name(SUT_ROLE_VIEWER | SUT_ROLE_ADMIN));
	assert_null(sut_role_name(SUT_ROLE_ALL + 1));
}

static void a_word_that_is_no_role_is_named_and_nothing_is_written(void **state _unused_)
{
	static const char *const bad[] = {"root", "viewer root", "admins",
					  "view", "Admin",	 "viewer,admin"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		struct sut_err err = {0};
		unsigned int mask = 12345;

		assert_int_equal(sut_roles_parse(bad[i], &mask, &err), -EINVAL);
		assert_int_equal(mask, 12345);
		assert_says(err, strrchr(bad[i], ' ') ? "root" : bad[i]);
	}
}

static void spaces_and_repetition_do_not_matter(void **state _unused_)
{
	unsigned int mask;

	assert_int_equal(sut_roles_parse("  admin   viewer admin ", &mask, NULL), 0);
	assert_int_equal(mask, SUT_ROLE_ADMIN | SUT_ROLE_VIEWER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mask_survives_being_written_and_read),
		cmocka_unit_test(names_are_those_of_the_documentation),
		cmocka_unit_test(a_word_that_is_no_role_is_named_and_nothing_is_written),
		cmocka_unit_test(spaces_and_repetition_do_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
