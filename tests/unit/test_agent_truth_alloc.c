// SPDX-License-Identifier: Apache-2.0
/* truth/truth.h when memory is short: each allocation fails once. A file is whole and true, or not there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "base/file.h"
#include "base/str.h"
#include "common/conf.h"
#include "common/paths.h"
#include "fault.h"
#include "truth/truth.h"

enum { ALLOCATIONS_MAX = 10000 };

static const char status[] = "Package: linux-image-6.1.0-47-amd64\nStatus: install ok installed\n"
			     "Architecture: amd64\nVersion: 6.1.170-3\n";

static char *root;
static struct agent_conf conf = {.metrics = "/suture.prom", .vex = true};

static void put(const char *path, const char *text)
{
	struct sut_err err = {0};

	assert_ok(sut_file_write(agent_path(root, path).s, text, strlen(text), 0644, &err), err);
}

static int setup(void **state _unused_)
{
	static const char *const dirs[] = {AGENT_RUN, "/etc", "/var/lib/dpkg", AGENT_APPLY_DIR};
	struct sut_err err = {0};

	assert_ok(sut_tmpdir("truth", &root, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(dirs); i++)
		assert_ok(sut_mkdir_p(agent_path(root, dirs[i]).s, &err), err);
	put("/etc/os-release", "ID=debian\nVERSION_ID=12\n");
	put("/etc/debian_version", "12.11\n");
	put("/etc/hostname", "web1\n");
	put("/var/lib/dpkg/status", status);
	return 0;
}

static int teardown(void **state _unused_)
{
	assert_int_equal(sut_rm_rf(root, NULL), 0);
	free(root);
	return 0;
}

static json_t *state_of(bool live)
{
	json_t *j = json_pack("{s:s, s:{s:s, s:s, s:s}, s:[], s:n}", "boot_id",
			      "5d1f6a3e-7c1b-4c8e-9a57-0d9d5f1a2b3c", "kernel", "release",
			      "6.1.0-47-amd64", "arch", "x86_64", "package_version", "6.1.170-3",
			      "errors", "patch");

	assert_non_null(j);
	if (live)
		assert_int_equal(
			json_object_set_new(j, "patch",
					    json_pack("{s:s, s:i, s:s, s:s, s:[s, s]}", "id",
						      "K20261121_01", "level", 3, "applied_at",
						      "2026-11-21T20:15:00Z", "signed_by", "vendor",
						      "cves", "CVE-2026-1234", "CVE-2026-1235")),
			0);
	return j;
}

static bool has(const char *path, const char *word)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(1 << 20);

	return !sut_file_read(agent_path(root, path).s, &b, NULL) &&
	       strstr(sut_buf_str(&b), word) != NULL;
}

static bool is_there(const char *path)
{
	return sut_exists(agent_path(root, path).s);
}

/* Whole JSON with both CVEs, or not there. */
static bool is_whole(const char *path)
{
	return !is_there(path) ||
	       (has(path, "CVE-2026-1234") && has(path, "CVE-2026-1235") && has(path, "\n}\n"));
}

static void a_file_is_whole_or_not_there(void **state _unused_)
{
	json_t *live = state_of(true), *none = state_of(false);
	struct sut_err err = {0};
	uint64_t n, count;
	int r;

	for (n = 1; n < ALLOCATIONS_MAX; n++) {
		assert_ok(truth_publish(root, none, &conf, &err), err);
		fault_alloc_arm(n);
		r = truth_publish(root, live, &conf, &err);
		count = fault_alloc_disarm();
		if (r < 0 && r != -ENOMEM)
			fail_msg("allocation %zu: %d: %s", (size_t)n, r, err.msg);
		assert_true(is_whole(AGENT_VEX));
		assert_true(!is_there(AGENT_CVES) || has(AGENT_CVES, "CVE-2026-1235\n"));
		assert_true(!is_there(AGENT_EFFECTIVE) || has(AGENT_EFFECTIVE, "+suture3\n"));
		assert_true(!is_there("/suture.prom") ||
			    has("/suture.prom", "suture_published_timestamp_seconds "));
		if (n > count)
			break;
	}
	assert_int_equal(r, 0);
	assert_true(n > 20 && n < ALLOCATIONS_MAX);
	assert_true(is_there(AGENT_VEX) && is_there(AGENT_CVES) && is_there("/suture.prom"));
	json_decref(live);
	json_decref(none);
}

static void nothing_old_is_left(void **state _unused_)
{
	json_t *live = state_of(true), *none = state_of(false);
	struct sut_err err = {0};
	uint64_t n, count = ALLOCATIONS_MAX;

	for (n = 1; n <= count; n++) {
		assert_ok(truth_publish(root, live, &conf, &err), err);
		assert_true(is_there(AGENT_CVES));
		fault_alloc_arm(n);
		(void)(truth_publish(root, none, &conf, &err) < 0); /* what is left counts */
		count = fault_alloc_disarm();
		assert_false(is_there(AGENT_CVES));
		assert_false(is_there(AGENT_VEX));
		assert_false(is_there(AGENT_EFFECTIVE));
		assert_false(has(AGENT_RELEASE, "K20261121_01"));
		assert_false(has("/suture.prom", "K20261121_01"));
	}
	assert_true(n > 20);
	json_decref(live);
	json_decref(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_whole_or_not_there),
		cmocka_unit_test(nothing_old_is_left),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
