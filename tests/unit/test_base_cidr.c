// SPDX-License-Identifier: Apache-2.0
/* base/cidr.h: who is inside a network, and which lines name none. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/cidr.h"

static bool inside(const char *network, const char *address)
{
	struct sut_err err = {0};
	struct sut_cidr c;

	assert_ok(sut_cidr_parse(network, &c, &err), err);
	return sut_cidr_has(&c, address);
}

static void a_network_has_its_addresses_and_no_other(void **state _unused_)
{
	assert_true(inside("10.0.0.0/8", "10.0.0.0"));
	assert_true(inside("10.0.0.0/8", "10.255.255.255"));
	assert_false(inside("10.0.0.0/8", "11.0.0.0"));
	assert_true(inside("192.0.2.128/25", "192.0.2.128"));
	assert_false(inside("192.0.2.128/25", "192.0.2.127"));
	assert_true(inside("192.0.2.7", "192.0.2.7"));
	assert_false(inside("192.0.2.7", "192.0.2.6"));
	assert_true(inside("0.0.0.0/0", "203.0.113.9"));
	assert_true(inside("2001:db8::/32", "2001:db8:ffff::1"));
	assert_false(inside("2001:db8::/32", "2001:db9::1"));
	assert_true(inside("2001:db8::/33", "2001:db8:7fff::"));
	assert_false(inside("2001:db8::/33", "2001:db8:8000::"));
	assert_true(inside("::/0", "2001:db8::1"));
}

static void both_families_know_each_other(void **state _unused_)
{
	/* How a socket of both families names an IPv4 peer. */
	assert_true(inside("10.0.0.0/8", "::ffff:10.1.2.3"));
	assert_true(inside("::ffff:10.0.0.0/104", "10.1.2.3"));
	assert_false(inside("0.0.0.0/0", "2001:db8::1"));
	assert_false(inside("::/96", "10.1.2.3"));
}

static void what_is_no_address_is_nowhere(void **state _unused_)
{
	static const char *const v[] = {"unix",	     "",	  "10.1.2",	 "10.1.2.3.4",
					"localhost", "10.1.2.3 ", "fe80::1%eth0"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(v); i++) {
		assert_false(inside("0.0.0.0/0", v[i]));
		assert_false(inside("::/0", v[i]));
	}
}

static void mistakes_are_named(void **state _unused_)
{
	static const struct {
		const char *text, *says;
	} v[] = {
		{"", "no numeric address"},
		{"10.0.0.0/33", "0 to 32"},
		{"10.0.0.0/", "0 to 32"},
		{"10.0.0.0/-1", "0 to 32"},
		{"10.0.0.0/0x8", "0 to 32"},
		{"10.0.0.0/8 ", "0 to 32"},
		{"10.0.0.0/8/8", "0 to 32"},
		{"2001:db8::/129", "0 to 128"},
		{"10.1.2.3/8", "beyond its prefix"},
		{"2001:db8::1/64", "beyond its prefix"},
		{"example.org", "no numeric address"},
		{"10.0.0/8", "no numeric address"},
		{"0000000000000000000000000000000000000000000000000000000000000000000000001/8",
		 "is no network"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(v); i++) {
		struct sut_cidr c = {.bits = 7};
		struct sut_err err = {0};

		assert_int_equal(sut_cidr_parse(v[i].text, &c, &err), -EINVAL);
		assert_says(err, v[i].says);
		assert_int_equal(c.bits, 7);
	}
}

static void any_looks_at_all(void **state _unused_)
{
	struct sut_err err = {0};
	struct sut_cidr v[2];

	assert_ok(sut_cidr_parse("10.0.0.0/8", &v[0], &err), err);
	assert_ok(sut_cidr_parse("2001:db8::/32", &v[1], &err), err);
	assert_true(sut_cidr_any(v, 2, "10.1.1.1"));
	assert_true(sut_cidr_any(v, 2, "2001:db8::9"));
	assert_false(sut_cidr_any(v, 2, "192.0.2.1"));
	assert_false(sut_cidr_any(v, 1, "2001:db8::9"));
	assert_false(sut_cidr_any(NULL, 0, "10.1.1.1"));
}

static void loopback_is_known(void **state _unused_)
{
	static const char *const yes[] = {"127.0.0.1", "127.9.9.9",	   "::1",
					  "localhost", "unix:/run/x.sock", "::ffff:127.0.0.1"};
	static const char *const no[] = {"",	"128.0.0.1", "::", "0.0.0.0", "localhost.example",
					 "::2", "unix"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(yes); i++)
		assert_true(sut_is_loopback(yes[i]));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(no); i++)
		assert_false(sut_is_loopback(no[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_has_its_addresses_and_no_other),
		cmocka_unit_test(both_families_know_each_other),
		cmocka_unit_test(what_is_no_address_is_nowhere),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(any_looks_at_all),
		cmocka_unit_test(loopback_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
