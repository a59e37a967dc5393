// SPDX-License-Identifier: Apache-2.0
/* OVAL results, ARF and XCCDF; the samples are what Debian's oscap wrote. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "sample_scan.h"

static const struct sut_scan_opts detect = {.name = "scan.xml"};
static const struct sut_scan_opts forced = {.format = SUT_SCAN_OVAL, .name = "scan.xml"};

static void expect_text(const void *data, size_t len, const char *text)
{
	_cleanup_sample_scan_ struct sample_scan r = {0};

	sample_scan_run(&r, &detect, data, len, len, 0);
	if (r.result < 0)
		fail_msg("%s", r.err.msg);
	assert_string_equal(sut_buf_str(&r.text), text);
}

static void expect(const char *file, const char *text)
{
	_cleanup_buf_ struct sut_buf b;

	sample_scan_file(file, &b);
	expect_text(b.data, b.len, text);
}

static void refuse(const struct sut_scan_opts *o, const char *data, int code, const char *why)
{
	_cleanup_sample_scan_ struct sample_scan r = {0};

	sample_scan_run(&r, o, data, strlen(data), strlen(data) + 1, 0);
	if (r.result != code)
		fail_msg("%d: %s", r.result, r.err.msg);
	assert_string_equal(r.err.reason, "scan");
	assert_says(r.err, why);
	assert_says(r.err, "scan.xml: ");
}

#define TAR                                                                                        \
	"finding oval:example.suture:def:20261004 [] title=TEMP-0000001-ABCDEF tar package=tar "   \
	"version=1.34+dfsg-1.2+deb12u1 fixed=99.0-1\n"
#define COREUTILS                                                                                  \
	"finding oval:example.suture:def:20261002 [CVE-2026-1002 CVE-2026-10030] "                 \
	"title=DSA-9999-1 coreutils -- security update package=coreutils version=9.1-1 "           \
	"fixed=99.0-1\n"
#define BASH                                                                                       \
	"finding oval:example.suture:def:20261001 [CVE-2026-1001] title=CVE-2026-1001 bash "       \
	"package=bash version=5.2.15-2+b8 fixed=99.1-2 severity=high\n"

static void test_oval_results_of_oscap(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b;
	_cleanup_sample_scan_ struct sample_scan r = {0};

	expect("oval.xml",
	       "host name=web1 os=Debian GNU/Linux 12 (bookworm) ip=192.0.2.10 "
	       "ip=fd00::10 mac=02:fc:00:00:00:01 at=1795388981\n" TAR COREUTILS BASH "end\n");
	sample_scan_file("oval.xml", &b);
	sample_scan_run(&r, &detect, b.data, b.len, b.len, 0);
	assert_int_equal(r.sum.format, SUT_SCAN_OVAL);
	assert_int_equal(r.sum.bytes, b.len);
	assert_int_equal(r.sum.hosts, 1);
	assert_int_equal(r.sum.findings, 3);
	assert_int_equal(r.sum.cves, 3);
	assert_int_equal(r.sum.without_cve, 1);
	assert_string_equal(r.sum.tool, "cpe:/a:open-scap:oscap");
	assert_string_equal(r.sum.tool_version, "1.3.7");
	assert_int_equal(r.sum.scanned_at, 1795388981);
}

static void test_arf_counts_the_oval_results_in_it(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b;
	_cleanup_sample_scan_ struct sample_scan r = {0};
	const char *s;

	sample_scan_file("arf.xml", &b);
	sample_scan_run(&r, &detect, b.data, b.len, b.len, 0);
	if (r.result < 0)
		fail_msg("%s", r.err.msg);
	assert_int_equal(r.sum.format, SUT_SCAN_ARF);
	assert_int_equal(r.sum.hosts, 1);
	s = sut_buf_str(&r.text);
	assert_true(sut_startswith(s, "host name=web1 os=Debian GNU/Linux 12 (bookworm) "
				      "ip=192.0.2.10 ip=fd00::10 mac=02:fc:00:00:00:01"));
	assert_non_null(strstr(s, BASH));
	assert_non_null(strstr(s, COREUTILS));
	assert_int_equal(r.sum.findings, 2);
}

static void test_xccdf_counts_when_it_is_alone(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b;
	_cleanup_sample_scan_ struct sample_scan r = {0};

	sample_scan_file("xccdf.xml", &b);
	sample_scan_run(&r, &detect, b.data, b.len, b.len, 0);
	if (r.result < 0)
		fail_msg("%s", r.err.msg);
	assert_true(sut_startswith(sut_buf_str(&r.text),
				   "host name=web1 ip=192.0.2.10 ip=fd00::10 mac="));
	assert_non_null(
		strstr(sut_buf_str(&r.text),
		       "\nfinding xccdf_org.suture_rule_bash [CVE-2026-1001] severity=high\n"
		       "finding xccdf_org.suture_rule_coreutils "
		       "[CVE-2026-1002 CVE-2026-10030] severity=medium\nend\n"));
}

static void test_pieces_of_any_size(void **state _unused_)
{
	static const char *const files[] = {"oval.xml", "arf.xml", "xccdf.xml"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(files); i++) {
		_cleanup_buf_ struct sut_buf b;

		sample_scan_file(files[i], &b);
		sample_scan_pieces(&detect, b.data, b.len);
	}
}

static void test_cut_off_anywhere(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b;

	sample_scan_file("oval.xml", &b);
	sample_scan_cuts(&detect, b.data, b.len, false);
	sut_buf_release(&b);
	sample_scan_file("xccdf.xml", &b);
	sample_scan_cuts(&forced, b.data, b.len, false);
}

#define DEFINITION(id, class, inside)                                                              \
	"<definition id='oval:x:def:" id "' class='" class "'>" inside "</definition>"
#define RESULTS(definitions, systems)                                                              \
	"<oval_results><oval_definitions><definitions>" definitions                                \
	"</definitions></oval_definitions><results>" systems "</results></oval_results>"
#define SYSTEM(name, results)                                                                      \
	"<system><definitions>" results "</definitions><oval_system_characteristics>"              \
	"<system_info><primary_host_name>" name                                                    \
	"</primary_host_name></system_info></oval_system_characteristics></system>"
#define IS_TRUE(id) "<definition definition_id='oval:x:def:" id "' result='true'/>"
#define CVE(id) "<metadata><reference source='CVE' ref_id='" id "'/></metadata>"

static void test_only_what_is_a_hole_counts(void **state _unused_)
{
	static const char text[] =
		RESULTS(DEFINITION("1", "vulnerability", CVE("CVE-2026-0001"))
				DEFINITION("2", "inventory", CVE("CVE-2026-0002"))
					DEFINITION("3", "compliance", CVE("CVE-2026-0003"))
						DEFINITION("4", "patch", CVE("CVE-2026-00004")),
			SYSTEM("db1.example.org",
			       IS_TRUE("1") IS_TRUE("2") IS_TRUE("3") IS_TRUE("4") IS_TRUE("1")));

	expect_text(text, strlen(text),
		    "host fqdn=db1.example.org name=db1\n"
		    "finding oval:x:def:1 [CVE-2026-0001]\n"
		    "finding oval:x:def:4 []\n" /* "00004" is no number of a CVE */
		    "end\n");
}

