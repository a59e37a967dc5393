// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "base/cleanup.h"
#include "crypto/sha256.h"

/* The examples of FIPS 180-4 as NIST published them, and the empty message. */
static void fips_180_4_examples(void **state _unused_)
{
	static const struct {
		const char *message, *digest;
	} cases[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		char hex[SUT_SHA256_HEX];

		sut_sha256_hex(cases[i].message, strlen(cases[i].message), hex);
		assert_string_equal(hex, cases[i].digest);
	}
}

static void bytes_and_text_agree(void **state _unused_)
{
	uint8_t raw[SUT_SHA256_LEN];

	sut_sha256("abc", 3, raw);
	assert_int_equal(raw[0], 0xba);
	assert_int_equal(raw[31], 0xad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fips_180_4_examples),
		cmocka_unit_test(bytes_and_text_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
