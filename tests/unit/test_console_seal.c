// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "seal.h"

static char *dir;
static char path[4096];

static int setup(void **state _unused_)
{
	struct sut_err err = {0};

	assert_ok(sut_tmpdir("seal", &dir, &err), err);
	(void)snprintf(path, sizeof(path), "%s/secret.key", dir);
	return 0;
}

static int teardown(void **state _unused_)
{
	struct sut_err err = {0};

	assert_ok(sut_rm_rf(dir, &err), err);
	free(dir);
	return 0;
}

static struct seal *open_it(void)
{
	struct sut_err err = {0};
	struct seal *s = NULL;

	assert_true(seal_make(path, &err) >= 0);
	assert_ok(seal_open(path, &s, &err), err);
	return s;
}

static void what_is_sealed_comes_back(void **state _unused_)
{
	static const char *const texts[] = {"", "x", "sutapi_0123456789"};
	_cleanup_(seal_freep) struct seal *s = open_it();

	for (size_t i = 0; i < SUT_ARRAY_SIZE(texts); i++) {
		_cleanup_buf_ struct sut_buf sealed = SUT_BUF_INIT(4096);
		_cleanup_secret_ struct sut_buf plain = SUT_BUF_INIT(4096);
		struct sut_err err = {0};
		size_t n = strlen(texts[i]);

		assert_ok(seal_put(s, "token:1", texts[i], n, &sealed, &err), err);
		assert_int_equal(sealed.len, n + SEAL_MORE);
		assert_true(n < 2 || !memmem(sealed.data, sealed.len, texts[i], n));
		assert_ok(seal_get(s, "token:1", sealed.data, sealed.len, &plain, &err), err);
		assert_string_equal(sut_buf_str(&plain), texts[i]);
	}
}

static void what_was_changed_or_is_for_something_else_is_refused(void **state _unused_)
{
	_cleanup_(seal_freep) struct seal *s = open_it();
	_cleanup_buf_ struct sut_buf sealed = SUT_BUF_INIT(4096), out = SUT_BUF_INIT(4096);
	struct sut_err err = {0};

	assert_ok(seal_put(s, "token:1", "secret", 6, &sealed, &err), err);
	assert_int_equal(seal_get(s, "token:2", sealed.data, sealed.len, &out, &err),
			 -EKEYREJECTED);
	for (size_t i = 0; i < sealed.len; i++) {
		sealed.data[i] ^= 1;
		assert_int_equal(seal_get(s, "token:1", sealed.data, sealed.len, &out, &err),
				 -EKEYREJECTED);
		sealed.data[i] ^= 1;
		assert_int_equal(seal_get(s, "token:1", sealed.data, i, &out, &err), -EKEYREJECTED);
	}
	assert_string_equal(err.reason, "seal");
	assert_int_equal(out.len, 0);
}

static void another_key_does_not_open_it(void **state _unused_)
{
	_cleanup_(seal_freep) struct seal *s = open_it(), *other = NULL;
	_cleanup_buf_ struct sut_buf sealed = SUT_BUF_INIT(4096), out = SUT_BUF_INIT(4096);
	struct sut_err err = {0};

	assert_ok(seal_put(s, "token:1", "secret", 6, &sealed, &err), err);
	assert_int_equal(unlink(path), 0);
	other = open_it();
	assert_int_equal(seal_get(other, "token:1", sealed.data, sealed.len, &out, &err),
			 -EKEYREJECTED);
	assert_non_null(strstr(err.msg, path));
}

static void the_file_is_private_and_stays(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf a = SUT_BUF_INIT(4096), b = SUT_BUF_INIT(4096);
	struct sut_err err = {0};
	struct stat st;

	assert_ok(seal_make(path, &err), err);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_ok(sut_file_read(path, &a, &err), err);
	assert_int_equal(seal_make(path, &err), 1);
	assert_ok(sut_file_read(path, &b, &err), err);
	assert_string_equal(sut_buf_str(&a), sut_buf_str(&b));
}

static void files_that_cannot_be_used_say_why(void **state _unused_)
{
	static const char *const bad[] = {"", "12", "0g"};
	struct sut_err err = {0};
	struct seal *s = NULL;

	assert_int_equal(seal_open(path, &s, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "suture-console init"));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		assert_ok(sut_file_write(path, bad[i], strlen(bad[i]), 0600, &err), err);
		assert_int_equal(seal_open(path, &s, &err), -EBADMSG);
	}
	assert_int_equal(unlink(path), 0);
	assert_ok(seal_make(path, &err), err);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(seal_open(path, &s, &err), -EPERM);
	assert_non_null(strstr(err.msg, "chmod 600"));
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_sealed_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_was_changed_or_is_for_something_else_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(another_key_does_not_open_it, setup, teardown),
		cmocka_unit_test_setup_teardown(the_file_is_private_and_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(files_that_cannot_be_used_say_why, setup, teardown),
	};

	return cmocka_run_group_tests_name("console_seal", tests, NULL, NULL);
}
