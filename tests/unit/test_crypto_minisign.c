// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/str.h"
#include "crypto/minisign.h"

/* Made by minisign 0.11: `minisign -G -W` and `minisign -S -c unt -t "hi there"` on "hello". */
static const char their_pub[] = "untrusted comment: minisign public key 8C10C25C6DF63E21\n"
				"RWQhPvZtXMIQjHkitKqNkDizf1CM+xcDQQZ8O80SzIxJaf8ZOD8DWS+j\n";
static const char their_sig[] =
	"untrusted comment: unt\n"
	"RUQhPvZtXMIQjG5JsIqcG2Jq/ojMP7stky+k53OJWSU1YbGewGo7EMzg5ppL16P+nAp5QdPyLN5WZrAwg4ZkVGga3TVfirG6xQY=\n"
	"trusted comment: hi there\n"
	"7rM/iP4Fl5uBZT7lTd0Y7IFYEOPU6ygd18wJ/FjlO0mxDyDadEBBRH9o4o71aS5aL945YUVr4MfJwrzvzImxDA==\n";

static struct sut_privkey *priv;
static struct sut_minisign_pub ours, theirs;
static char *dir;

static int set_up(void **state _unused_)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *k = NULL;
	struct sut_err err = {0};

	assert_ok(sut_tmpdir("test-minisign", &dir, &err), err);
	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &priv, &err), err);
	assert_ok(sut_privkey_public(priv, &k, &err), err);
	assert_ok(sut_minisign_pub_of(k, &ours, &err), err);
	assert_ok(sut_minisign_pub_parse(their_pub, strlen(their_pub), &theirs, &err), err);
	return 0;
}

static int tear_down(void **state _unused_)
{
	struct sut_err err = {0};

	assert_ok(sut_rm_rf(dir, &err), err);
	sut_privkey_free(priv);
	free(dir);
	return 0;
}

static int verify(const struct sut_minisign_pub *p, const void *text, size_t len, const void *data,
		  size_t data_len)
{
	struct sut_minisign_sig s;
	struct sut_err err = {0};
	int r = sut_minisign_sig_parse(text, len, &s, &err);

	if (r >= 0)
		r = sut_minisign_verify(p, &s, data, data_len, &err);
	if (r < 0)
		assert_true(err.msg[0]);
	return r;
}

static void signature_of_minisign_verifies(void **state _unused_)
{
	struct sut_minisign_sig s;
	struct sut_err err = {0};

	assert_ok(sut_minisign_sig_parse(their_sig, strlen(their_sig), &s, &err), err);
	assert_ok(sut_minisign_verify(&theirs, &s, "hello", 5, &err), err);
	assert_string_equal(s.trusted, "hi there");
	assert_int_equal(sut_minisign_verify(&theirs, &s, "hellp", 5, &err), -EKEYREJECTED);
	assert_int_equal(sut_minisign_verify(&theirs, &s, "", 0, &err), -EKEYREJECTED);
	assert_int_equal(sut_minisign_verify(&ours, &s, "hello", 5, &err), -ENOKEY);
}

static void our_signature_verifies(void **state _unused_)
{
	static const char *const comments[] = {"", "a", "level:3\tbuild-id:00",
					       "gr\xc3\xbc\xc3\x9f"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(comments); i++) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
		struct sut_minisign_sig s;
		struct sut_err err = {0};

		assert_ok(sut_minisign_sign(priv, "signature", comments[i], "data", 4, &b, &err),
			  err);
		assert_ok(sut_minisign_sig_parse(b.data, b.len, &s, &err), err);
		assert_string_equal(s.trusted, comments[i]);
		assert_ok(sut_minisign_verify(&ours, &s, "data", 4, &err), err);
	}
}

/* The same number does not make it the same key. */
static void a_key_with_the_same_number_is_not_enough(void **state _unused_)
{
	struct sut_minisign_pub p = ours;

	memcpy(p.keynum, theirs.keynum, sizeof(p.keynum));
	assert_int_equal(verify(&p, their_sig, strlen(their_sig), "hello", 5), -EKEYREJECTED);
}