static void test_systems_follow_one_another(void **state _unused_)
{
	static const char text[] = RESULTS(
		DEFINITION("1", "vulnerability", CVE("CVE-2026-0001"))
			DEFINITION("2", "vulnerability", CVE("CVE-2026-0002")),
		SYSTEM("a", IS_TRUE("1") IS_TRUE("2")) SYSTEM("b", "") SYSTEM("c", IS_TRUE("2")));

	expect_text(text, strlen(text),
		    "host name=a\nfinding oval:x:def:1 [CVE-2026-0001]\n"
		    "finding oval:x:def:2 [CVE-2026-0002]\nend\n"
		    "host name=b\nend\n"
		    "host name=c\nfinding oval:x:def:2 [CVE-2026-0002]\nend\n");
}

#define COMMENT(id, comment)                                                                       \
	DEFINITION(id, "patch",                                                                    \
		   "<criteria><criterion comment=\"Something is installed\"/>"                     \
		   "<criterion comment=\"" comment "\"/></criteria>")

static void test_packages_in_comments(void **state _unused_)
{
	static const char text[] = RESULTS(
		COMMENT("1", "linux DPKG is earlier than 0:6.1.170-3")
			COMMENT("2", "kernel-default is &lt;5.3.18-150300.59.93.1") COMMENT(
				"3", "linux-image-aws package in jammy is affected and has been "
				     "fixed (note: '5.15.0-1020.24').")
				DEFINITION(
					"4", "patch",
					"<criteria><criterion comment='bpftool is earlier than 0:4.18.0-305.el8'/>"
					"<criterion comment='kernel is earlier than 0:4.18.0-305.el8'/>"
					"<criterion comment='kernel-core is earlier than 0:4.18.0-305.el8'/>"
					"</criteria>")
					COMMENT("5",
						"kernel earlier than 0:4.18.0 is currently running"),
		SYSTEM("a", IS_TRUE("1") IS_TRUE("2") IS_TRUE("3") IS_TRUE("4") IS_TRUE("5")));

	expect_text(text, strlen(text),
		    "host name=a\n"
		    "finding oval:x:def:1 [] package=linux fixed=6.1.170-3\n"
		    "finding oval:x:def:2 [] package=kernel-default fixed=5.3.18-150300.59.93.1\n"
		    "finding oval:x:def:3 [] package=linux-image-aws fixed=5.15.0-1020.24\n"
		    "finding oval:x:def:4 [] package=kernel fixed=4.18.0-305.el8\n"
		    "finding oval:x:def:5 []\n"
		    "end\n");
}

