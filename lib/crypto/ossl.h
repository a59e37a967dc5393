/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: OpenSSL's objects released at the end of a scope, and its errors. */
#ifndef SUTURE_CRYPTO_OSSL_H
#define SUTURE_CRYPTO_OSSL_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "crypto/key.h"

#define SUT_OSSL_FREEP(type, release)                                                              \
	static inline _unused_ void sut_##type##_freep(type **p)                                   \
	{                                                                                          \
		release(*p);                                                                       \
	}

SUT_OSSL_FREEP(EVP_PKEY, EVP_PKEY_free)
SUT_OSSL_FREEP(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
SUT_OSSL_FREEP(EVP_MD_CTX, EVP_MD_CTX_free)
SUT_OSSL_FREEP(X509, X509_free)
SUT_OSSL_FREEP(X509_PUBKEY, X509_PUBKEY_free)
SUT_OSSL_FREEP(X509_ALGOR, X509_ALGOR_free)
SUT_OSSL_FREEP(X509_SIG, X509_SIG_free)
SUT_OSSL_FREEP(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free)

#define _cleanup_ossl_(type) _cleanup_(sut_##type##_freep)

/*
 * OpenSSL's queue of errors belongs to the thread, so what a failed call leaves there would be
 * found by the next user of OpenSSL, such as libcurl. The first declaration of each function that
 * calls OpenSSL: at the end of the scope the queue is what it was before.
 */
#define SUT_OSSL_SCOPE _cleanup_(sut_ossl_leave) _unused_ int ossl_scope_ = sut_ossl_enter()

int sut_ossl_enter(void);

static inline _unused_ void sut_ossl_leave(int *unused _unused_)
{
	ERR_pop_to_mark();
}

/*
 * Did an allocation of OpenSSL fail since this scope began? OpenSSL often reports that as anything
 * else, even as a bad signature, and what could not be checked is not what was found bad.
 */
bool sut_ossl_starved(void);

/* As sut_err_set(), with OpenSSL's last reason in parentheses when there is one. */
int sut_ossl_err(struct sut_err *err, int code, const char *fmt, ...) _printf_(3, 4);

/* The key as OpenSSL knows it; k keeps it. */
EVP_PKEY *sut_privkey_ossl(const struct sut_privkey *k);

/* len bytes of DER that OpenSSL allocated and that may be secret. */
struct sut_ossl_der {
	unsigned char *data;
	int len;
};

static inline _unused_ void sut_ossl_der_release(struct sut_ossl_der *d)
{
	if (d->data)
		OPENSSL_clear_free(d->data, d->len > 0 ? (size_t)d->len : 0);
}

#endif
