// SPDX-License-Identifier: Apache-2.0
/* policy.h: whatever is wrong with the file, it never allows more than it says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "base/file.h"
#include "base/str.h"
#include "kernel/policy.h"

static int parse(const char *text, struct sut_policy *p, struct sut_err *err)
{
	return sut_policy_parse(text, strlen(text), p, err);
}

static void says(const char *text, bool allowed)
{
	struct sut_policy p = {.insecure_local = !allowed};
	struct sut_err err = {0};

	assert_ok(parse(text, &p, &err), err);
	if (p.insecure_local != allowed)
		fail_msg("\"%s\" %s", text, allowed ? "refuses" : "allows");
}

static void settings_are_read(void **state _unused_)
{
	says("", true);
	says("\n\n", true);
	says("# nothing\n", true);
	says("#insecure-local = refuse\n", true);
	says("insecure-local = allow\n", true);
	says("insecure-local = refuse\n", false);
	says("insecure-local=refuse", false);
	says(" \t insecure-local \t= \trefuse \t\n", false);
	says("# first\n\ninsecure-local = refuse\n# last", false);
}

/* Somebody meant something by it, so it is not passed over. */
static void malformed_policy_is_refused_and_says_where(void **state _unused_)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"insecure-local\n", "line 1 is no setting"},
		{"\nrefuse\n", "line 2 is no setting"},
		{"= refuse\n", "line 1 has no name"},
		{"insecure-local =\n", "line 1 sets insecure-local to ''"},
		{"insecure-local = Refuse\n", "to 'Refuse'. Write 'allow' or 'refuse'"},
		{"insecure-local = no\n", "to 'no'. Write"},
		{"insecure-local = refuse # why\n", "to 'refuse # why'"},
		{"insecure-local = \"refuse\"\n", "Write 'allow' or 'refuse'"},
		{"insecure_local = refuse\n", "'insecure_local', which this suture does not know"},
		{"Insecure-Local = refuse\n", "does not know"},
		{"insecure-local = refuse\ninsecure-local = allow\n", "line 2 sets"},
		{"insecure-local = allow\ninsecure-local = allow\n", "a second time"},
		{"insecure-local = refuse\r\n", "ends as on Windows"},
		{"\xef\xbb\xbfinsecure-local = refuse\n", "not printable ASCII"},
		{"# \x1b[2J\n", "not printable ASCII"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		struct sut_policy p = {0};
		struct sut_err err = {0};

		if (parse(bad[i].text, &p, &err) != -EBADMSG)
			fail_msg("\"%s\" was taken", bad[i].text);
		assert_string_equal(err.reason, "policy");
		assert_says(err, bad[i].says);
		assert_says(err, ". ");
		assert_false(p.insecure_local);
	}
}

static void nul_hides_nothing(void **state _unused_)
{
	static const char text[] = "insecure-local = allow\n\0\ninsecure-local = refuse\n";
	struct sut_policy p = {0};
	struct sut_err err = {0};

	assert_int_equal(sut_policy_parse(text, sizeof(text) - 1, &p, &err), -EBADMSG);
	assert_says(err, "line 2");
}

static void limits_are_kept(void **state _unused_)
{
	_cleanup_(sut_freep) char *text = calloc(1, SUT_POLICY_MAX + 2);
	struct sut_policy p = {0};
	struct sut_err err = {0};

	assert_non_null(text);
	memset(text, '#', SUT_POLICY_LINE_MAX);
	assert_ok(sut_policy_parse(text, SUT_POLICY_LINE_MAX, &p, &err), err);
	text[SUT_POLICY_LINE_MAX] = '#';
	assert_int_equal(sut_policy_parse(text, SUT_POLICY_LINE_MAX + 1, &p, &err), -EBADMSG);
	memset(text, '\n', SUT_POLICY_MAX + 1);
	assert_ok(sut_policy_parse(text, SUT_POLICY_MAX, &p, &err), err);
	assert_int_equal(sut_policy_parse(text, SUT_POLICY_MAX + 1, &p, &err), -EBADMSG);
}

