// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "crypto/machine_id.h"

/* What systems are known by at portals: it never changes. Compare:
 *   printf 5fc16d0b961e4c5a8d2b73e40af291d7 | xxd -r -p |
 *   openssl dgst -sha256 -mac HMAC -macopt hexkey:0123456789abcdef0123456789abcdef */
static void it_is_the_one_that_agents_tell(void **state _unused_)
{
	char id[SUT_MACHINE_ID];

	assert_int_equal(sut_machine_id("0123456789abcdef0123456789abcdef", id), 0);
	assert_string_equal(id, "f6af157575f54473a7199cac86a8c039");
}

static void other_texts_are_refused(void **state _unused_)
{
	static const char *const bad[] = {
		"", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdefa",
		"0123456789abcdef0123456789abcdeg", "01234567-89ab-cdef-0123-456789abcdef"};
	char id[SUT_MACHINE_ID];

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		assert_int_equal(sut_machine_id(bad[i], id), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_one_that_agents_tell),
		cmocka_unit_test(other_texts_are_refused),
	};

	return cmocka_run_group_tests_name("crypto_machine_id", tests, NULL, NULL);
}
