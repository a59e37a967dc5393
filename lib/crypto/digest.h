/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and SHA-512 of data that comes in pieces (FIPS 180-4), by OpenSSL. */
#ifndef SUTURE_CRYPTO_DIGEST_H
#define SUTURE_CRYPTO_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum sut_digest_alg { SUT_DIGEST_SHA256 = 1, SUT_DIGEST_SHA512 };
enum { SUT_DIGEST_MAX = 64, SUT_DIGEST_HEX_MAX = 129 };

struct sut_digest;

int sut_digest_new(enum sut_digest_alg alg, struct sut_digest **ret,
		   struct sut_err *err) _must_check_;
int sut_digest_add(struct sut_digest *d, const void *data, size_t len,
		   struct sut_err *err) _must_check_;

/* Lower-case hexadecimal and a NUL. d cannot be added to afterwards. */
int sut_digest_hex(struct sut_digest *d, char ret[static SUT_DIGEST_HEX_MAX],
		   struct sut_err *err) _must_check_;
void sut_digest_free(struct sut_digest *d);
void sut_digest_freep(struct sut_digest **d);

/* All at once. */
int sut_digest_of(enum sut_digest_alg alg, const void *data, size_t len,
		  char ret[static SUT_DIGEST_HEX_MAX], struct sut_err *err) _must_check_;

#endif
