// SPDX-License-Identifier: Apache-2.0
/* patch/expect.h: what is written is read back, what is malformed is refused. */
#include <errno.h>
#include <string.h>

#include "unit.h"
#include "base/str.h"
#include "patch/expect.h"
#include "sample_patch.h"

static const uint8_t id[SUTURE_BUILD_ID_LEN] = {1, 2, 3};
static uint8_t code[64], equal[64];

static struct sut_expect_func replaced(const char *name, uint64_t addr)
{
	return (struct sut_expect_func){name,
					addr,
					sizeof(code),
					SUTURE_EXPECT_REPLACE | SUTURE_EXPECT_NOSTACK,
					SUTURE_REDIRECT_JUMP_FENTRY,
					5,
					code,
					equal};
}

/* Everything the engine will rely on, looked at from outside. */
static void walk(const struct sut_expect_table *t)
{
	unsigned int sum = 0;

	assert_in_range(t->nfuncs, 1, SUTURE_MAX_FUNCS);
	for (uint32_t i = 0; i < t->nfuncs; i++) {
		struct sut_expect_func f = sut_expect_at(t, i);

		assert_in_range(strlen(f.name), 1, SUTURE_NAME_MAX - 1);
		for (uint32_t j = 0; j < f.size; j++) {
			sum += f.bytes[j];
			assert_in_range(f.mask[j], 0, SUTURE_MASK_CONT);
		}
		if (f.redirect == SUTURE_REDIRECT_JUMP_FENTRY ||
		    f.redirect == SUTURE_REDIRECT_JUMP_ENTRY)
			assert_true((uint64_t)f.redirect_off + SUT_EXPECT_JUMP_LEN <= f.size);
		assert_int_equal(f.redirect != 0, (f.flags & SUTURE_EXPECT_REPLACE) != 0);
	}
	assert_true(sum < UINT32_MAX);
}

static void written_table_is_read_back(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	struct sut_expect_table t;
	struct sut_expect_func f;
	struct sut_err err = {0};
	char hex[2 * SUTURE_BUILD_ID_LEN + 1];

	sample_expect(&b);
	assert_int_equal(sut_expect_parse(b.data, b.len, &t, &err), 0);
	walk(&t);
	assert_int_equal(t.nfuncs, 3);
	assert_true(t.anchor_addr == 0xffffffff810e0000);
	sut_hex(t.build_id, sizeof(t.build_id), hex);
	assert_string_equal(hex, SAMPLE_BUILD_ID);
	f = sut_expect_at(&t, 0);
	assert_string_equal(f.name, "unix_ioctl");
	assert_true(f.addr == 0xffffffff81b0a000);
	assert_int_equal(f.size, 16);
	assert_int_equal(f.redirect, SUTURE_REDIRECT_JUMP_FENTRY);
	assert_int_equal(f.redirect_off, 5);
	assert_int_equal(f.bytes[5], 0x41);
	assert_int_equal(f.mask[10], SUTURE_MASK_ABS32);
	f = sut_expect_at(&t, 2);
	assert_string_equal(f.name, "unix_stream_read_generic");
	assert_int_equal(f.flags, SUTURE_EXPECT_NOSTACK);
}

static void table_cut_at_any_byte_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUTURE_MAX_EXPECT);

	sample_expect(&b);
	for (size_t n = 0; n < b.len; n++) {
		_cleanup_(sut_freep) uint8_t *p = malloc(n ? n : 1);
		struct sut_expect_table t;
		struct sut_err err = {0};

		assert_non_null(p);
		memcpy(p, b.data, n);
		assert_int_equal(sut_expect_parse(p, n, &t, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, "malformed"));
	}
}

/* A flipped byte of code or of a name cannot be seen here (the digest of the
 * container sees it); whatever is accepted must still be safe to walk. */
static void flipped_byte_never_breaks_a_promise(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	unsigned int refused = 0;

	sample_expect(&b);
	for (size_t i = 0; i < b.len; i++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			struct sut_expect_table t;
			struct sut_err err = {0};

			b.data[i] ^= (uint8_t)(1 << bit);
			if (sut_expect_parse(b.data, b.len, &t, &err) == 0)
				walk(&t);
			else
				refused++;
			b.data[i] ^= (uint8_t)(1 << bit);
		}
	}
	assert_true(refused > 500);
}

