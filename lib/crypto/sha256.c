// SPDX-License-Identifier: Apache-2.0
/*
 * OpenSSL's older interface, which needs no memory. SHA256() and EVP do: when memory is short
 * they fail and leave the digest unwritten.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha256.h"

#include <openssl/sha.h>

#include "base/str.h"

void sut_sha256(const void *data, size_t len, uint8_t out[static SUT_SHA256_LEN])
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, data, len);
	SHA256_Final(out, &ctx);
}

void sut_sha256_hex(const void *data, size_t len, char out[static SUT_SHA256_HEX])
{
	uint8_t d[SUT_SHA256_LEN];

	sut_sha256(data, len, d);
	sut_hex(d, sizeof(d), out);
}
