// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "base/buf.h"
#include "base/proc.h"
#include "base/str.h"
#include "cve/changelog.h"

static void test_order_of_deb_version_7(void **state _unused_)
{
	/* each one is older than the next */
	static const char *const v[] = {
		"0~~",	      "0~",	   "0",		"0.1-1~bpo",	"0.1-1",
		"0.1-1+b1",   "0.1a-1",	   "0.1.2-1",	"0.9",		"0.10",
		"6.1.9-1",    "6.1.170-2", "6.1.170-3", "6.1.170-3+b1", "6.1.192-2",
		"6.12~rc1-1", "6.12-1",	   "1:0~",	"1:0",		"2:0",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(v); i++)
		for (size_t j = 0; j < SUT_ARRAY_SIZE(v); j++) {
			int d = sut_debversion_cmp(v[i], v[j]);

			if ((i < j && d >= 0) || (i > j && d <= 0) || (i == j && d))
				fail_msg("%s and %s compare as %d", v[i], v[j], d);
		}
	assert_int_equal(sut_debversion_cmp("0:1.0", "1.0-0"), 0);
	assert_int_equal(sut_debversion_cmp("1.010-1", "1.10-01"), 0);
}

static void test_form(void **state _unused_)
{
	static const char *const good[] = {"1",	      "1:2:3-4", "6.1.170-3",
					   "1.0-1-2", "0~a+b.c", "1-0"};
	static const char *const wrong[] = {"",
					    "-1",
					    "1-",
					    "a1",
					    ":1",
					    "1:",
					    "x:1",
					    "1 2",
					    "1_2",
					    "1:a",
					    "99999999999:1",
					    "4294967296:1",
					    "1:2-3:4",
					    "1;id",
					    "1\xc3\xa9"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(good); i++)
		if (!sut_debversion_ok(good[i]))
			fail_msg("%s is a version", good[i]);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(wrong); i++)
		if (sut_debversion_ok(wrong[i]))
			fail_msg("\"%s\" is no version", wrong[i]);
	assert_false(sut_debversion_ok(NULL));
}

static uint32_t rng = 20261122;

static uint32_t pick(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 17;
	rng ^= rng << 5;
	return rng % n;
}

static void random_version(char *s, size_t room)
{
	static const char chars[] = "0019aZ.+~~.";
	size_t n = 0, len = 1 + pick(6);

	if (pick(4) == 0)
		n += (size_t)snprintf(s, room, "%u:", pick(3));
	s[n++] = (char)('0' + pick(3));
	for (size_t i = 0; i < len; i++)
		s[n++] = chars[pick(sizeof(chars) - 1)];
	if (pick(2)) {
		s[n++] = '-';
		for (size_t i = 0; i < 1 + len / 3; i++)
			s[n++] = chars[pick(sizeof(chars) - 1)];
	}
	s[n] = 0;
	assert_true(n < room);
}

/* dpkg is asked about each pair, by one shell that prints those where it says otherwise. */
static void test_dpkg_agrees_on_3000_random_pairs(void **state _unused_)
{
	static const char *const argv[] = {"sh", "-s", NULL};
	_cleanup_buf_ struct sut_buf script = SUT_BUF_INIT(1 << 20), out = SUT_BUF_INIT(1 << 20);
	struct sut_err err = {0};
	int equal = 0;

	for (int i = 0; i < 3000; i++) {
		const char *op;
		char a[64], b[80];
		int d;

		random_version(a, sizeof(a));
		random_version(b, sizeof(b));
		if (pick(8) == 0) /* an epoch that changes nothing */
			snprintf(b, sizeof(b), "%s%s", strchr(a, ':') ? "" : "0:", a);
		assert_true(sut_debversion_ok(a) && sut_debversion_ok(b));
		d = sut_debversion_cmp(a, b);
		op = d < 0 ? "lt" : d > 0 ? "gt" : "eq";
		equal += d == 0;
		d = sut_debversion_cmp(b, a);
		assert_string_equal(op, d > 0 ? "lt" : d < 0 ? "gt" : "eq");
		assert_int_equal(
			sut_buf_addf(&script,
				     "dpkg --compare-versions '%s' %s '%s' || echo '%s %s %s'\n", a,
				     op, b, a, op, b),
			0);
	}
	assert_in_range(equal, 100, 1500);
	assert_ok(sut_run_ok(argv,
			     &(struct sut_run_opts){
				     .in = script.data, .in_len = script.len, .out = &out},
			     &err),
		  err);
	assert_string_equal(sut_buf_str(&out), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_of_deb_version_7),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_dpkg_agrees_on_3000_random_pairs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
