/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key pairs and raw signatures, by OpenSSL. Three algorithms, each bound to
 * one scheme: a key never verifies a signature of another algorithm.
 *
 * Private keys in files are PKCS#8 in PEM (RFC 5958, RFC 7468), encrypted with
 * scrypt and AES-256-CBC (RFC 7914, PBES2 of RFC 8018) when there is a
 * passphrase, so `openssl pkey -in FILE` reads them.
 */
#ifndef SUTURE_CRYPTO_KEY_H
#define SUTURE_CRYPTO_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

enum sut_key_type {
	SUT_KEY_ED25519 = 1, /* RFC 8032 */
	SUT_KEY_ECDSA_P256,  /* with SHA-256, DER signatures (FIPS 186-4) */
	SUT_KEY_RSA_PSS, /* with SHA-256, MGF1 and any salt length (RFC 8017); 2048 to 8192 bits */
};

enum {
	SUT_ED25519_LEN = 32, /* raw public key */
	SUT_ED25519_SIG_LEN = 64,
	SUT_SIG_MAX = 1024, /* bytes of any signature */
	SUT_KEY_PEM_MAX = 16 << 10,
	SUT_PASSPHRASE_MAX = 1024, /* bytes */
};

struct sut_pubkey;
struct sut_privkey;

/* -EBADMSG for the few values of small order, which everybody could sign with. */
int sut_pubkey_from_ed25519(const uint8_t raw[static SUT_ED25519_LEN], struct sut_pubkey **ret,
			    struct sut_err *err) _must_check_;

/* One SubjectPublicKeyInfo in PEM, in its canonical form, with nothing but white space around it.
 * -EBADMSG for anything malformed, -EOPNOTSUPP for a key that is none of the three. */
int sut_pubkey_from_pem(const char *pem, size_t len, struct sut_pubkey **ret,
			struct sut_err *err) _must_check_;

enum sut_key_type sut_pubkey_type(const struct sut_pubkey *k);

/* Only for SUT_KEY_ED25519; -EINVAL otherwise. */
int sut_pubkey_ed25519(const struct sut_pubkey *k,
		       uint8_t ret[static SUT_ED25519_LEN]) _must_check_;

/* Adds the SubjectPublicKeyInfo in PEM. */
int sut_pubkey_pem(const struct sut_pubkey *k, struct sut_buf *out,
		   struct sut_err *err) _must_check_;

bool sut_pubkey_equal(const struct sut_pubkey *a, const struct sut_pubkey *b);

/* 0 when sig is a signature of data by k in the one scheme of its type;
 * -EKEYREJECTED when it is not (also when it is malformed or empty); -ENOMEM or
 * -EIO when that could not be found out. */
int sut_pubkey_verify(const struct sut_pubkey *k, const void *data, size_t len, const void *sig,
		      size_t sig_len) _must_check_;

void sut_pubkey_free(struct sut_pubkey *k);
void sut_pubkey_freep(struct sut_pubkey **k);

/* A fresh pair from the system's random numbers; RSA keys get 3072 bits. */
int sut_privkey_new(enum sut_key_type type, struct sut_privkey **ret,
		    struct sut_err *err) _must_check_;
int sut_privkey_public(const struct sut_privkey *k, struct sut_pubkey **ret,
		       struct sut_err *err) _must_check_;

/* Adds the signature of data to *sig. */
int sut_privkey_sign(const struct sut_privkey *k, const void *data, size_t len, struct sut_buf *sig,
		     struct sut_err *err) _must_check_;

/* passphrase NULL: not encrypted. -EINVAL for an empty one or one that is too long. The buffer holds a secret: release it with
 * sut_secret_release(). */
int sut_privkey_encode(const struct sut_privkey *k, const char *passphrase, struct sut_buf *pem,
		       struct sut_err *err) _must_check_;

/* -EKEYREJECTED (reason "passphrase") when an encrypted key does not open with
 * passphrase, or has none (NULL). Never asks a terminal. A key that is not encrypted opens with any.
 * Errors otherwise as sut_pubkey_from_pem(), also for a file that would take minutes to decrypt. */
int sut_privkey_decode(const char *pem, size_t len, const char *passphrase,
		       struct sut_privkey **ret, struct sut_err *err) _must_check_;

void sut_privkey_free(struct sut_privkey *k);
void sut_privkey_freep(struct sut_privkey **k);

#endif
