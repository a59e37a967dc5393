// SPDX-License-Identifier: Apache-2.0
/* The coverage index, and every row of docs/internals/verdicts.md. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "map/verdict.h"
#include "sample_coverage.h"

enum { NOW = 1795000000 };

static struct map_index *sample(void)
{
	struct map_index *x = NULL;
	struct sut_err err = {0};

	assert_ok(index_new(SAMPLE_COVERAGE, strlen(SAMPLE_COVERAGE), &x, &err), err);
	return x;
}

/* --- the index --- */

static void test_targets_are_found(void **state _unused_)
{
	_cleanup_(index_unrefp) struct map_index *x = sample();
	const struct index_target *t = index_by_build_id(x, SAMPLE_KERNEL_AA);

	assert_int_equal(index_count(x), 4);
	assert_non_null(t);
	assert_ptr_equal(index_by_kernel_id(x, "9ab0"), t);
	assert_ptr_equal(index_by_package(x, "linux-image-6.1.0-47-amd64", "6.1.170-3"), t);
	assert_null(index_by_package(x, "linux-image-6.1.0-47-amd64", "6.1.170-4"));
	assert_null(index_by_build_id(x, "ab"));
	assert_null(index_by_build_id(x, ""));
	assert_null(index_by_kernel_id(x, NULL));
	assert_int_equal(t->nlevels, 2);
	assert_int_equal(t->levels[0].released, 1780315200);
	assert_int_equal(t->nfixes, 5);
	assert_true(index_is_library(x, "libssl3"));
	assert_true(index_is_library(x, "openssl"));
	assert_false(index_is_library(x, "linux"));
	assert_true(index_library_of(x, "openssl", "libssl.so.3"));
	assert_false(index_library_of(x, "openssl", "libc.so.6"));
}

static void test_one_cve_in_two_lists_is_one(void **state _unused_)
{
	_cleanup_(index_unrefp) struct map_index *x = sample();
	const struct index_target *t = index_by_build_id(x, SAMPLE_KERNEL_AA);
	const struct index_fix *f = index_fix(t, index_cve("CVE-2026-1005"));

	assert_non_null(f);
	assert_int_equal(f->level, 2);
	assert_int_equal(f->partial, 1);
	assert_string_equal(index_fixed_in(x, t, index_cve("CVE-2026-1004")), "6.1.180-1");
	assert_null(index_fix(t, index_cve("CVE-2026-9999")));
}

#define DOC "{\"format\":\"suture-coverage\",\"targets\":["

static void test_malformed_documents_are_refused(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"format\":\"suture-coverage\"}",
		"{\"targets\":[]}",
		"{\"format\":\"other\",\"targets\":[]}",
		"{\"format\":\"suture-coverage\",\"targets\":{}}",
		"{\"format\":\"suture-coverage\",\"targets\":[],\"targets\":[]}",
		"{\"format\":\"suture-coverage\",\"targets\":[{}]}",
		"{\"format\":\"suture-coverage\",\"targets\":[{\"build_id\":\"a\"},{\"build_id\":\"a\"}]}",
		DOC "{\"build_id\":\"a\",\"fixed\":[{\"cve\":\"CVE-2026-1000\"}]}]}",
		"{\"format\":\"suture-coverage\",\"targets\":[{\"build_id\":\"a\",\"levels\":[{}]}]}",
		"{\"format\":\"suture-coverage\",\"targets\":[{\"build_id\":\"a\"}",
		"{\"format\":\"suture-coverage\",\"targets\":[{\"build_id\":\"a\"}]}x",
		"{\"format\":\"suture-coverage\",\"targets\":[{\"build_id\":\"a]}",
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		struct map_index *x = NULL;
		struct sut_err err = {0};

		if (index_new(bad[i], strlen(bad[i]), &x, &err) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
		assert_null(x);
		assert_string_equal(err.reason, "coverage");
	}
}

