// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "auth/token.h"
#include "base/buf.h"
#include "base/str.h"
#include "crypto/base64.h"

static const struct {
	enum sut_token_kind kind;
	const char *prefix;
} kinds[] = {
	{SUT_TOKEN_KEY, "sutkey_"},	{SUT_TOKEN_SYSTEM, "sutsys_"}, {SUT_TOKEN_API, "sutapi_"},
	{SUT_TOKEN_SESSION, "sutses_"}, {SUT_TOKEN_HOOK, "suthook_"},
};

static void a_token_tells_its_kind_and_is_base64url_of_32_bytes(void **state _unused_)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(kinds); i++) {
		_cleanup_buf_ struct sut_buf bytes = SUT_BUF_INIT(64);
		char token[SUT_TOKEN_MAX], text[48];
		const char *secret;

		assert_int_equal(sut_token_make(kinds[i].kind, token, NULL), 0);
		assert_true(sut_startswith(token, kinds[i].prefix));
		assert_int_equal(sut_token_kind(token), kinds[i].kind);
		secret = token + strlen(kinds[i].prefix);
		assert_int_equal(strlen(secret), 43);
		/* The decoder takes only the one canonical form, so no bit is lost or made up. */
		(void)snprintf(text, sizeof(text), "%s=", secret);
		for (char *p = text; *p; p++)
			*p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
		assert_int_equal(sut_base64_decode(text, 44, &bytes), 0);
		assert_int_equal(bytes.len, 32);
	}
	assert_int_equal(sut_token_make(9, (char[SUT_TOKEN_MAX]){0}, NULL), -EINVAL);
}

static void every_token_is_another_and_uses_the_whole_alphabet(void **state _unused_)
{
	char a[SUT_TOKEN_MAX], b[SUT_TOKEN_MAX] = "";
	bool seen[256] = {0};
	int letters = 0;

	for (int i = 0; i < 200; i++) {
		assert_int_equal(sut_token_make(SUT_TOKEN_API, a, NULL), 0);
		assert_string_not_equal(a, b);
		memcpy(b, a, sizeof(a));
		for (const char *p = a + 7; *p; p++)
			seen[(unsigned char)*p] = true;
	}
	for (int i = 0; i < 256; i++)
		letters += seen[i];
	assert_int_equal(letters, 64);
}

static void what_is_no_token_has_no_kind(void **state _unused_)
{
	char token[SUT_TOKEN_MAX], longer[SUT_TOKEN_MAX + 1];

	assert_int_equal(sut_token_make(SUT_TOKEN_KEY, token, NULL), 0);
	(void)snprintf(longer, sizeof(longer), "%sA", token);
	assert_int_equal(sut_token_kind(longer), 0);
	token[20] = '+';
	assert_int_equal(sut_token_kind(token), 0);
	token[20] = 'x';
	token[49] = '\0';
	assert_int_equal(sut_token_kind(token), 0);
	assert_int_equal(sut_token_kind("sutkey_"), 0);
	assert_int_equal(sut_token_kind("Bearer"), 0);
	assert_int_equal(sut_token_kind(""), 0);
	assert_int_equal(sut_token_kind(NULL), 0);
}

static void the_hash_is_sha256_of_all_of_it(void **state _unused_)
{
	uint8_t hash[SUT_TOKEN_HASH];
	char hex[65];

	sut_token_hash("abc", hash);
	sut_hex(hash, sizeof(hash), hex);
	/* FIPS 180-4, example "abc" */
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void the_hint_tells_four_characters_of_the_secret(void **state _unused_)
{
	char token[SUT_TOKEN_MAX], hint[16], want[16];

	assert_int_equal(sut_token_make(SUT_TOKEN_HOOK, token, NULL), 0);
	sut_token_hint(token, hint);
	(void)snprintf(want, sizeof(want), "%.12s…", token);
	assert_string_equal(hint, want);
	assert_int_equal(sut_token_make(SUT_TOKEN_KEY, token, NULL), 0);
	sut_token_hint(token, hint);
	(void)snprintf(want, sizeof(want), "%.11s…", token);
	assert_string_equal(hint, want);
	/* Of what somebody sent by mistake (a password?) nothing is shown. */
	sut_token_hint("correct horse battery staple", hint);
	assert_string_equal(hint, "");
}

static void public_ids_are_sixteen_unambiguous_characters(void **state _unused_)
{
	char a[SUT_UID_LEN + 1], b[SUT_UID_LEN + 1] = "";

	for (int i = 0; i < 200; i++) {
		assert_int_equal(sut_uid_make(a, NULL), 0);
		assert_int_equal(strlen(a), SUT_UID_LEN);
		assert_int_equal(strspn(a, "0123456789abcdefghjkmnpqrstvwxyz"), SUT_UID_LEN);
		assert_true(sut_uid_ok(a));
		assert_string_not_equal(a, b);
		memcpy(b, a, sizeof(a));
	}
	assert_false(sut_uid_ok("0123456789abcde"));   /* short */
	assert_false(sut_uid_ok("0123456789abcdefg")); /* long */
	assert_false(sut_uid_ok("0123456789abcdei"));  /* i */
	assert_false(sut_uid_ok("0123456789ABCDEF"));
	assert_false(sut_uid_ok(""));
	assert_false(sut_uid_ok(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_tells_its_kind_and_is_base64url_of_32_bytes),
		cmocka_unit_test(every_token_is_another_and_uses_the_whole_alphabet),
		cmocka_unit_test(what_is_no_token_has_no_kind),
		cmocka_unit_test(the_hash_is_sha256_of_all_of_it),
		cmocka_unit_test(the_hint_tells_four_characters_of_the_secret),
		cmocka_unit_test(public_ids_are_sixteen_unambiguous_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
