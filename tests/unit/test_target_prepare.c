// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include "target/prepare.h"

static void differ(const char *a, const char *b, const char *want)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(1 << 16);

	assert_int_equal(sut_config_compare(a, b, &out), 0);
	assert_string_equal(sut_buf_str(&out), want);
}

static void versions_of_tools_do_not_count(void **state)
{
	(void)state;
	differ("CONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian) 12.2.0\"\nCONFIG_GCC_VERSION=120200\n"
	       "CONFIG_A=y\n",
	       "# a comment\nCONFIG_CC_VERSION_TEXT=\"gcc 12.3\"\nCONFIG_GCC_VERSION=120300\n"
	       "CONFIG_PAHOLE_VERSION=124\nCONFIG_A=y\n",
	       "");
}

static void changed_options_are_shown(void **state)
{
	(void)state;
	differ("CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\n", "CONFIG_A=y\nCONFIG_B=y\n",
	       "-CONFIG_B=m\n+CONFIG_B=y\n");
	/* lost, and new */
	differ("CONFIG_DEBUG_INFO_BTF=y\n", "CONFIG_NEW=\"x\"\n",
	       "-CONFIG_DEBUG_INFO_BTF=y\n+CONFIG_NEW=\"x\"\n");
	/* one name begins with the other */
	differ("CONFIG_A=y\nCONFIG_AB=y\n", "CONFIG_AB=y\n", "-CONFIG_A=y\n");
	differ("CONFIG_A=y\n", "# CONFIG_A is not set\n", "-CONFIG_A=y\n+# CONFIG_A is not set\n");
}

static void unset_and_absent_are_the_same(void **state)
{
	(void)state;
	differ("# CONFIG_A is not set\nCONFIG_B=y\n", "CONFIG_B=y\n# CONFIG_X is not set", "");
	differ("", "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_of_tools_do_not_count),
		cmocka_unit_test(changed_options_are_shown),
		cmocka_unit_test(unset_and_absent_are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
