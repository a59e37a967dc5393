// SPDX-License-Identifier: Apache-2.0
/* agent/suture/redact.h: what is given to those who help holds no secrets. */
#include <string.h>

#include "unit.h"
#include "base/str.h"
#include "redact.h"

static char *clean(const char *text)
{
	struct sut_buf b = SUT_BUF_INIT(1 << 20);

	assert_int_equal(redact(text, strlen(text), &b), 0);
	return b.data ? (char *)b.data : strdup("");
}

static void assert_clean(const char *text, const char *expected)
{
	char *s = clean(text), *again = clean(s);

	assert_string_equal(s, expected);
	assert_string_equal(again, expected);
	free(s);
	free(again);
}

static void keys_and_credentials_go(void **state _unused_)
{
	assert_clean("key sutkey_abcdefgh1234 end", "key [redacted] end");
	assert_clean("\"sutsys_0123456789012345678901234567890123456789012\",", "\"[redacted]\",");
	assert_clean("suture_k20261121_01", "suture_k20261121_01");
	assert_clean("sutured[12]: suture-apply", "sutured[12]: suture-apply");
}

static void pem_blocks_go(void **state _unused_)
{
	assert_clean("a\n-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\nb",
		     "a\n[redacted]\nb");
	assert_clean("a -----BEGIN PRIVATE KEY-----\nMC4CAQ", "a [redacted]");
}

static void passwords_in_urls_go(void **state _unused_)
{
	assert_clean("proxy = http://joe:secret@proxy:3128/\n",
		     "proxy = http://[redacted]@proxy:3128/\n");
	assert_clean("https://portal.example/a@b", "https://portal.example/a@b");
}

static void mail_addresses_go(void **state _unused_)
{
	assert_clean("ask admin.of+x@example.co.uk, please", "ask [redacted], please");
	assert_clean("MAILTO=root@example.com", "MAILTO=[redacted]");
	assert_clean("<joe@example.com>", "<[redacted]>");
	assert_clean("K20261121_01@3", "K20261121_01@3");
}

static void what_is_called_a_secret_goes(void **state _unused_)
{
	assert_clean("password = hunter 2\nnext", "password = [redacted]\nnext");
	assert_clean("{\"credential\": \"abc \\\" d\", \"x\": 1}",
		     "{\"credential\": \"[redacted]\", \"x\": 1}");
	assert_clean("Authorization: Bearer abc\n", "Authorization: [redacted]\n");
	assert_clean("api-key: 1", "api-key: [redacted]");
	assert_clean("the token is old", "the token is old");
}

static void what_looks_like_base64_goes_and_digests_stay(void **state _unused_)
{
	const char *digest = "3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c3f1c";

	assert_clean("x RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3 y",
		     "x [redacted] y");
	assert_clean(digest, digest);
	assert_clean("/usr/lib/x86_64-linux-gnu/perl/5.36/auto/POSIX/Posix1234567890123",
		     "/usr/lib/x86_64-linux-gnu/perl/5.36/auto/POSIX/Posix1234567890123");
	assert_clean("4C4C4544-0042-3510-8052-B4C04F564433",
		     "4C4C4544-0042-3510-8052-B4C04F564433");
}

static void control_characters_do_not_reach_a_terminal(void **state _unused_)
{
	assert_clean("a\033[31mb\tc\r\n", "a?[31mb\tc?\n");
	assert_clean("Gr\303\274\303\237e", "Gr\303\274\303\237e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_credentials_go),
		cmocka_unit_test(pem_blocks_go),
		cmocka_unit_test(passwords_in_urls_go),
		cmocka_unit_test(mail_addresses_go),
		cmocka_unit_test(what_is_called_a_secret_goes),
		cmocka_unit_test(what_looks_like_base64_goes_and_digests_stay),
		cmocka_unit_test(control_characters_do_not_reach_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