static void test_running_kernel_of_a_uname_test(void **state _unused_)
{
	static const char text[] = RESULTS(
		COMMENT("1", "linux-image-6.1.0-18-amd64 is earlier than 0:6.1.80-1")
			COMMENT("2", "linux-image-6.1.0-17-amd64 is earlier than 0:6.1.80-1"),
		"<system><definitions>" IS_TRUE("1") IS_TRUE(
			"2") "</definitions><oval_system_characteristics><system_data>"
			     "<unix-sys:uname_item><unix-sys:node_name>n1</unix-sys:node_name>"
			     "<unix-sys:os_release>6.1.0-18-amd64</unix-sys:os_release>"
			     "</unix-sys:uname_item></system_data>"
			     "</oval_system_characteristics></system>");

	expect_text(text, strlen(text),
		    "host name=n1 kernel=6.1.0-18-amd64\n"
		    "finding oval:x:def:1 [] package=linux-image-6.1.0-18-amd64 fixed=6.1.80-1\n"
		    "finding oval:x:def:2 [] package=linux-image-6.1.0-17-amd64 fixed=6.1.80-1 "
		    "not-running\nend\n");
}

static void test_version_of_the_running_kernel(void **state _unused_)
{
	static const char text[] = RESULTS(
		COMMENT("1", "linux is earlier than 0:6.1.174-1"),
		"<system><definitions>" IS_TRUE(
			"1") "</definitions><oval_system_characteristics><system_data><dpkginfo_item>"
			     "<name>linux-image-6.1.0-47-cloud-amd64</name><evr>0:6.1.170-3</evr>"
			     "</dpkginfo_item><uname_item><node_name>n1</node_name>"
			     "<os_release>6.1.0-47-cloud-amd64</os_release></uname_item></system_data>"
			     "</oval_system_characteristics></system>");

	expect_text(text, strlen(text),
		    "host name=n1 kernel=6.1.0-47-cloud-amd64\n"
		    "finding oval:x:def:1 [] package=linux version=6.1.170-3 fixed=6.1.174-1\n"
		    "end\n");
}