/* ------------------------------------------------------------------ */

struct fixture {
	char *dir, *file;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sut_err err = {0};

	assert_non_null(f);
	assert_int_equal(sut_tmpdir("policy", &f->dir, &err), 0);
	f->file = sut_sprintf("%s/suture.conf", f->dir);
	assert_non_null(f->file);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sut_rm_rf(f->dir, NULL), 0);
	free(f->dir);
	free(f->file);
	free(f);
	return 0;
}

static void put(const struct fixture *f, const char *text)
{
	struct sut_err err = {0};

	assert_ok(sut_file_write(f->file, text, strlen(text), 0644, &err), err);
}

static void missing_file_is_the_default(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(sut_freep) char *nowhere = sut_sprintf("%s/none/suture.conf", f->dir);
	struct sut_policy p = {0};
	struct sut_err err = {0};

	assert_ok(sut_policy_read(f->file, &p, &err), err);
	assert_true(p.insecure_local);
	p.insecure_local = false;
	assert_ok(sut_policy_read(nowhere, &p, &err), err);
	assert_true(p.insecure_local);
}

static void file_is_read(void **state)
{
	const struct fixture *f = *state;
	struct sut_policy p = {.insecure_local = true};
	struct sut_err err = {0};

	put(f, "insecure-local = refuse\n");
	assert_ok(sut_policy_read(f->file, &p, &err), err);
	assert_false(p.insecure_local);
}

static void refused(const struct fixture *f, const char *text)
{
	struct sut_policy p = {0};
	struct sut_err err = {0};

	assert_true(sut_policy_read(f->file, &p, &err) < 0);
	assert_string_equal(err.reason, "policy");
	assert_says(err, f->file);
	assert_says(err, text);
	assert_false(p.insecure_local);
}

/* Each of these says "allow", or is not there, and nobody may rely on it. */
static void file_that_others_can_change_is_refused(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(sut_freep) char *real = sut_sprintf("%s/real", f->dir);

	put(f, "insecure-local = allow\n");
	assert_int_equal(chmod(f->file, 0664), 0);
	refused(f, "chmod go-w");
	assert_int_equal(chmod(f->file, 0646), 0);
	refused(f, "chmod go-w");
	assert_int_equal(chmod(f->file, 0644), 0);
	assert_int_equal(chmod(f->dir, 0777), 0);
	refused(f, "write to its folder");
	assert_int_equal(unlink(f->file), 0);
	refused(f, "write to its folder");
	assert_int_equal(chmod(f->dir, 0700), 0);

	assert_int_equal(symlink(real, f->file), 0);
	refused(f, "symbolic link");
	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(mkfifo(f->file, 0600), 0);
	refused(f, "no plain file");
	assert_int_equal(unlink(f->file), 0);
	assert_int_equal(mkdir(f->file, 0700), 0);
	refused(f, "no plain file");
	assert_int_equal(rmdir(f->file), 0);
	put(f, "insecure-local = allow\n");
	if (geteuid() == 0) {
		assert_int_equal(chown(f->file, 65534, 0), 0);
		refused(f, "belongs to user 65534");
	} else {
		assert_int_equal(chmod(f->file, 0), 0);
		refused(f, "Permission denied");
	}
}

static void file_that_is_too_large_is_refused(void **state)
{
	const struct fixture *f = *state;
	_cleanup_(sut_freep) char *text = calloc(1, SUT_POLICY_MAX + 2);

	assert_non_null(text);
	memset(text, '\n', SUT_POLICY_MAX + 1);
	put(f, text);
	refused(f, "larger than the limit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_read),
		cmocka_unit_test(malformed_policy_is_refused_and_says_where),
		cmocka_unit_test(nul_hides_nothing),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test_setup_teardown(missing_file_is_the_default, setup, teardown),
		cmocka_unit_test_setup_teardown(file_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(file_that_others_can_change_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(file_that_is_too_large_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
