// SPDX-License-Identifier: Apache-2.0
/* repo/settings.h, repo/gzip.h: repo.json, periods, and the same gzip for the same bytes. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "gzip.h"
#include "settings.h"

static const int64_t day = 86400;

static void new_settings_can_be_read_back(void **state _unused_)
{
	_cleanup_(sut_settings_release) struct sut_settings s = {0}, again = {0};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SETTINGS_MAX);
	struct sut_err err;

	assert_ok(sut_settings_new("/run/x.sock", "patch-1", &s, &err), err);
	assert_ok(sut_settings_set_root_version(&s, 7, &err), err);
	assert_ok(sut_settings_set(&s, "root", "abc", &err), err);
	assert_ok(sut_settings_format(&s, &b, &err), err);
	assert_ok(sut_settings_parse(b.data, b.len, &again, &err), err);
	assert_string_equal(again.signer, "/run/x.sock");
	assert_string_equal(again.patch_key, "patch-1");
	assert_string_equal(again.root, "abc");
	assert_int_equal(again.root_version, 7);
	assert_int_equal(sut_settings_expiry(&again, "root"), 365 * day);
}

static void bins_live_as_long_as_their_role(void **state _unused_)
{
	_cleanup_(sut_settings_release) struct sut_settings s = {0};
	struct sut_err err;

	assert_ok(sut_settings_new("", "", &s, &err), err);
	assert_ok(sut_settings_set_expiries(&s, "kernel=26w,delegated=12h", &err), err);
	assert_int_equal(sut_settings_expiry(&s, "kernel"), 182 * day);
	assert_int_equal(sut_settings_expiry(&s, "kernel-3f"), 182 * day);
	assert_int_equal(sut_settings_expiry(&s, "firmware"), day / 2);
	assert_int_equal(sut_settings_expiry(&s, "firmware-3f"), day / 2);
}

static void periods_that_are_none_are_refused(void **state _unused_)
{
	static const char *const bad[] = {"root",     "root=",	  "root=0d",	"root=-1d",
					  "root=1",   "root=1m",  "=1d",	"root=1d,stop",
					  "root=01d", "root=+1d", "root=4000d", "root=99999999d",
					  "root= 1d", "root=1d ", ",",		"root=0x1d"};
	_cleanup_(sut_settings_release) struct sut_settings s = {0};
	struct sut_err err;

	assert_ok(sut_settings_new("", "", &s, &err), err);
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		if (sut_settings_set_expiries(&s, bad[i], &err) != -EINVAL)
			fail_msg("%s was taken", bad[i]);
		assert_says(err, "root=365d");
	}
}

static void files_that_are_none_are_refused(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"format\":2,\"signer\":\"\",\"patch_key\":\"\",\"root\":\"\",\"expires\":{}}",
		"{\"format\":1,\"signer\":1,\"patch_key\":\"\",\"root\":\"\",\"expires\":{}}",
		"{\"format\":1,\"signer\":\"\",\"patch_key\":\"\",\"root\":\"\"}",
		"{\"format\":1,\"signer\":\"\",\"patch_key\":\"\",\"root\":\"\",\"expires\":{\"a\":\"1y\"}}",
		"{\"format\":1,\"signer\":\"\",\"patch_key\":\"\",\"root\":\"\",\"expires\":{\"a\":1}}",
	};
	struct sut_settings s = {0};
	struct sut_err err;

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++)
		if (sut_settings_parse(bad[i], strlen(bad[i]), &s, &err) >= 0)
			fail_msg("%s was taken", bad[i]);
	assert_null(s.doc);
}

/* ------------------------------------------------------------------ */

static void gzip_depends_on_nothing_but_the_bytes(void **state _unused_)
{
	static const char text[] = "the same bytes, the same bytes, the same bytes";
	_cleanup_buf_ struct sut_buf a = SUT_BUF_INIT(1000), b = SUT_BUF_INIT(1000),
				     out = SUT_BUF_INIT(1000);
	struct sut_err err;

	assert_ok(sut_gzip(text, sizeof(text), &a, &err), err);
	assert_ok(sut_gzip(text, sizeof(text), &b, &err), err);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	/* RFC 1952: no flags, so no name; a time of 0. */
	assert_memory_equal(a.data, "\x1f\x8b\x08\0\0\0\0\0", 8);
	assert_ok(sut_gunzip(a.data, a.len, &out, &err), err);
	assert_int_equal(out.len, sizeof(text));
	assert_memory_equal(out.data, text, sizeof(text));
}

static void gunzip_is_bounded_and_strict(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf zeros = SUT_BUF_INIT(1 << 20), gz = SUT_BUF_INIT(1 << 20),
				     out = SUT_BUF_INIT(1000);
	struct sut_err err;

	assert_int_equal(sut_buf_addzero(&zeros, 1 << 20), 0);
	assert_ok(sut_gzip(zeros.data, zeros.len, &gz, &err), err);
	assert_int_equal(sut_gunzip(gz.data, gz.len, &out, &err), -EFBIG);
	assert_int_equal(out.len, 0);
	out.max = 1 << 20;
	for (size_t cut = 0; cut < gz.len; cut += 97)
		assert_int_equal(sut_gunzip(gz.data, cut, &out, &err), -EBADMSG);
	assert_int_equal(out.len, 0);
	assert_int_equal(sut_buf_addstr(&gz, "x"), 0);
	assert_int_equal(sut_gunzip(gz.data, gz.len, &out, &err), -EBADMSG);
	assert_int_equal(out.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_settings_can_be_read_back),
		cmocka_unit_test(bins_live_as_long_as_their_role),
		cmocka_unit_test(periods_that_are_none_are_refused),
		cmocka_unit_test(files_that_are_none_are_refused),
		cmocka_unit_test(gzip_depends_on_nothing_but_the_bytes),
		cmocka_unit_test(gunzip_is_bounded_and_strict),
	};

	return cmocka_run_group_tests_name("repo_settings", tests, NULL, NULL);
}