static void assert_add(const struct sut_expect_func *f, const char *why)
{
	struct sut_expect *x = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_expect_new(id, 1, &x, &err), 0);
	if (why) {
		assert_int_equal(sut_expect_add(x, f, &err), -EINVAL);
		if (!strstr(err.msg, why))
			fail_msg("'%s' is not in '%s'", why, err.msg);
		assert_int_equal(sut_expect_count(x), 0);
	} else {
		assert_int_equal(sut_expect_add(x, f, &err), 0);
		assert_int_equal(sut_expect_count(x), 1);
	}
	sut_expect_free(x);
}

static void builder_refuses_what_the_engine_would(void **state _unused_)
{
	struct sut_expect_func good = replaced("f", 0x1000), f;
	uint8_t mask[64];
	char name[SUTURE_NAME_MAX + 1];

#define REFUSED(why, ...)                                                                          \
	do {                                                                                       \
		f = good;                                                                          \
		__VA_ARGS__;                                                                       \
		assert_add(&f, why);                                                               \
	} while (0)

	assert_add(&good, NULL);
	REFUSED("name", f.name = "");
	memset(name, 'a', sizeof(name));
	name[SUTURE_NAME_MAX] = 0;
	REFUSED("name", f.name = name);
	name[SUTURE_NAME_MAX - 1] = 0;
	REFUSED(NULL, f.name = name);
	REFUSED("character", f.name = "a\033[31m");
	REFUSED("size", f.size = 0);
	REFUSED("size", f.size = SUT_EXPECT_FUNC_MAX + 1);
	REFUSED("address", f.addr = 0);
	REFUSED("address", f.addr = UINT64_MAX - 3);
	REFUSED("flag", f.flags = 0);
	REFUSED("flag", f.flags = 4 | SUTURE_EXPECT_REPLACE);
	REFUSED("redirect", f.flags = SUTURE_EXPECT_NOSTACK);
	REFUSED("redirect", f.redirect = SUTURE_REDIRECT_NONE);
	REFUSED("redirect", f.redirect = 4);
	REFUSED("fentry slot", f.redirect_off = 0);
	REFUSED("end of the function", f.redirect_off = sizeof(code) - 4);
	REFUSED(NULL, f.redirect_off = sizeof(code) - 5);
	REFUSED("end of the function", f.redirect_off = UINT32_MAX);
	REFUSED(NULL, f.redirect = SUTURE_REDIRECT_JUMP_ENTRY, f.redirect_off = 0);
	REFUSED("outside", f.redirect = SUTURE_REDIRECT_FTRACE, f.redirect_off = 64);

	memset(mask, SUTURE_MASK_EQUAL, sizeof(mask));
	mask[9] = SUTURE_MASK_IGNORE;
	REFUSED("rewrites", f.mask = mask);
	REFUSED(NULL, f.mask = mask, f.redirect_off = 10);

	f = good;
	f.mask = mask;
	memset(mask, SUTURE_MASK_EQUAL, sizeof(mask));
	mask[3] = 5;
	assert_add(&f, "unknown value");
	mask[3] = SUTURE_MASK_CONT;
	assert_add(&f, "did not begin");
	mask[3] = SUTURE_MASK_ABS32;
	assert_add(&f, "cut short");
	memset(mask + 4, SUTURE_MASK_CONT, 3);
	assert_add(&f, NULL);
	mask[61] = SUTURE_MASK_ABS32;
	assert_add(&f, "passes the end");
}

