// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "elf/object.h"

/* An object with one relocation, written and read again. 0 or what the reader says; *ret_addend: as it was read. */
static int read_back(int64_t addend, int64_t *ret_addend, struct sut_err *err)
{
	static const uint8_t code[16];
	_cleanup_(sut_object_freep) struct sut_object *o = sut_object_new(), *back = NULL;
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);
	int section, sym, r;

	assert_non_null(o);
	section = sut_object_add_section(o, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 16, 0,
					 code, sizeof(code));
	assert_true(section > 0);
	sym = sut_object_add_sym(o, "elsewhere", STB_GLOBAL, STT_NOTYPE, SHN_UNDEF, 0, 0);
	assert_true(sym > 0);
	assert_int_equal(
		sut_object_add_rela(o, (uint32_t)section, 0, R_X86_64_64, (uint32_t)sym, addend),
		0);
	assert_int_equal(sut_object_write(o, &b, err), 0);
	r = sut_object_parse(b.data, b.len, &back, err);
	if (r == 0) {
		uint32_t text = sut_object_section(back, ".text");

		assert_int_equal(back->sections[text].nrelas, 1);
		*ret_addend = back->sections[text].relas[0].addend;
	}
	return r;
}

static void addends_are_read_as_they_were_written(void **state _unused_)
{
	static const int64_t addends[] = {
		0, -4, INT32_MIN, INT32_MAX, INT64_MAX / 2, INT64_MIN / 2};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(addends); i++) {
		struct sut_err err = {0};
		int64_t is = 1;

		assert_int_equal(read_back(addends[i], &is, &err), 0);
		assert_int_equal(is, addends[i]);
	}
}

/* Whoever adds a place to it does not have to think of overflow. */
static void an_addend_that_a_sum_could_overflow_by_is_refused(void **state _unused_)
{
	static const int64_t addends[] = {INT64_MAX, INT64_MAX / 2 + 1, INT64_MIN / 2 - 1,
					  INT64_MIN};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(addends); i++) {
		struct sut_err err = {0};
		int64_t is = 1;

		assert_int_equal(read_back(addends[i], &is, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, "relocation of .text to nowhere"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addends_are_read_as_they_were_written),
		cmocka_unit_test(an_addend_that_a_sum_could_overflow_by_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