static void the_trusted_comment_of_another_signature_is_rejected(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf a = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_minisign_sig s, t;
	struct sut_err err = {0};

	assert_ok(sut_minisign_sign(priv, "", "level:1", "one", 3, &a, &err), err);
	assert_ok(sut_minisign_sign(priv, "", "level:2", "two", 3, &b, &err), err);
	assert_ok(sut_minisign_sig_parse(a.data, a.len, &s, &err), err);
	assert_ok(sut_minisign_sig_parse(b.data, b.len, &t, &err), err);
	memcpy(s.trusted, t.trusted, sizeof(s.trusted));
	assert_int_equal(sut_minisign_verify(&ours, &s, "one", 3, &err), -EKEYREJECTED);
	memcpy(s.global, t.global, sizeof(s.global));
	assert_int_equal(sut_minisign_verify(&ours, &s, "one", 3, &err), -EKEYREJECTED);
}

/* In the whole .sig, but for the untrusted comment: a change of that may stay unnoticed, as its
 * name says. There, either the file is refused or the signed contents are what they were. */
static void a_flipped_bit_in_the_signature_is_never_accepted(void **state _unused_)
{
	const size_t prefix = strlen("untrusted comment: ");
	size_t len = strlen(their_sig), accepted = 0;
	const char *second = strchr(their_sig, '\n');
	char text[sizeof(their_sig)];

	memcpy(text, their_sig, sizeof(text));
	for (size_t bit = 0; bit < len * 8; bit++) {
		const char *at = their_sig + bit / 8;
		int r;

		text[bit / 8] ^= (char)(1 << bit % 8);
		r = verify(&theirs, text, len, "hello", 5);
		if (at >= their_sig + prefix && at < second)
			accepted += r == 0;
		else if (r == 0)
			fail_msg("bit %zu of byte %zu is not protected", bit % 8, bit / 8);
		text[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_int_equal(verify(&theirs, text, len, "hello", 5), 0);
	assert_true(accepted > 0);
}

static void a_flipped_bit_in_the_file_is_never_accepted(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_minisign_sig s;
	struct sut_err err = {0};
	uint8_t data[300];

	memset(data, 0x5a, sizeof(data));
	assert_ok(sut_minisign_sign(priv, "", "t", data, sizeof(data), &b, &err), err);
	assert_ok(sut_minisign_sig_parse(b.data, b.len, &s, &err), err);
	for (size_t bit = 0; bit < sizeof(data) * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(sut_minisign_verify(&ours, &s, data, sizeof(data), &err),
				 -EKEYREJECTED);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_ok(sut_minisign_verify(&ours, &s, data, sizeof(data), &err), err);
	assert_int_equal(sut_minisign_verify(&ours, &s, data, sizeof(data) - 1, &err),
			 -EKEYREJECTED);
}

static void a_flipped_bit_in_the_key_is_never_accepted(void **state _unused_)
{
	size_t begin = (size_t)(strchr(their_pub, '\n') + 1 - their_pub), len = strlen(their_pub);
	char text[sizeof(their_pub)];

	memcpy(text, their_pub, sizeof(text));
	for (size_t bit = begin * 8; bit < len * 8; bit++) {
		struct sut_minisign_pub p;

		text[bit / 8] ^= (char)(1 << bit % 8);
		if (sut_minisign_pub_parse(text, len, &p, NULL) == 0)
			assert_true(verify(&p, their_sig, strlen(their_sig), "hello", 5) < 0);
		text[bit / 8] ^= (char)(1 << bit % 8);
	}
}

/* text with the first occurrence of from replaced. */
static char *with(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *s;

	assert_non_null(at);
	s = sut_sprintf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	assert_non_null(s);
	return s;
}

static void signatures_are_read_strictly(void **state _unused_)
{
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{"untrusted", "Untrusted", "line 1"},
		{"comment: unt", "comment:unt", "line 1"},
		{"unt\n", "unt\r\n", "line 1"},
		{"unt\n", "u\x1b[2Jnt\n", "line 1"},
		{"unt\n", "unt\n\n", "line 2"},
		{"RUQh", "RWQh", "old form"},
		{"RUQh", "RkQh", "algorithm"},
		{"RUQh", " RUQh", "line 2"},
		{"RUQh", "RU\nQh", "line 2"},
		{"xQY=\n", "xQZ=\n", "line 2"}, /* bits after the end */
		{"xQY=\n", "xQY\n", "line 2"},
		{"xQY=\n", "xQ==\n", "line 2"},
		{"xQY=\n", "xQYA\n", "line 2"},
		{"xQY=\n", "xQY= \n", "line 2"},
		{"xQY=\n", "xQY=\r\n", "line 2"},
		{"trusted comment: hi", "trusted: hi", "line 3"},
		{"hi there", "hi\r", "line 3"},
		{"hi there", "hi \x7f", "line 3"},
		{"hi there", "\x9b", "line 3"},		    /* not UTF-8 */
		{"hi there", "\xc2\x9b", "line 3"},	    /* a control character of C1 */
		{"hi there", "\xc1\xa1", "line 3"},	    /* overlong */
		{"hi there", "\xed\xa0\x80", "line 3"},	    /* surrogate */
		{"hi there", "\xf4\x90\x80\x80", "line 3"}, /* beyond U+10FFFF */
		{"hi there", "\xe2\x80\xae", "line 3"},	    /* turns the text around */
		{"hi there", "\xe2\x81\xa6", "line 3"},
		{"hi there", "\xe2\x80", "line 3"}, /* cut */
		{"DA==\n", "DB==\n", "line 4"},
		{"DA==\n", "DA==\n\n", "follows"},
		{"DA==\n", "DA==\nx", "follows"},
		{"\n7rM", "\n", "line 4"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		/* The first "trusted comment" is inside the untrusted one. */
		const char *third = strstr(their_sig, "\ntrusted") + 1;
		bool late = strstr(third, cases[i].from);
		_cleanup_(sut_freep) char *tail =
			late ? with(third, cases[i].from, cases[i].to) : NULL;
		_cleanup_(sut_freep) char *text =
			late ? sut_sprintf("%.*s%s", (int)(third - their_sig), their_sig, tail)
			     : with(their_sig, cases[i].from, cases[i].to);
		struct sut_minisign_sig s;
		struct sut_err err = {0};

		assert_non_null(text);
		if (sut_minisign_sig_parse(text, strlen(text), &s, &err) != -EBADMSG)
			fail_msg("accepted with \"%s\" instead of \"%s\"", cases[i].to,
				 cases[i].from);
		assert_says(err, cases[i].says);
	}
}

static void only_the_last_line_end_may_be_missing(void **state _unused_)
{
	size_t len = strlen(their_sig);

	assert_int_equal(verify(&theirs, their_sig, len, "hello", 5), 0);
	assert_int_equal(verify(&theirs, their_sig, len - 1, "hello", 5), 0);
	for (size_t n = 0; n < len - 1; n++)
		assert_int_equal(verify(&theirs, their_sig, n, "hello", 5), -EBADMSG);
	/* The NUL behind the text. */
	assert_int_equal(verify(&theirs, their_sig, len + 1, "hello", 5), -EBADMSG);
}

static void comments_have_a_maximum(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	char text[SUT_MINISIGN_COMMENT_MAX + 2] = {0};
	struct sut_err err = {0};

	memset(text, 'x', SUT_MINISIGN_COMMENT_MAX);
	assert_ok(sut_minisign_sign(priv, text, text, "d", 1, &b, &err), err);
	assert_int_equal(verify(&ours, b.data, b.len, "d", 1), 0);
	text[SUT_MINISIGN_COMMENT_MAX] = 'x';
	assert_int_equal(sut_minisign_sign(priv, text, "", "d", 1, &b, &err), -EINVAL);
	assert_int_equal(sut_minisign_sign(priv, "", text, "d", 1, &b, &err), -EINVAL);
	assert_int_equal(sut_minisign_sign(priv, "", "two\nlines", "d", 1, &b, &err), -EINVAL);
}

static void a_failed_signature_leaves_the_buffer_alone(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(100);
	_cleanup_(sut_privkey_freep) struct sut_privkey *ec = NULL;
	struct sut_err err = {0};

	assert_int_equal(sut_minisign_sign(priv, "", "", "d", 1, &b, &err), -ENOBUFS);
	assert_int_equal(b.len, 0);
	assert_ok(sut_privkey_new(SUT_KEY_ECDSA_P256, &ec, &err), err);
	assert_int_equal(sut_minisign_sign(ec, "", "", "d", 1, &b, &err), -EINVAL);
	assert_int_equal(b.len, 0);
}

static void public_keys_are_read_strictly(void **state _unused_)
{
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{"untrusted", "trusted", "line 1"},
		{"\nRWQ", "\n\nRWQ", "line 2"},
		{"\nRWQ", "\nRUQ", "algorithm"},
		{"S+j\n", "S+j\n\n", "follows"},
		{"S+j\n", "S+j\r\n", "line 2"},
		{"S+j\n", "S+jAAAA\n", "line 2"},
		{"S+j\n", "\n", "line 2"},
		/* all zeros: of small order */
		{"HkitKqNkDizf1CM+xcDQQZ8O80SzIxJaf8ZOD8DWS+j",
		 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "everybody"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(cases); i++) {
		_cleanup_(sut_freep) char *text = with(their_pub, cases[i].from, cases[i].to);
		struct sut_minisign_pub p;
		struct sut_err err = {0};

		assert_int_equal(sut_minisign_pub_parse(text, strlen(text), &p, &err), -EBADMSG);
		assert_says(err, cases[i].says);
	}
}

static void public_key_is_written_as_it_was_read(void **state _unused_)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_err err = {0};

	assert_ok(
		sut_minisign_pub_format(&theirs, "minisign public key 8C10C25C6DF63E21", &b, &err),
		err);
	assert_string_equal(sut_buf_str(&b), their_pub);
	assert_int_equal(sut_minisign_pub_format(&theirs, "a\nb", &b, &err), -EINVAL);
}

static int minisign(const char *const argv[])
{
	struct sut_err err = {0};
	int r = sut_run(argv, &(struct sut_run_opts){.cwd = dir, .timeout_sec = 60}, &err);

	if (r < 0)
		fail_msg("minisign cannot be run: %s", err.msg);
	return r;
}

static void put(const char *name, const void *data, size_t len)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, name);
	struct sut_err err = {0};

	assert_non_null(path);
	assert_ok(sut_file_write(path, data, len, 0600, &err), err);
}

