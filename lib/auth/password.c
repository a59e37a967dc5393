// SPDX-License-Identifier: Apache-2.0
#include "auth/password.h"

#include <argon2.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "auth/token.h"
#include "base/str.h"
#include "base/utf8.h"

enum { SALT = 16, DIGEST = 32, DIFFERENT_MIN = 5, REST_MIN = 8 };

/*
 * What people type when a form wants twelve characters. They are compared without case and without
 * what is no letter or digit, so "Password-12345" is among them.
 */
static const char *const common[] = {
	"password1234",	    "password12345",	"password123456",      "passwordpassword",
	"passw0rd1234",	    "123456789012",	"1234567890123",       "12345678901234",
	"123456789012345",  "1234567890123456", "qwertyuiop12",	       "qwertyuiop123",
	"qwertyuiop1234",   "qwertyuiopasdf",	"qwertyuiopasdfghjkl", "qwerty123456",
	"qwertyqwerty",	    "1qaz2wsx3edc",	"1qaz2wsx3edc4rfv",    "1q2w3e4r5t6y",
	"zaq12wsxcde3",	    "asdfghjkl123",	"abcdefghijkl",	       "abcdefghijklm",
	"abcdefghijklmnop", "abc123abc123",	"abcd12345678",	       "iloveyou1234",
	"letmein12345",	    "welcome12345",	"welcome123456",       "administrator",
	"administrator1",   "admin1234567",	"admin12345678",       "adminadminadmin",
	"changeme1234",	    "changemechangeme", "changethispassword",  "correcthorsebatterystaple",
	"suturesuture",	    "sutureportal",	"sutureadmin1",	       "trustno1trustno1",
	"football1234",	    "thisismypassword", "mypassword123",       "mypassword1234",
	"secretpassword",   "secret123456",	"rootrootroot",	       "root12345678",
	"testtesttest",	    "test12345678",	"superman1234",
};

static int weak(struct sut_err *err, const char *why)
{
	return sut_err_reason(err, EINVAL, "weak-password", "%s", why);
}

/* Lower-case letters and digits of s only; what is not ASCII stays as it is. */
static void plain(const char *s, char *ret, size_t size)
{
	size_t n = 0;

	for (; *s && n + 1 < size; s++)
		if (isalnum((unsigned char)*s) || (unsigned char)*s >= 0x80)
			ret[n++] = (char)tolower((unsigned char)*s);
	ret[n] = '\0';
}

/* What is left of `password` when each `user` in it is taken away. */
static size_t rest_without(const char *password, const char *user)
{
	size_t len = strlen(user), rest = 0;

	while (*password)
		if (strncasecmp(password, user, len) == 0) {
			password += len;
		} else {
			password++;
			rest++;
		}
	return rest;
}

int sut_password_check(const char *password, const char *user, struct sut_err *err)
{
	size_t len = strlen(password), chars = 0, different = 0;
	const uint8_t *p = (const uint8_t *)password;
	int32_t seen[DIFFERENT_MIN] = {0};
	char flat[64];

	if (len > SUT_PASSWORD_BYTES_MAX)
		return weak(err, "The password is longer than 1024 bytes; choose a shorter one.");
	for (const uint8_t *end = p + len; p < end; chars++) {
		int32_t c = sut_utf8_next(&p, end);
		size_t i = 0;

		if (!sut_is_printable(c))
			return weak(err,
				    "The password holds control characters or is not UTF-8; use "
				    "characters that can be typed.");
		while (i < different && seen[i] != c)
			i++;
		if (i == different && different < DIFFERENT_MIN)
			seen[different++] = c;
	}
	if (chars < SUT_PASSWORD_MIN)
		return weak(err,
			    "The password is too short; it needs at least 12 characters. Several "
			    "words in a row are easy to remember.");
	if (different < DIFFERENT_MIN)
		return weak(err,
			    "The password has too few different characters; it needs at least 5.");
	if (user && user[0] && rest_without(password, user) < REST_MIN)
		return weak(err,
			    "The password is little more than the user's name; choose another.");
	plain(password, flat, sizeof(flat));
	for (size_t i = 0; i < SUT_ARRAY_SIZE(common); i++)
		if (strcmp(flat, common[i]) == 0)
			return weak(err,
				    "The password is one of the most common ones, which are tried "
				    "first; choose another.");
	return 0;
}

static int failed(struct sut_err *err, int code)
{
	if (code == ARGON2_MEMORY_ALLOCATION_ERROR)
		return sut_err_oom(err);
	return sut_err_set(err, EIO, "argon2: %s", argon2_error_message(code));
}

int sut_password_hash(const char *password, char ret[static SUT_PASSWORD_HASH_MAX],
		      struct sut_err *err)
{
	char hash[SUT_PASSWORD_HASH_MAX];
	uint8_t salt[SALT];
	int r;

	if (getrandom(salt, sizeof(salt), 0) != SALT)
		return sut_err_set(err, EIO, "the kernel gave no random bytes");
	r = argon2id_hash_encoded(SUT_PASSWORD_PASSES, SUT_PASSWORD_KIB, 1, password,
				  strlen(password), salt, SALT, DIGEST, hash, sizeof(hash));
	if (r != ARGON2_OK)
		return failed(err, r);
	memcpy(ret, hash, sizeof(hash));
	return 0;
}

static bool is_weak(const char *hash)
{
	unsigned int memory, passes, lanes, version;

	return sscanf(hash, "$argon2id$v=%u$m=%u,t=%u,p=%u$", &version, &memory, &passes, &lanes) !=
		       4 ||
	       version < ARGON2_VERSION_13 || memory < SUT_PASSWORD_KIB ||
	       passes < SUT_PASSWORD_PASSES;
}

int sut_password_verify(const char *password, const char *hash, bool *ret_weak, struct sut_err *err)
{
	int r;

	if (!hash) {
		static const uint8_t salt[SALT] = "nobody has this";
		uint8_t out[DIGEST];

		r = argon2id_hash_raw(SUT_PASSWORD_PASSES, SUT_PASSWORD_KIB, 1, password,
				      strlen(password), salt, SALT, out, sizeof(out));
		explicit_bzero(out, sizeof(out));
		return r == ARGON2_OK ? 0 : failed(err, r);
	}
	r = argon2id_verify(hash, password, strlen(password));
	if (r == ARGON2_VERIFY_MISMATCH)
		return 0;
	if (r != ARGON2_OK)
		return failed(err, r);
	if (ret_weak)
		*ret_weak = is_weak(hash);
	return 1;
}

int sut_password_make(char ret[static 32], struct sut_err *err)
{
	char a[SUT_UID_LEN + 1], b[SUT_UID_LEN + 1];
	int r = sut_uid_make(a, err);

	if (r == 0)
		r = sut_uid_make(b, err);
	if (r == 0)
		(void)snprintf(ret, 32, "%.4s-%.4s-%.4s-%.4s-%.4s", a, a + 4, a + 8, a + 12, b);
	explicit_bzero(a, sizeof(a));
	explicit_bzero(b, sizeof(b));
	return r;
}