static void test_what_is_no_result(void **state _unused_)
{
	refuse(&detect, "<oval_definitions/>", -EBADMSG, "holds OVAL definitions, not results");
	refuse(&forced, "<oval_definitions/>", -EBADMSG, "holds OVAL definitions, not results");
	refuse(&detect, "<?xml version='1.0'?><!-- x --><html/>", -EBADMSG,
	       "first element is <html>");
	refuse(&forced, "<NessusClientData_v2/>", -EBADMSG, "but nessus");
	refuse(&detect, "<oval_results/>", -EBADMSG, "holds no results");
	refuse(&detect, "<Benchmark/>", -EBADMSG, "holds no results");
	refuse(&detect,
	       "<oval_results><results>" SYSTEM("a", IS_TRUE("1")) "</results></oval_results>",
	       -EBADMSG,
	       "line 1, column 45, in oval_results/results/system/definitions/definition: "
	       "the results come without the definitions");
	refuse(&detect, RESULTS("", SYSTEM("a", IS_TRUE("1"))), -EBADMSG,
	       "oval:x:def:1 is true, but it is not among the definitions");
	refuse(&detect, RESULTS("", SYSTEM("", "")), -EBADMSG, "names no host");
	refuse(&detect, RESULTS(DEFINITION("1", "patch", "<metadata>"), ""), -EBADMSG,
	       "the XML is broken (mismatched tag)");
	refuse(&detect, RESULTS("<definition class='patch'/>", ""), -EBADMSG,
	       "the definition has no id");
}

static void test_entities_are_refused(void **state _unused_)
{
	static const char bomb[] = "<?xml version='1.0'?>\n<!DOCTYPE oval_results [\n"
				   "<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;'>\n"
				   "<!ENTITY c '&b;&b;&b;&b;&b;&b;'>]>\n"
				   "<oval_results>&c;</oval_results>";

	refuse(&detect, bomb, -EBADMSG, "<!DOCTYPE");
	refuse(&forced, bomb, -EBADMSG, "line 2, column 24");
	refuse(&forced, "<oval_results>&x;</oval_results>", -EBADMSG, "undefined entity");
	refuse(&forced, "<!DOCTYPE oval_results SYSTEM 'file:///etc/passwd'><oval_results/>",
	       -EBADMSG, "<!DOCTYPE");
}

static void test_deep_nesting_is_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);

	assert_int_equal(sut_buf_addstr(&b, "<oval_results>"), 0);
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(sut_buf_addstr(&b, "<a>"), 0);
	refuse(&detect, sut_buf_str(&b), -EBADMSG, "nested deeper than 64");
}

static void test_long_tags_are_refused(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(4 << 20);
	size_t head;

	assert_int_equal(sut_buf_addstr(&b, "<oval_results a='"), 0);
	head = b.len;
	assert_int_equal(sut_buf_addzero(&b, SUT_SCAN_TOKEN_MAX + (64 << 10)), 0);
	memset(b.data + head, 'x', b.len - head);
	assert_int_equal(sut_buf_addstr(&b, "'/>"), 0);
	refuse(&detect, sut_buf_str(&b), -EBADMSG, "longer than 1048576 bytes");
	/* Text may be of any length: it is not kept. */
	b.len = 0;
	assert_int_equal(sut_buf_addstr(&b, "<oval_results><a>"), 0);
	head = b.len;
	assert_int_equal(sut_buf_addzero(&b, SUT_SCAN_TOKEN_MAX * 2), 0);
	memset(b.data + head, 'x', b.len - head);
	assert_int_equal(sut_buf_addstr(&b, "</a></oval_results>"), 0);
	refuse(&detect, sut_buf_str(&b), -EBADMSG, "holds no results");
}