static void overlapping_records_are_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	struct sut_expect_func a = replaced("a", 0x1040), b = replaced("b", 0x1001);
	_cleanup_(sut_expect_freep) struct sut_expect *x = NULL;
	struct sut_expect_table t;
	struct sut_err err = {0};

	assert_int_equal(sut_expect_new(id, 1, &x, &err), 0);
	assert_int_equal(sut_expect_finish(x, &out, &err), -EINVAL); /* empty */
	assert_int_equal(sut_expect_add(x, &a, &err), 0);
	assert_int_equal(sut_expect_add(x, &b, &err), 0);
	assert_int_equal(sut_expect_finish(x, &out, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "share"));
	assert_int_equal(out.len, 0);

	/* The parser has the same rule: move the second record of a good table. */
	sut_expect_freep(&x);
	x = NULL;
	b.addr = 0x1000;
	assert_int_equal(sut_expect_new(id, 1, &x, &err), 0);
	assert_int_equal(sut_expect_add(x, &a, &err), 0);
	assert_int_equal(sut_expect_add(x, &b, &err), 0);
	assert_int_equal(sut_expect_finish(x, &out, &err), 0);
	assert_int_equal(sut_expect_parse(out.data, out.len, &t, &err), 0);
	out.data[64 + 32]++;
	assert_int_equal(sut_expect_parse(out.data, out.len, &t, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "share"));
}

static void bytes_and_mask_must_be_inside(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	struct suture_expect_header h;
	struct suture_expect_func rec;
	struct sut_expect_table t;
	struct sut_err err = {0};

	sample_expect(&b);
	memcpy(&h, b.data, sizeof(h));
	memcpy(&rec, b.data + sizeof(h), sizeof(rec));
	/* The bytes would fit here, the mask behind them would not. */
	rec.bytes_off = h.bytes_size - rec.size;
	memcpy(b.data + sizeof(h), &rec, sizeof(rec));
	assert_int_equal(sut_expect_parse(b.data, b.len, &t, &err), -EBADMSG);
	assert_says(err, "bytes are outside");
	rec.bytes_off = UINT32_MAX - 3;
	memcpy(b.data + sizeof(h), &rec, sizeof(rec));
	assert_int_equal(sut_expect_parse(b.data, b.len, &t, &err), -EBADMSG);
	rec.bytes_off = 0;
	rec.name_off = h.strings_size;
	memcpy(b.data + sizeof(h), &rec, sizeof(rec));
	assert_int_equal(sut_expect_parse(b.data, b.len, &t, &err), -EBADMSG);
	assert_says(err, "name is outside");
}

static void too_many_functions_are_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	_cleanup_(sut_expect_freep) struct sut_expect *x = NULL;
	struct sut_expect_func f = replaced("f", 0x1000);
	struct sut_expect_table t;
	struct sut_err err = {0};
	uint32_t n;

	assert_int_equal(sut_expect_new(id, 1, &x, &err), 0);
	for (unsigned int i = 0; i < SUTURE_MAX_FUNCS; i++) {
		f.addr += sizeof(code);
		assert_int_equal(sut_expect_add(x, &f, &err), 0);
	}
	f.addr += sizeof(code);
	assert_int_equal(sut_expect_add(x, &f, &err), -ENOBUFS);
	assert_int_equal(sut_expect_finish(x, &out, &err), 0);
	assert_int_equal(sut_expect_parse(out.data, out.len, &t, &err), 0);
	n = SUTURE_MAX_FUNCS + 1;
	memcpy(out.data + 12, &n, sizeof(n));
	assert_int_equal(sut_expect_parse(out.data, out.len, &t, &err), -EBADMSG);
	n = UINT32_MAX;
	memcpy(out.data + 12, &n, sizeof(n));
	assert_int_equal(sut_expect_parse(out.data, out.len, &t, &err), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_table_is_read_back),
		cmocka_unit_test(table_cut_at_any_byte_is_refused),
		cmocka_unit_test(flipped_byte_never_breaks_a_promise),
		cmocka_unit_test(builder_refuses_what_the_engine_would),
		cmocka_unit_test(overlapping_records_are_refused),
		cmocka_unit_test(bytes_and_mask_must_be_inside),
		cmocka_unit_test(too_many_functions_are_refused),
	};

	memset(equal, SUTURE_MASK_EQUAL, sizeof(equal));
	return cmocka_run_group_tests_name("expect", tests, NULL, NULL);
}
