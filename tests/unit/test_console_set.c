// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "find/set.h"

static void add(struct find_set *s, uint32_t cve, uint32_t native, uint32_t package, uint32_t flags)
{
	assert_int_equal(find_set_add(s, &(struct find_rec){cve, native, package, flags}), 0);
}

static void test_what_is_written_is_read(void **state _unused_)
{
	_cleanup_find_set_ struct find_set s = {0}, back = {0};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(FIND_SET_BLOB_MAX);
	uint8_t hash[FIND_SET_HASH];
	struct sut_err err = {0};

	for (uint32_t i = 2000; i > 0; i--)
		add(&s, i, i % 3, 7, FIND_HIGH);
	find_set_settle(&s);
	assert_ok(find_set_write(&s, &b, hash, &err), err);
	assert_in_range(b.len, 1, 12000);
	assert_ok(find_set_read(b.data, b.len, &back, &err), err);
	assert_int_equal(back.n, 2000);
	assert_memory_equal(back.v, s.v, s.n * sizeof(*s.v));
	assert_int_equal(back.v[0].cve, 1);
}

static void test_order_of_adding_changes_nothing(void **state _unused_)
{
	_cleanup_find_set_ struct find_set a = {0}, b = {0};
	_cleanup_buf_ struct sut_buf x = SUT_BUF_INIT(4096), y = SUT_BUF_INIT(4096);
	uint8_t ha[FIND_SET_HASH], hb[FIND_SET_HASH];
	struct sut_err err = {0};

	add(&a, 1, 0, 5, 0);
	add(&a, 1, 2, 5, FIND_LOW | FIND_NOT_RUNNING);
	add(&a, 1, 2, 5, FIND_HIGH | 0x100);
	add(&b, 1, 2, 5, FIND_HIGH);
	add(&b, 1, 0, 5, 0);
	find_set_settle(&a);
	find_set_settle(&b);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.v[1].flags, FIND_HIGH);
	assert_ok(find_set_write(&a, &x, ha, &err), err);
	assert_ok(find_set_write(&b, &y, hb, &err), err);
	assert_memory_equal(ha, hb, sizeof(ha));
}

static void test_an_empty_set_is_one(void **state _unused_)
{
	_cleanup_find_set_ struct find_set s = {0}, back = {0};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	uint8_t hash[FIND_SET_HASH];
	struct sut_err err = {0};

	find_set_settle(&s);
	assert_ok(find_set_write(&s, &b, hash, &err), err);
	assert_ok(find_set_read(b.data, b.len, &back, &err), err);
	assert_int_equal(back.n, 0);
}

static void test_damage_is_noticed(void **state _unused_)
{
	_cleanup_find_set_ struct find_set s = {0}, back = {0};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4096);
	uint8_t hash[FIND_SET_HASH];
	struct sut_err err = {0};

	add(&s, 9, 0, 0, 0);
	add(&s, 3, 0, 0, 0);
	assert_ok(find_set_write(&s, &b, hash, &err), err);
	/* not settled: out of order */
	assert_int_equal(find_set_read(b.data, b.len, &back, &err), -EBADMSG);
	assert_string_equal(err.reason, "find-set");
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(find_set_read(b.data, n, &back, &err), -EBADMSG);
	b.data[4] = 1; /* the header says less than there is */
	assert_int_equal(find_set_read(b.data, b.len, &back, &err), -EBADMSG);
	b.data[7] = 0xff; /* and more than may be */
	assert_int_equal(find_set_read(b.data, b.len, &back, &err), -EBADMSG);
	assert_null(back.v);
	assert_int_equal(find_set_add(&s, &(struct find_rec){0, 1, 1, 0}), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_is_read),
		cmocka_unit_test(test_order_of_adding_changes_nothing),
		cmocka_unit_test(test_an_empty_set_is_one),
		cmocka_unit_test(test_damage_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