static void test_encodings(void **state _unused_)
{
	static const char latin[] = "<?xml version='1.0' encoding='ISO-8859-1'?>" RESULTS(
		DEFINITION("1", "patch", "<metadata><title>caf\xe9</title></metadata>"),
		SYSTEM("a", IS_TRUE("1")));
	static const char bom[] = "\xef\xbb\xbf" RESULTS("", SYSTEM("a", ""));
	static const uint8_t wide[] = {0xff, 0xfe, '<', 0, 'o', 0};
	_cleanup_sample_scan_ struct sample_scan r = {0};

	expect_text(latin, strlen(latin),
		    "host name=a\nfinding oval:x:def:1 [] title=caf\xc3\xa9\nend\n");
	expect_text(bom, strlen(bom), "host name=a\nend\n");
	refuse(&detect, "<?xml version='1.0' encoding='windows-1252'?><oval_results/>", -EBADMSG,
	       "the encoding \"windows-1252\" is not read: convert");
	refuse(&detect, "<?xml version='1.0' encoding='UTF-16'?><oval_results/>", -EBADMSG,
	       "\"UTF-16\" is not read");
	refuse(&detect, "<oval_results>\xff</oval_results>", -EBADMSG, "the XML is broken");
	sample_scan_run(&r, &detect, wide, sizeof(wide), 1, 0);
	assert_int_equal(r.result, -EBADMSG);
	assert_says(r.err, "UTF-16");
}

static void test_text_is_made_printable_and_cut(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(64 << 10);
	_cleanup_sample_scan_ struct sample_scan r = {0};

	assert_int_equal(sut_buf_addstr(&b, "<oval_results><oval_definitions><definitions>"
					    "<definition id='oval:x:def:1' class='patch'><metadata>"
					    "<title> a\n\t b&#x202e;c&#x7f;"),
			 0);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(sut_buf_addstr(&b, "\xe2\x82\xac"), 0);
	assert_int_equal(sut_buf_addstr(&b, "</title></metadata></definition></definitions>"
					    "</oval_definitions><results>" SYSTEM(
						    "a", IS_TRUE("1")) "</results></oval_results>"),
			 0);
	sample_scan_run(&r, &detect, b.data, b.len, b.len, 0);
	if (r.result < 0)
		fail_msg("%s", r.err.msg);
	assert_non_null(strstr(sut_buf_str(&r.text), "title=a b???c?\xe2\x82\xac"));
	assert_true(r.text.len > 400 && r.text.len < 600);
}

static void test_the_sink_ends_the_import(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b;

	sample_scan_file("oval.xml", &b);
	for (unsigned int i = 1; i <= 5; i++) {
		_cleanup_sample_scan_ struct sample_scan r = {.fail_at = i};

		sample_scan_run(&r, &detect, b.data, b.len, b.len, 0);
		assert_int_equal(r.result, -EIO);
		assert_string_equal(r.err.msg, "the sink is full");
		assert_int_equal(r.calls, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oval_results_of_oscap),
		cmocka_unit_test(test_arf_counts_the_oval_results_in_it),
		cmocka_unit_test(test_xccdf_counts_when_it_is_alone),
		cmocka_unit_test(test_pieces_of_any_size),
		cmocka_unit_test(test_cut_off_anywhere),
		cmocka_unit_test(test_only_what_is_a_hole_counts),
		cmocka_unit_test(test_systems_follow_one_another),
		cmocka_unit_test(test_packages_in_comments),
		cmocka_unit_test(test_running_kernel_of_a_uname_test),
		cmocka_unit_test(test_version_of_the_running_kernel),
		cmocka_unit_test(test_what_is_no_result),
		cmocka_unit_test(test_entities_are_refused),
		cmocka_unit_test(test_deep_nesting_is_refused),
		cmocka_unit_test(test_long_tags_are_refused),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_text_is_made_printable_and_cut),
		cmocka_unit_test(test_the_sink_ends_the_import),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
