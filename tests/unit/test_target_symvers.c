// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "target/symvers.h"

static void fields_and_order(void **state)
{
	static const char text[] = "0x92997ed8\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n"
				   "0x00000010\tacpi_a\tdrivers/acpi/x\tEXPORT_SYMBOL_GPL\tACPI\n"
				   "0xffffffff\tBig\tvmlinux\tEXPORT_SYMBOL\n";
	_cleanup_(sut_symvers_release) struct sut_symvers s = {0};
	const struct sut_export *e;
	struct sut_err err = {0};

	(void)state;
	assert_ok(sut_symvers_parse(text, strlen(text), &s, &err), err);
	assert_int_equal(s.n, 3);
	/* strcmp order: capitals, then '_', then the rest */
	assert_string_equal(s.exports[0].name, "Big");
	assert_string_equal(s.exports[1].name, "_printk");
	assert_string_equal(s.exports[2].name, "acpi_a");
	e = sut_symvers_find(s.exports, s.n, "acpi_a");
	assert_non_null(e);
	assert_int_equal(e->crc, 0x10);
	assert_true(e->gpl);
	assert_string_equal(e->ns, "ACPI");
	assert_string_equal(e->module, "drivers/acpi/x");
	e = sut_symvers_find(s.exports, s.n, "_printk");
	assert_non_null(e);
	assert_int_equal(e->crc, 0x92997ed8);
	assert_false(e->gpl);
	assert_string_equal(e->ns, "");
	assert_string_equal(s.exports[0].ns, "");
	assert_null(sut_symvers_find(s.exports, s.n, "acpi"));
}

static void bad_lines_are_named(void **state)
{
	static const char *const bad[] = {
		"0x1\ta\tvmlinux\n",			    /* a field is missing */
		"0x1\ta\tvmlinux\tEXPORT_SYMBOL\tx\ty\n",   /* one too many */
		"0x100000000\ta\tvmlinux\tEXPORT_SYMBOL\n", /* CRC of more than 32 bits */
		"12\ta\tvmlinux\tEXPORT_SYMBOL\n",	    /* not hexadecimal */
		"0x1\ta\tvmlinux\tEXPORT_OTHER\n",	    /* no such kind */
		"0x1\t\tvmlinux\tEXPORT_SYMBOL\n",	    /* no name */
	};

	(void)state;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		_cleanup_(sut_symvers_release) struct sut_symvers s = {0};
		struct sut_err err = {0};
		char text[256];

		snprintf(text, sizeof(text), "0x1\tok\tvmlinux\tEXPORT_SYMBOL\t\n%s", bad[i]);
		assert_int_equal(sut_symvers_parse(text, strlen(text), &s, &err), -EBADMSG);
		assert_says(err, "line 2");
		assert_null(s.exports);
	}
}

static void empty_file(void **state)
{
	_cleanup_(sut_symvers_release) struct sut_symvers s = {0};
	struct sut_err err = {0};

	(void)state;
	assert_ok(sut_symvers_parse("", 0, &s, &err), err);
	assert_int_equal(s.n, 0);
	assert_null(sut_symvers_find(s.exports, s.n, "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_and_order),
		cmocka_unit_test(bad_lines_are_named),
		cmocka_unit_test(empty_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
