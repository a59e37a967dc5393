/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4), by OpenSSL. */
#ifndef SUTURE_CRYPTO_SHA256_H
#define SUTURE_CRYPTO_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SUT_SHA256_LEN = 32, SUT_SHA256_HEX = 65 };

/* Digest of len bytes. Cannot fail: no memory is allocated. */
void sut_sha256(const void *data, size_t len, uint8_t out[static SUT_SHA256_LEN]);

/* The same as 64 lower-case hexadecimal digits and a NUL. */
void sut_sha256_hex(const void *data, size_t len, char out[static SUT_SHA256_HEX]);

#endif
