// SPDX-License-Identifier: Apache-2.0
/* cve/purl.h */
#include "unit.h"

#include <errno.h>

#include "cve/purl.h"

static void assert_purl(const struct sut_purl *p, const char *want)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_PURL_MAX);

	assert_int_equal(sut_purl_add(&b, p), 0);
	assert_string_equal(sut_buf_str(&b), want);
}

static void test_packages_are_named_as_the_specification_says(void **state _unused_)
{
	assert_purl(
		&(struct sut_purl){"deb", "debian", "linux-image-6.1.0-47-amd64", "6.1.170-3",
				   "amd64", "12"},
		"pkg:deb/debian/linux-image-6.1.0-47-amd64@6.1.170-3?arch=amd64&distro=debian-12");
	assert_purl(
		&(struct sut_purl){"rpm", "rhel", "kernel-core", "5.14.0-427.el9", "x86_64", "9.4"},
		"pkg:rpm/redhat/kernel-core@5.14.0-427.el9?arch=x86_64&distro=rhel-9.4");
}

static void test_what_is_not_known_is_left_out(void **state _unused_)
{
	assert_purl(&(struct sut_purl){"deb", "debian", "a", "1", "", NULL}, "pkg:deb/debian/a@1");
	assert_purl(&(struct sut_purl){"deb", "debian", "a", "1", NULL, "12"},
		    "pkg:deb/debian/a@1?distro=debian-12");
}

static void test_other_characters_are_encoded(void **state _unused_)
{
	assert_purl(&(struct sut_purl){"deb", "debian", "libstdc++6", "1:2+a/b c", "amd64", ""},
		    "pkg:deb/debian/libstdc%2B%2B6@1:2%2Ba%2Fb%20c?arch=amd64");
	assert_purl(&(struct sut_purl){"deb", "debian", "\xc3\xa9?&#@", "1", "", ""},
		    "pkg:deb/debian/%C3%A9%3F%26%23%40@1");
}

static void test_one_that_is_too_long_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(16);

	assert_int_equal(sut_purl_add(&b, &(struct sut_purl){"deb", "debian", "a", "1", "", ""}),
			 -ENOBUFS);
}

static void test_architectures_have_the_name_of_the_distribution(void **state _unused_)
{
	assert_string_equal(sut_purl_arch("deb", "x86_64"), "amd64");
	assert_string_equal(sut_purl_arch("deb", "aarch64"), "arm64");
	assert_string_equal(sut_purl_arch("rpm", "x86_64"), "x86_64");
	assert_string_equal(sut_purl_arch("deb", "riscv64"), "riscv64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packages_are_named_as_the_specification_says),
		cmocka_unit_test(test_what_is_not_known_is_left_out),
		cmocka_unit_test(test_other_characters_are_encoded),
		cmocka_unit_test(test_one_that_is_too_long_is_refused),
		cmocka_unit_test(test_architectures_have_the_name_of_the_distribution),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