static void get(const char *name, struct sut_buf *b)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", dir, name);
	struct sut_err err = {0};

	assert_non_null(path);
	assert_ok(sut_file_read(path, b, &err), err);
}

static void minisign_verifies_our_signature(void **state _unused_)
{
	static const char *const check[] = {"minisign", "-V",	"-q", "-p",	  "our.pub",
					    "-m",	"data", "-x", "data.sig", NULL};
	_cleanup_buf_ struct sut_buf pub = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_err err = {0};

	assert_ok(sut_minisign_pub_format(&ours, "our key", &pub, &err), err);
	assert_ok(sut_minisign_sign(priv, "signature", "level:3\tname:x", "hello", 5, &sig, &err),
		  err);
	put("our.pub", pub.data, pub.len);
	put("data.sig", sig.data, sig.len);
	put("data", "hello", 5);
	assert_int_equal(minisign(check), 0);
	put("data", "hellp", 5);
	assert_int_not_equal(minisign(check), 0);
}

static void we_verify_what_minisign_signs(void **state _unused_)
{
	static const char *const make[] = {"minisign", "-G", "-W",    "-p",
					   "m.pub",    "-s", "m.key", NULL};
	static const char *const modern[] = {"minisign", "-S", "-s",	 "m.key", "-m",
					     "file",	 "-x", "modern", NULL};
	static const char *const legacy[] = {"minisign", "-S",	 "-l", "-s",	 "m.key",
					     "-m",	 "file", "-x", "legacy", NULL};
	_cleanup_buf_ struct sut_buf pub = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_buf_ struct sut_buf old = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_minisign_pub p;
	struct sut_err err = {0};

	put("file", "hello", 5);
	assert_int_equal(minisign(make), 0);
	assert_int_equal(minisign(modern), 0);
	assert_int_equal(minisign(legacy), 0);
	get("m.pub", &pub);
	get("modern", &sig);
	get("legacy", &old);
	assert_ok(sut_minisign_pub_parse(pub.data, pub.len, &p, &err), err);
	assert_int_equal(verify(&p, sig.data, sig.len, "hello", 5), 0);
	assert_int_equal(verify(&p, sig.data, sig.len, "hellp", 5), -EKEYREJECTED);
	assert_int_equal(verify(&p, old.data, old.len, "hello", 5), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signature_of_minisign_verifies),
		cmocka_unit_test(our_signature_verifies),
		cmocka_unit_test(a_key_with_the_same_number_is_not_enough),
		cmocka_unit_test(the_trusted_comment_of_another_signature_is_rejected),
		cmocka_unit_test(a_flipped_bit_in_the_signature_is_never_accepted),
		cmocka_unit_test(a_flipped_bit_in_the_file_is_never_accepted),
		cmocka_unit_test(a_flipped_bit_in_the_key_is_never_accepted),
		cmocka_unit_test(signatures_are_read_strictly),
		cmocka_unit_test(only_the_last_line_end_may_be_missing),
		cmocka_unit_test(comments_have_a_maximum),
		cmocka_unit_test(a_failed_signature_leaves_the_buffer_alone),
		cmocka_unit_test(public_keys_are_read_strictly),
		cmocka_unit_test(public_key_is_written_as_it_was_read),
		cmocka_unit_test(minisign_verifies_our_signature),
		cmocka_unit_test(we_verify_what_minisign_signs),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
