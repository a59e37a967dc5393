// SPDX-License-Identifier: Apache-2.0
#include "auth/token.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"
#include "crypto/sha256.h"

enum { SECRET_BYTES = 32, SECRET_CHARS = 43 };

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/* Crockford's: nothing that is mistaken for another when read aloud or typed. */
static const char base32[] = "0123456789abcdefghjkmnpqrstvwxyz";

static const char *const prefixes[] = {
	[SUT_TOKEN_KEY] = "sutkey_",   [SUT_TOKEN_SYSTEM] = "sutsys_",
	[SUT_TOKEN_API] = "sutapi_",   [SUT_TOKEN_SESSION] = "sutses_",
	[SUT_TOKEN_HOOK] = "suthook_", [SUT_TOKEN_INSTALL] = "sutins_",
};

static int random_bytes(void *buf, size_t len, struct sut_err *err)
{
	if (getrandom(buf, len, 0) != (ssize_t)len)
		return sut_err_set(
			err, EIO,
			"the kernel gave no random bytes; without them no secret can be "
			"made. Look at getrandom(2) in this system's sandbox or container");
	return 0;
}

int sut_token_make(enum sut_token_kind kind, char ret[static SUT_TOKEN_MAX], struct sut_err *err)
{
	uint8_t secret[SECRET_BYTES + 1] = {
		0}; /* one more, for the last character's missing bits */
	size_t at;
	int r;

	if (kind < SUT_TOKEN_KEY || kind > SUT_TOKEN_INSTALL)
		return sut_err_set(err, EINVAL, "there is no kind %d of tokens", (int)kind);
	r = random_bytes(secret, SECRET_BYTES, err);
	if (r < 0)
		return r;
	at = strlen(prefixes[kind]);
	memcpy(ret, prefixes[kind], at);
	for (size_t i = 0; i < SECRET_CHARS; i++) {
		size_t bit = i * 6, byte = bit / 8;
		unsigned int two = (unsigned int)secret[byte] << 8 | secret[byte + 1];

		ret[at++] = base64url[two >> (10 - bit % 8) & 0x3f];
	}
	ret[at] = '\0';
	explicit_bzero(secret, sizeof(secret));
	return 0;
}

enum sut_token_kind sut_token_kind(const char *s)
{
	for (int kind = SUT_TOKEN_KEY; s && kind <= SUT_TOKEN_INSTALL; kind++) {
		size_t prefix = strlen(prefixes[kind]);

		if (sut_startswith(s, prefixes[kind]))
			return strspn(s + prefix, base64url) == SECRET_CHARS &&
					       s[prefix + SECRET_CHARS] == '\0'
				       ? (enum sut_token_kind)kind
				       : 0;
	}
	return 0;
}

void sut_token_hash(const char *s, uint8_t ret[static SUT_TOKEN_HASH])
{
	sut_sha256(s, strlen(s), ret);
}

void sut_token_hint(const char *s, char ret[static 16])
{
	enum sut_token_kind kind = sut_token_kind(s);

	ret[0] = '\0';
	if (kind)
		(void)snprintf(ret, 16, "%.*s…", (int)strlen(prefixes[kind]) + 4, s);
}

int sut_uid_make(char ret[static SUT_UID_LEN + 1], struct sut_err *err)
{
	uint8_t raw[SUT_UID_LEN];
	int r;

	/* A byte for each character: 32 divides 256, so all are equally likely. */
	r = random_bytes(raw, sizeof(raw), err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < SUT_UID_LEN; i++)
		ret[i] = base32[raw[i] & 31];
	ret[SUT_UID_LEN] = '\0';
	return 0;
}

bool sut_uid_ok(const char *s)
{
	return s && strspn(s, base32) == SUT_UID_LEN && s[SUT_UID_LEN] == '\0';
}