static void test_every_cut_is_refused(void **state _unused_)
{
	/* but for the white space behind it */
	for (size_t n = 0; n + 1 < strlen(SAMPLE_COVERAGE); n += 7) {
		struct map_index *x = NULL;

		assert_int_equal(index_new(SAMPLE_COVERAGE, n, &x, NULL), -EBADMSG);
	}
}

#define LINUX                                                                                      \
	"\"source\":{\"distribution\":\"debian\",\"name\":\"linux\",\"version\":\"6.1.192-2\"}"

/* What a patch closes here is closed by the package there. */
static void test_a_version_that_stands_beside_a_patch_counts_for_others(void **state _unused_)
{
	static const char doc[] = DOC
		"{\"build_id\":\"a\",\"product\":\"kernel\",\"package_version\":\"6.1.170-3\"," LINUX
		",\"levels\":[{\"level\":1,\"patchset\":\"K1\",\"released\":\"2026-06-01T12:00:00Z\","
		"\"feeds\":[\"stable\"]}],\"fixed\":[{\"cve\":\"CVE-2026-1001\",\"level\":1,"
		"\"fixed_in\":\"6.1.176-1\"},{\"cve\":\"CVE-2026-1002\",\"level\":1}]},"
		"{\"build_id\":\"b\",\"product\":\"kernel\",\"package_version\":\"6.1.176-1\"," LINUX
		"},{\"build_id\":\"c\",\"product\":\"kernel\",\"package_version\":\"6.1.175-9\"," LINUX
		"}]}";
	static const struct {
		const char *build_id, *cve;
		enum verdict verdict;
	} rows[] = {
		{"a", "CVE-2026-1001", VERDICT_FIX_READY},
		{"b", "CVE-2026-1001", VERDICT_NOT_AFFECTED},
		{"c", "CVE-2026-1001", VERDICT_NO_FIX},
		{"b", "CVE-2026-1002", VERDICT_NO_FIX},
	};
	_cleanup_(index_unrefp) struct map_index *x = NULL;
	const struct verdict_subject s = {.about = ABOUT_KERNEL};
	struct sut_err err = {0};

	assert_ok(index_new(doc, strlen(doc), &x, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(rows); i++) {
		struct verdict_host h = {.registered = true,
					 .build_id = rows[i].build_id,
					 .feed = "stable",
					 .now = NOW};
		struct verdict_answer a;

		verdict_bind(x, &h);
		verdict_of(x, &h, &s, index_cve(rows[i].cve), &a);
		assert_string_equal(verdict_name(a.verdict), verdict_name(rows[i].verdict));
	}
}

/* --- verdicts --- */

struct row {
	const char *what;
	struct verdict_host host;
	struct verdict_library libraries[2];
	const char *package, *version, *cve;
	bool not_running;
	enum verdict verdict;
	enum verdict_why why;
	const char *text; /* somewhere in the sentence; NULL */
};

#define AA .registered = true, .build_id = SAMPLE_KERNEL_AA, .release = "6.1.0-47-amd64"
#define IMAGE .package = "linux-image-6.1.0-47-amd64", .version = "6.1.170-3"
#define SSL .package = "libssl3", .version = "3.0.15-1"
#define CC .name = "libssl.so.3", .build_id = SAMPLE_LIBSSL_CC
#define DD .name = "libssl.so.3", .build_id = SAMPLE_LIBSSL_DD

static const struct row rows[] = {
	/* kernels */
	{"a level that runs closes it",
	 {AA, .level = 1, .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 false,
	 VERDICT_LIVE_FIXED,
	 WHY_NONE,
	 NULL},
	{"so does a higher one",
	 {AA, .level = 2, .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 false,
	 VERDICT_LIVE_FIXED,
	 WHY_NONE,
	 NULL},
	{"the feed has it",
	 {AA, .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 false,
	 VERDICT_FIX_READY,
	 WHY_NONE,
	 NULL},
	{"the feed does not have that level",
	 {AA, .level = 1, .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1002",
	 false,
	 VERDICT_FIX_HELD,
	 WHY_FEED,
	 "K20260615_01"},
	{"another feed does",
	 {AA, .level = 1, .feed = "test"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1002",
	 false,
	 VERDICT_FIX_READY,
	 WHY_NONE,
	 NULL},
	{"a feed that nobody knows",
	 {AA, .feed = "other"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 false,
	 VERDICT_FIX_HELD,
	 WHY_FEED,
	 NULL},
	{"on hold",
	 {AA, .feed = "stable", .hold = true, .hold_until = NOW + 60, .now = NOW},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 false,
	 VERDICT_FIX_HELD,
	 WHY_HOLD,
	 "until 2026-11-18"},
	{"the hold is over",
	 {AA, .feed = "stable", .hold = true, .hold_until = NOW, .now = NOW},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 false,
	 VERDICT_FIX_READY,
	 WHY_NONE,
	 NULL},
	{"a hold takes nothing away",
	 {AA, .level = 1, .feed = "stable", .hold = true},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 false,
	 VERDICT_LIVE_FIXED,
	 WHY_NONE,
	 NULL},
	{"pinned by level",
	 {AA, .feed = "test", .pin = "level:1"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1002",
	 false,
	 VERDICT_FIX_HELD,
	 WHY_PIN,
	 NULL},
	{"pinned by patchset",
	 {AA, .feed = "test", .pin = "patchset:K20260601_01"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1002",
	 false,
	 VERDICT_FIX_HELD,
	 WHY_PIN,
	 NULL},
	{"up to the pin",
	 {AA, .feed = "test", .pin = "patchset:K20260601_01"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 false,
	 VERDICT_FIX_READY,
	 WHY_NONE,
	 NULL},
	{"pinned by date",
	 {AA, .feed = "test", .pin = "date:2026-06-14"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1002",
	 false,
	 VERDICT_FIX_HELD,
	 WHY_PIN,
	 NULL},
	{"the day itself counts",
	 {AA, .feed = "test", .pin = "date:2026-06-15"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1002",
	 false,
	 VERDICT_FIX_READY,
	 WHY_NONE,
	 NULL},
	{"closed in part",
	 {AA, .level = 1, .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1003",
	 false,
	 VERDICT_PARTIAL,
	 WHY_IN_PART,
	 "the ioctl only"},
	{"may be closed in part",
	 {AA, .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1003",
	 false,
	 VERDICT_FIX_READY,
	 WHY_READY_IN_PART,
	 "the ioctl only"},
	{"in part by what runs, whole by what waits",
	 {AA, .level = 1, .feed = "test"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1005",
	 false,
	 VERDICT_FIX_READY,
	 WHY_NONE,
	 NULL},
	{"only a reboot",
	 {AA, .level = 2, .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1004",
	 false,
	 VERDICT_REBOOT_NEEDED,
	 WHY_REBOOT,
	 "6.1.180-1"},
	{"nobody closes it",
	 {AA, .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-7777",
	 false,
	 VERDICT_NO_FIX,
	 WHY_NONE,
	 NULL},
	{"no CVE at all",
	 {AA, .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "GHSA-1",
	 false,
	 VERDICT_NO_FIX,
	 WHY_NONE,
	 NULL},
	{"the package that runs has it closed: the scan is old",
	 {.registered = true, .build_id = SAMPLE_KERNEL_BB, .release = "6.1.0-48-amd64"},
	 {{0}},
	 .package = "linux-libc-dev",
	 .version = "6.1.170-3",
	 .cve = "CVE-2026-1004",
	 .verdict = VERDICT_NOT_AFFECTED,
	 .why = WHY_PACKAGE_HAS_IT,
	 .text = "6.1.180-1"},
	{"installed and not running",
	 {AA, .feed = "stable"},
	 {{0}},
	 .package = "linux-image-6.1.0-40-amd64",
	 .version = "6.1.150-1",
	 .cve = "CVE-2026-1001",
	 .verdict = VERDICT_NOT_AFFECTED,
	 .why = WHY_NOT_RUNNING,
	 .text = "installed-not-running"},
	{"the same of its signed twin",
	 {AA, .feed = "stable"},
	 {{0}},
	 .package = "linux-image-6.1.0-47-amd64-unsigned",
	 .cve = "CVE-2026-1001",
	 .verdict = VERDICT_FIX_READY,
	 .why = WHY_NONE},
	{"the scanner says that it does not run",
	 {AA, .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 true,
	 VERDICT_NOT_AFFECTED,
	 WHY_NOT_RUNNING,
	 NULL},
	{"headers stand for the kernel that runs",
	 {AA, .feed = "stable"},
	 {{0}},
	 .package = "linux-headers-6.1.0-47-common",
	 .version = "6.1.170-3",
	 .cve = "CVE-2026-1001",
	 .verdict = VERDICT_FIX_READY},
	{"an rpm of another kernel",
	 {.registered = true, .release = "5.14.0-427.el9.x86_64"},
	 {{0}},
	 .package = "kernel-core",
	 .version = "0:5.14.0-362.el9",
	 .cve = "CVE-2026-1001",
	 .verdict = VERDICT_NOT_AFFECTED,
	 .why = WHY_NOT_RUNNING},
	{"an rpm of the kernel that runs",
	 {.registered = true, .build_id = "ee", .release = "5.14.0-427.el9.x86_64"},
	 {{0}},
	 .package = "kernel-core",
	 .version = "0:5.14.0-427.el9",
	 .cve = "CVE-2026-1001",
	 .verdict = VERDICT_UNKNOWN_TARGET,
	 .why = WHY_NO_KERNEL},
	{"no patches for this kernel",
	 {.registered = true, .build_id = "ee", .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 false,
	 VERDICT_UNKNOWN_TARGET,
	 WHY_NO_KERNEL,
	 NULL},
	{"found by kernel id",
	 {.registered = true, .kernel_id = "9ab0", .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 false,
	 VERDICT_FIX_READY,
	 WHY_NONE,
	 NULL},
	{"found by package, when the agent tells no build id",
	 {.registered = true,
	  .release = "6.1.0-47-amd64",
	  .package_version = "6.1.170-3",
	  .feed = "stable"},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 false,
	 VERDICT_FIX_READY,
	 WHY_NONE,
	 NULL},
	{"a host that is not registered",
	 {.registered = false},
	 {{0}},
	 IMAGE,
	 "CVE-2026-1001",
	 false,
	 VERDICT_UNKNOWN_TARGET,
	 WHY_UNREGISTERED,
	 "K20260601_01 closes it"},
	{"and of which nothing is known",
	 {.registered = false},
	 {{0}},
	 .package = "linux-image-4.19.0-1-amd64",
	 .version = "4.19.1-1",
	 .cve = "CVE-2026-1001",
	 .verdict = VERDICT_UNKNOWN_TARGET,
	 .why = WHY_UNREGISTERED,
	 .text = "register it"},
	/* without a package */
	{"an OVAL definition of the kernel",
	 {AA, .feed = "stable"},
	 {{0}},
	 NULL,
	 NULL,
	 "CVE-2026-1001",
	 false,
	 VERDICT_FIX_READY,
	 WHY_NONE,
	 NULL},
	{"an OVAL definition of a library",
	 {AA, .feed = "stable"},
	 {{CC, .processes = 3, .patched = 3, .level = 1}},
	 NULL,
	 NULL,
	 "CVE-2026-2001",
	 false,
	 VERDICT_LIVE_FIXED,
	 WHY_ALL_PROCESSES,
	 NULL},
	{"an OVAL definition of something else",
	 {AA, .feed = "stable"},
	 {{0}},
	 NULL,
	 NULL,
	 "CVE-2026-7777",
	 false,
	 VERDICT_UNKNOWN_TARGET,
	 WHY_NO_PACKAGE,
	 NULL},
	/* libraries */
	{"all processes",
	 {AA, .feed = "stable"},
	 {{CC, .processes = 4, .patched = 4, .level = 1}},
	 SSL,
	 "CVE-2026-2001",
	 false,
	 VERDICT_LIVE_FIXED,
	 WHY_ALL_PROCESSES,
	 "All 4"},
	{"some processes",
	 {AA, .feed = "stable"},
	 {{CC, .processes = 4, .patched = 3, .level = 1}},
	 SSL,
	 "CVE-2026-2001",
	 false,
	 VERDICT_PARTIAL,
	 WHY_SOME_PROCESSES,
	 "3 of 4"},
	{"no process yet",
	 {AA, .feed = "stable"},
	 {{CC, .processes = 4}},
	 SSL,
	 "CVE-2026-2001",
	 false,
	 VERDICT_FIX_READY,
	 WHY_NONE,
	 NULL},
	{"told to run, and none does",
	 {AA, .feed = "stable"},
	 {{CC, .processes = 4, .level = 1}},
	 SSL,
	 "CVE-2026-2001",
	 false,
	 VERDICT_FIX_READY,
	 WHY_NONE,
	 NULL},
	{"the feed does not have it",
	 {AA, .feed = "test"},
	 {{CC, .processes = 4}},
	 SSL,
	 "CVE-2026-2001",
	 false,
	 VERDICT_FIX_HELD,
	 WHY_FEED,
	 NULL},
	{"a restart only",
	 {AA, .feed = "stable"},
	 {{CC, .processes = 4}},
	 SSL,
	 "CVE-2026-2002",
	 false,
	 VERDICT_REBOOT_NEEDED,
	 WHY_RESTART,
	 "3.0.16-1"},
	{"named by its source package",
	 {AA, .feed = "stable"},
	 {{CC, .processes = 4}},
	 .package = "openssl",
	 .version = "3.0.15-1",
	 .cve = "CVE-2026-2001",
	 .verdict = VERDICT_FIX_READY},
	{"old processes beside new ones",
	 {AA, .feed = "stable"},
	 {{DD, .processes = 9}, {CC, .processes = 1}},
	 SSL,
	 "CVE-2026-2002",
	 false,
	 VERDICT_REBOOT_NEEDED,
	 WHY_RESTART,
	 NULL},
	{"only new ones",
	 {AA, .feed = "stable"},
	 {{DD, .processes = 9}},
	 SSL,
	 "CVE-2026-2002",
	 false,
	 VERDICT_NOT_AFFECTED,
	 WHY_PACKAGE_HAS_IT,
	 NULL},
	{"a build that nobody knows beside one that is patched",
	 {AA, .feed = "stable"},
	 {{.name = "libssl.so.3", .build_id = "ee", .processes = 1},
	  {CC, .processes = 1, .patched = 1, .level = 1}},
	 SSL,
	 "CVE-2026-2001",
	 false,
	 VERDICT_PARTIAL,
	 WHY_SOME_PROCESSES,
	 "1 of 2"},
	{"a build that nobody knows",
	 {AA, .feed = "stable"},
	 {{.name = "libssl.so.3", .build_id = "ee", .processes = 1}},
	 SSL,
	 "CVE-2026-2001",
	 false,
	 VERDICT_UNKNOWN_TARGET,
	 WHY_NO_LIBRARY,
	 NULL},
	{"no process uses it: an upgrade",
	 {AA, .feed = "stable"},
	 {{0}},
	 SSL,
	 "CVE-2026-2002",
	 false,
	 VERDICT_REBOOT_NEEDED,
	 WHY_NOT_IN_USE,
	 "upgrade the package to 3.0.16-1"},
	{"no process uses it, and there is only a live patch",
	 {AA, .feed = "stable"},
	 {{0}},
	 SSL,
	 "CVE-2026-2001",
	 false,
	 VERDICT_NO_FIX,
	 WHY_NOT_IN_USE,
	 "No process uses it now"},
	{"a version that nobody knows",
	 {AA, .feed = "stable"},
	 {{0}},
	 .package = "libssl3",
	 .version = "3.0.9-1",
	 .cve = "CVE-2026-2001",
	 .verdict = VERDICT_UNKNOWN_TARGET,
	 .why = WHY_NO_LIBRARY},
	{"what is neither kernel nor library",
	 {AA, .feed = "stable"},
	 {{0}},
	 .package = "bash",
	 .version = "5.2-1",
	 .cve = "CVE-2026-2001",
	 .verdict = VERDICT_UNKNOWN_TARGET,
	 .why = WHY_OTHER_PACKAGE},
};

static void test_every_row(void **state _unused_)
{
	_cleanup_(index_unrefp) struct map_index *x = sample();
	bool wrong = false;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct verdict_library l[2] = {r->libraries[0], r->libraries[1]};
		struct verdict_host h = r->host;
		struct verdict_subject s;
		struct verdict_answer a;
		char text[VERDICT_TEXT_MAX];

		h.libraries = l;
		h.nlibraries = (l[0].build_id != NULL) + (l[1].build_id != NULL);
		verdict_bind(x, &h);
		verdict_subject(x, &h, r->package, r->version, r->not_running, &s);
		verdict_of(x, &h, &s, index_cve(r->cve), &a);
		verdict_text(&a, text);
		if (a.verdict == r->verdict && a.why == r->why &&
		    (!r->text || strstr(text, r->text)))
			continue;
		wrong = true;
		print_error("%s: %s, why %d: %s\n", r->what, verdict_name(a.verdict), a.why, text);
	}
	assert_false(wrong);
}

static void test_findings_with_several_cves(void **state _unused_)
{
	const unsigned int ready = 1 << VERDICT_FIX_READY, live = 1 << VERDICT_LIVE_FIXED,
			   none = 1 << VERDICT_NO_FIX, not = 1 << VERDICT_NOT_AFFECTED;

	assert_int_equal(verdict_roll(live), VERDICT_LIVE_FIXED);
	assert_int_equal(verdict_roll(live | not ), VERDICT_LIVE_FIXED);
	assert_int_equal(verdict_roll(not ), VERDICT_NOT_AFFECTED);
	assert_int_equal(verdict_roll(live | none), VERDICT_PARTIAL);
	assert_int_equal(verdict_roll(live | ready), VERDICT_PARTIAL);
	assert_int_equal(verdict_roll(ready | none), VERDICT_FIX_READY);
	assert_int_equal(verdict_roll(none | not ), VERDICT_NO_FIX);
	assert_int_equal(verdict_worse(VERDICT_LIVE_FIXED, VERDICT_NOT_AFFECTED),
			 VERDICT_LIVE_FIXED);
	assert_int_equal(verdict_worse(VERDICT_LIVE_FIXED, VERDICT_NO_FIX), VERDICT_NO_FIX);
}

static void test_packages_of_kernels(void **state _unused_)
{
	static const char *const yes[] = {"linux",	    "linux-image-amd64",
					  "kernel",	    "kernel-core",
					  "linux-libc-dev", "linux-headers-6.1.0-47-amd64",
					  "kernel-headers", "linux-modules-5.15.0-1-generic"};
	static const char *const no[] = {"linux-base",	"linux-firmware", "util-linux",
					 "kernelshark", "libssl3",	  "linuxptp",
					 "kernel-wedge"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(yes); i++)
		if (!verdict_is_kernel(yes[i]))
			fail_msg("%s", yes[i]);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(no); i++)
		if (verdict_is_kernel(no[i]))
			fail_msg("%s", no[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets_are_found),
		cmocka_unit_test(test_one_cve_in_two_lists_is_one),
		cmocka_unit_test(test_malformed_documents_are_refused),
		cmocka_unit_test(test_every_cut_is_refused),
		cmocka_unit_test(test_a_version_that_stands_beside_a_patch_counts_for_others),
		cmocka_unit_test(test_every_row),
		cmocka_unit_test(test_findings_with_several_cves),
		cmocka_unit_test(test_packages_of_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
