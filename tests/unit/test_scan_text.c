// SPDX-License-Identifier: Apache-2.0
/* Scans in plain text: debsecan. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "sample_scan.h"

static const struct sut_scan_opts of_web1 = {.name = "debsecan.txt", .host = &sample_scan_host};
static const struct sut_scan_opts forced = {.format = SUT_SCAN_DEBSECAN,
					    .name = "debsecan.txt",
					    .host = &sample_scan_host};

#define HOST "host system=S-1 name=web1 kernel=6.1.0-18-amd64\n"

static void expect_text(const struct sut_scan_opts *o, const char *data, const char *text)
{
	_cleanup_sample_scan_ struct sample_scan r = {0};

	sample_scan_run(&r, o, data, strlen(data), strlen(data), 0);
	if (r.result < 0)
		fail_msg("%s", r.err.msg);
	assert_string_equal(sut_buf_str(&r.text), text);
}

static void expect(const char *file, const char *text)
{
	_cleanup_buf_ struct sut_buf b;

	sample_scan_file(file, &b);
	expect_text(&of_web1, sut_buf_str(&b), text);
	sample_scan_pieces(&of_web1, b.data, b.len);
	sample_scan_cuts(&forced, b.data, b.len, true);
}

static void refuse(const struct sut_scan_opts *o, const char *data, const char *why)
{
	_cleanup_sample_scan_ struct sample_scan r = {0};

	sample_scan_run(&r, o, data, strlen(data), strlen(data) + 1, 0);
	assert_int_equal(r.result, -EBADMSG);
	assert_string_equal(r.err.reason, "scan");
	assert_says(r.err, why);
	assert_says(r.err, o->name);
}

static void test_debsecan_summary(void **state _unused_)
{
	expect("debsecan-summary.txt",
	       HOST "finding CVE-2026-1001 [CVE-2026-1001] package=bash severity=high\n"
		    "finding CVE-2026-1002 [CVE-2026-1002] package=coreutils severity=medium\n"
		    "finding CVE-2026-1002 [CVE-2026-1002] package=coreutils\n"
		    "finding CVE-2026-1004 [CVE-2026-1004] package=linux-image-6.1.0-17-amd64 "
		    "severity=high not-running\n"
		    "finding CVE-2026-1004 [CVE-2026-1004] package=linux-image-6.1.0-18-amd64 "
		    "severity=high\n"
		    "finding TEMP-0000001-ABCDEF [] package=tar\n"
		    "finding CVE-2026-1002 [CVE-2026-1002] package=tar severity=low\n"
		    "end\n");
}

static void test_debsecan_simple_and_bugs(void **state _unused_)
{
	expect("debsecan-simple.txt",
	       HOST "finding CVE-2026-1001 [CVE-2026-1001] package=bash\n"
		    "finding CVE-2026-1002 [CVE-2026-1002] package=coreutils\n"
		    "finding CVE-2026-1002 [CVE-2026-1002] package=coreutils\n"
		    "finding CVE-2026-1004 [CVE-2026-1004] package=linux-image-6.1.0-17-amd64 "
		    "not-running\n"
		    "finding CVE-2026-1004 [CVE-2026-1004] package=linux-image-6.1.0-18-amd64\n"
		    "finding TEMP-0000001-ABCDEF [] package=tar\n"
		    "finding CVE-2026-1002 [CVE-2026-1002] package=tar\n"
		    "end\n");
	expect("debsecan-bugs.txt", HOST "finding CVE-2026-1001 [CVE-2026-1001]\n"
					 "finding CVE-2026-1002 [CVE-2026-1002]\n"
					 "finding CVE-2026-1004 [CVE-2026-1004]\n"
					 "finding TEMP-0000001-ABCDEF []\n"
					 "end\n");
}

static void test_debsecan_detail(void **state _unused_)
{
	expect("debsecan-detail.txt", HOST
	       "finding CVE-2026-1001 [CVE-2026-1001] title=A shell expands what it should not, "
	       "when a name holds more than a thousand brackets and nobody looks at them "
	       "package=bash version=5.2.15-2+b8 severity=high\n"
	       "finding CVE-2026-1002 [CVE-2026-1002] title=A list of files is read twice "
	       "package=coreutils version=9.1-1 severity=medium\n"
	       "finding CVE-2026-1002 [CVE-2026-1002] title=A list of files is read twice "
	       "package=coreutils version=9.1-1\n"
	       "finding CVE-2026-1004 [CVE-2026-1004] title=The kernel forgets who asked "
	       "package=linux-image-6.1.0-17-amd64 version=6.1.69-1 fixed=6.1.170-3 "
	       "severity=high not-running\n"
	       "finding CVE-2026-1004 [CVE-2026-1004] title=The kernel forgets who asked "
	       "package=linux-image-6.1.0-18-amd64 version=6.1.76-1 fixed=6.1.170-3 "
	       "severity=high\n"
	       "finding TEMP-0000001-ABCDEF [] title=tar follows what it unpacks package=tar "
	       "version=1.34+dfsg-1.2+deb12u1\n"
	       "finding CVE-2026-1002 [CVE-2026-1002] title=A list of files is read twice "
	       "package=tar version=1.34+dfsg-1.2+deb12u1 fixed=1.35-1 severity=low\n"
	       "end\n");
}

#define BASH                                                                                       \
	"finding CVE-2026-1001 [CVE-2026-1001] title=A shell expands what it should not, "         \
	"when a name holds... package=bash severity=high\n"
#define FILES "finding CVE-2026-1002 [CVE-2026-1002] title=A list of files is read twice "

static void test_debsecan_report(void **state _unused_)
{
	expect("debsecan-report.txt", HOST BASH FILES
	       "package=coreutils\n" FILES "package=tar severity=low\n"
	       "finding CVE-2026-1004 [CVE-2026-1004] title=The kernel forgets who asked "
	       "package=linux-image-6.1.0-18-amd64 severity=high\n"
	       "finding CVE-2026-1004 [CVE-2026-1004] title=The kernel forgets who asked "
	       "package=linux-image-6.1.0-17-amd64 severity=high not-running\n" FILES
	       "package=coreutils severity=medium\n"
	       "finding TEMP-0000001-ABCDEF [] title=tar follows what it unpacks package=tar\n"
	       "end\n");
}

static void test_debsecan_report_of_many_packages(void **state _unused_)
{
	expect_text(
		&of_web1,
		"*** Available security updates\n\n"
		"CVE-2026-1001 A hole\n  <https://tracker.example/CVE-2026-1001>\n"
		"  - libone, libtwo, libthree,\n    libfour, libfive\n    (high urgency)\n"
		"  - libsix\n\n"
		"*** Fixed vulnerabilities\n\n"
		"CVE-2026-1000\n  <https://tracker.example/CVE-2026-1000>\n  - libseven\n\n"
		"*** Packages with invalid versions\n\n  - libeight\n",
		HOST
		"finding CVE-2026-1001 [CVE-2026-1001] title=A hole package=libone severity=high\n"
		"finding CVE-2026-1001 [CVE-2026-1001] title=A hole package=libtwo severity=high\n"
		"finding CVE-2026-1001 [CVE-2026-1001] title=A hole package=libthree severity=high\n"
		"finding CVE-2026-1001 [CVE-2026-1001] title=A hole package=libfour severity=high\n"
		"finding CVE-2026-1001 [CVE-2026-1001] title=A hole package=libfive severity=high\n"
		"finding CVE-2026-1001 [CVE-2026-1001] title=A hole package=libsix\n"
		"end\n");
}

static void test_debsecan_that_found_nothing(void **state _unused_)
{
	expect_text(&forced, "", HOST "end\n");
	expect_text(&of_web1,
		    "Security report based on the bookworm release\n\n"
		    "No known vulnerabilities were found on the system.\n",
		    HOST "end\n");
}

static void test_what_is_not_debsecan(void **state _unused_)
{
	static const struct sut_scan_opts nobody = {.name = "d.txt"};
	_cleanup_buf_ struct sut_buf b;

	refuse(&nobody, "CVE-2026-1001 bash\n", "names no host");
	refuse(&of_web1, "CVE-2026-1001 bash or something\n", "line 1: behind the package");
	refuse(&of_web1, "CVE-2026-1001 bash\r\nwhat?\r\n", "line 2 begins with \"what?\"");
	sample_scan_file("debsecan-packages.txt", &b);
	refuse(&of_web1, sut_buf_str(&b), "\"packages\" names no CVE");
	refuse(&forced, sut_buf_str(&b), "\"packages\" names no CVE");
	refuse(&of_web1, "", "is empty");
	refuse(&of_web1, " \n\n", "is empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debsecan_summary),
		cmocka_unit_test(test_debsecan_simple_and_bugs),
		cmocka_unit_test(test_debsecan_detail),
		cmocka_unit_test(test_debsecan_report),
		cmocka_unit_test(test_debsecan_report_of_many_packages),
		cmocka_unit_test(test_debsecan_that_found_nothing),
		cmocka_unit_test(test_what_is_not_debsecan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
