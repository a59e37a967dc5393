// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <argon2.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "auth/password.h"
#include "base/str.h"

static void the_right_password_is_taken_and_others_are_not(void **state _unused_)
{
	char hash[SUT_PASSWORD_HASH_MAX];
	struct sut_err err = {0};
	bool weak = true;

	assert_ok(sut_password_hash("grüne Wälder rauschen", hash, &err), err);
	assert_int_equal(sut_password_verify("grüne Wälder rauschen", hash, &weak, &err), 1);
	assert_false(weak);
	assert_int_equal(sut_password_verify("grüne Wälder rauschen ", hash, NULL, &err), 0);
	assert_int_equal(sut_password_verify("", hash, NULL, &err), 0);
}

static void the_hash_is_argon2id_with_the_cost_of_the_header_and_its_own_salt(void **state _unused_)
{
	char a[SUT_PASSWORD_HASH_MAX], b[SUT_PASSWORD_HASH_MAX];

	assert_int_equal(sut_password_hash("the same one twice", a, NULL), 0);
	assert_int_equal(sut_password_hash("the same one twice", b, NULL), 0);
	assert_true(sut_startswith(a, "$argon2id$v=19$m=19456,t=2,p=1$"));
	assert_string_not_equal(a, b);
}

static void a_hash_of_less_cost_is_called_weak(void **state _unused_)
{
	char hash[SUT_PASSWORD_HASH_MAX];
	bool weak = false;

	assert_int_equal(argon2id_hash_encoded(1, 8192, 1, "old password", 12, "saltsaltsaltsalt",
					       16, 32, hash, sizeof(hash)),
			 ARGON2_OK);
	assert_int_equal(sut_password_verify("old password", hash, &weak, NULL), 1);
	assert_true(weak);
}

static void a_damaged_hash_is_an_error_and_no_match(void **state _unused_)
{
	struct sut_err err = {0};

	assert_true(sut_password_verify("x", "$argon2id$v=19$m=19456,t=2,p=1$!!$!!", NULL, &err) <
		    0);
	assert_says(err, "argon2");
	assert_true(sut_password_verify("x", "", NULL, NULL) < 0);
}

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void nobody_takes_as_long_as_somebody(void **state _unused_)
{
	char hash[SUT_PASSWORD_HASH_MAX];
	double with = 1e9, without = 1e9;

	assert_int_equal(sut_password_hash("somebody's password", hash, NULL), 0);
	/* The least of several: other work on the machine only ever adds. */
	for (int i = 0; i < 5; i++) {
		double t = cpu_seconds();

		assert_int_equal(sut_password_verify("a guess", hash, NULL, NULL), 0);
		t = cpu_seconds() - t;
		with = t < with ? t : with;
		t = cpu_seconds();
		assert_int_equal(sut_password_verify("a guess", NULL, NULL, NULL), 0);
		t = cpu_seconds() - t;
		without = t < without ? t : without;
	}
	assert_true(without > with * 0.7);
	assert_true(with > without * 0.7);
}

static void weak_passwords_are_refused_with_the_reason(void **state _unused_)
{
	static const struct {
		const char *password, *says;
	} bad[] = {
		{"", "too short"},
		{"brief1", "too short"},
		{"elevenchars", "too short"},
		{"äöüäöüäöüäö", "too short"}, /* 11 characters in 22 bytes */
		{"aaaaaaaaaaaaaaaa", "different"},
		{"121212121212121212", "different"},
		{"margaret1234567", "user's name"},
		{"MargaretMargaret", "user's name"},
		{"password1234", "common"},
		{"Password-12345", "common"},
		{"correct horse battery staple", "common"},
		{"has a \n in the middle", "control"},
		{"malformed \xff bytes here", "UTF-8"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(bad); i++) {
		struct sut_err err = {0};

		assert_int_equal(sut_password_check(bad[i].password, "margaret", &err), -EINVAL);
		assert_string_equal(err.reason, "weak-password");
		assert_says(err, bad[i].says);
		/* A password is never repeated. */
		assert_true(strlen(bad[i].password) < 5 || !strstr(err.msg, bad[i].password));
	}
}

static void good_passwords_are_taken(void **state _unused_)
{
	char longest[SUT_PASSWORD_BYTES_MAX + 2], made[32];
	struct sut_err err = {0};

	assert_ok(sut_password_check("tall blue lighthouse", "margaret", &err), err);
	assert_ok(sut_password_check("äöüßéèêëñçøå", "margaret", &err), err);
	assert_ok(sut_password_check("margaret likes lighthouses", "margaret", &err), err);
	assert_ok(sut_password_check("exactly12chr", NULL, &err), err);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = "abcdefghij"[i % 10];
	longest[SUT_PASSWORD_BYTES_MAX] = '\0';
	assert_ok(sut_password_check(longest, "margaret", &err), err);
	longest[SUT_PASSWORD_BYTES_MAX] = 'x';
	longest[SUT_PASSWORD_BYTES_MAX + 1] = '\0';
	assert_int_equal(sut_password_check(longest, "margaret", NULL), -EINVAL);
	assert_int_equal(sut_password_make(made, NULL), 0);
	assert_ok(sut_password_check(made, "margaret", &err), err);
}

static void made_passwords_are_five_groups_of_four(void **state _unused_)
{
	char a[32], b[32];

	assert_int_equal(sut_password_make(a, NULL), 0);
	assert_int_equal(sut_password_make(b, NULL), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(strlen(a), 24);
	for (size_t i = 0; i < 24; i++)
		if (i % 5 == 4)
			assert_int_equal(a[i], '-');
		else
			assert_non_null(strchr("0123456789abcdefghjkmnpqrstvwxyz", a[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_right_password_is_taken_and_others_are_not),
		cmocka_unit_test(the_hash_is_argon2id_with_the_cost_of_the_header_and_its_own_salt),
		cmocka_unit_test(a_hash_of_less_cost_is_called_weak),
		cmocka_unit_test(a_damaged_hash_is_an_error_and_no_match),
		cmocka_unit_test(nobody_takes_as_long_as_somebody),
		cmocka_unit_test(weak_passwords_are_refused_with_the_reason),
		cmocka_unit_test(good_passwords_are_taken),
		cmocka_unit_test(made_passwords_are_five_groups_of_four),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
