// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "crypto/digest.h"

#define ABC_512                                                                                    \
	"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                         \
	"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"

static void fips_180_4_examples_at_once(void **state _unused_)
{
	static const struct {
		enum sut_digest_alg alg;
		const char *message, *digest;
	} cases[] = {
		{SUT_DIGEST_SHA256, "",
		 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{SUT_DIGEST_SHA256, "abc",
		 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{SUT_DIGEST_SHA512, "abc", ABC_512},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		char hex[SUT_DIGEST_HEX_MAX];
		struct sut_err err = {0};

		assert_ok(sut_digest_of(cases[i].alg, cases[i].message, strlen(cases[i].message),
					hex, &err),
			  err);
		assert_string_equal(hex, cases[i].digest);
	}
}

static void pieces_give_the_digest_of_the_whole(void **state _unused_)
{
	_cleanup_(sut_digest_freep) struct sut_digest *d = NULL;
	char hex[SUT_DIGEST_HEX_MAX];
	struct sut_err err = {0};

	assert_ok(sut_digest_new(SUT_DIGEST_SHA512, &d, &err), err);
	assert_ok(sut_digest_add(d, "a", 1, &err), err);
	assert_ok(sut_digest_add(d, NULL, 0, &err), err);
	assert_ok(sut_digest_add(d, "bc", 2, &err), err);
	assert_ok(sut_digest_hex(d, hex, &err), err);
	assert_string_equal(hex, ABC_512);
}

static void nothing_can_be_added_after_the_end(void **state _unused_)
{
	_cleanup_(sut_digest_freep) struct sut_digest *d = NULL;
	char hex[SUT_DIGEST_HEX_MAX];
	struct sut_err err = {0};

	assert_ok(sut_digest_new(SUT_DIGEST_SHA256, &d, &err), err);
	assert_ok(sut_digest_hex(d, hex, &err), err);
	assert_int_equal(sut_digest_add(d, "a", 1, &err), -EINVAL);
	assert_int_equal(sut_digest_hex(d, hex, &err), -EINVAL);
	assert_string_equal(hex,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void unknown_algorithm_is_refused(void **state _unused_)
{
	struct sut_digest *d = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_digest_new(0, &d, &err), -EINVAL);
	assert_null(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fips_180_4_examples_at_once),
		cmocka_unit_test(pieces_give_the_digest_of_the_whole),
		cmocka_unit_test(nothing_can_be_added_after_the_end),
		cmocka_unit_test(unknown_algorithm_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
