// SPDX-License-Identifier: Apache-2.0
#include "crypto/digest.h"

#include <errno.h>
#include <stdbool.h>

#include "base/str.h"
#include "crypto/ossl.h"

struct sut_digest {
	EVP_MD_CTX *ctx;
	bool finished;
};

static const EVP_MD *algorithm(enum sut_digest_alg alg)
{
	switch (alg) {
	case SUT_DIGEST_SHA256:
		return EVP_sha256();
	case SUT_DIGEST_SHA512:
		return EVP_sha512();
	}
	return NULL;
}

int sut_digest_new(enum sut_digest_alg alg, struct sut_digest **ret, struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_(sut_digest_freep) struct sut_digest *d = NULL;
	const EVP_MD *md = algorithm(alg);

	if (!md)
		return sut_err_set(err, EINVAL, "there is no digest algorithm %d", (int)alg);
	d = calloc(1, sizeof(*d));
	if (!d)
		return sut_err_oom(err);
	d->ctx = EVP_MD_CTX_new();
	if (!d->ctx)
		return sut_err_oom(err);
	if (EVP_DigestInit_ex(d->ctx, md, NULL) != 1)
		return sut_ossl_err(err, EIO, "OpenSSL cannot compute a digest");
	*ret = sut_steal(d);
	return 0;
}

int sut_digest_add(struct sut_digest *d, const void *data, size_t len, struct sut_err *err)
{
	SUT_OSSL_SCOPE;

	if (d->finished)
		return sut_err_set(err, EINVAL, "the digest is complete: nothing can be added");
	if (len && EVP_DigestUpdate(d->ctx, data, len) != 1)
		return sut_ossl_err(err, EIO, "OpenSSL cannot compute a digest");
	return 0;
}

int sut_digest_hex(struct sut_digest *d, char ret[static SUT_DIGEST_HEX_MAX], struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	uint8_t raw[EVP_MAX_MD_SIZE];
	unsigned int len = 0;

	if (d->finished)
		return sut_err_set(err, EINVAL, "the digest was taken already");
	d->finished = true;
	if (EVP_DigestFinal_ex(d->ctx, raw, &len) != 1)
		return sut_ossl_err(err, EIO, "OpenSSL cannot compute a digest");
	sut_hex(raw, len, ret);
	return 0;
}

void sut_digest_free(struct sut_digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	free(d);
}

void sut_digest_freep(struct sut_digest **d)
{
	sut_digest_free(*d);
}

int sut_digest_of(enum sut_digest_alg alg, const void *data, size_t len,
		  char ret[static SUT_DIGEST_HEX_MAX], struct sut_err *err)
{
	_cleanup_(sut_digest_freep) struct sut_digest *d = NULL;
	int r = sut_digest_new(alg, &d, err);

	if (r >= 0)
		r = sut_digest_add(d, data, len, err);
	if (r >= 0)
		r = sut_digest_hex(d, ret, err);
	return r;
}
