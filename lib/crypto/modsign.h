/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own signature at the end of a module: PKCS#7 (RFC 5652, detached,
 * no certificates, no attributes, SHA-256), struct module_signature and a magic
 * string (include/linux/module_signature.h in the kernel source).
 *
 * The same as `scripts/sign-file sha256` of the kernel writes, byte for byte. See
 * docs/internals/modsign.md.
 */
#ifndef SUTURE_CRYPTO_MODSIGN_H
#define SUTURE_CRYPTO_MODSIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	SUT_MODSIGN_SIGNER_MAX = 256,	 /* bytes of the text that names a signer */
	SUT_MODSIGN_DAYS_MAX = 36500,	 /* validity of a generated certificate */
	SUT_MODSIGN_PKCS7_MAX = 8192,	 /* bytes of PKCS#7 that are looked into */
	SUT_MODSIGN_CERT_MAX = 64 << 10, /* bytes of a certificate in PEM */
};

/* An RSA private key of 2048, 3072 or 4096 bits and its X.509 certificate. The kernel knows no
 * other sizes (crypto/rsa.c), and distributions' kernels no other algorithm (CRYPTO_ECDSA is off
 * or a module in them). */
struct sut_modsign_key;

/* Both in PEM, the key as in crypto/key.h. Never asks a terminal.
 * -EKEYREJECTED, reason "passphrase": an encrypted key does not open with passphrase, or has none
 * (NULL); -EBADMSG or -EOPNOTSUPP for what is no key or no certificate; -EINVAL when they do not
 * belong together or the kernel could not use them. */
int sut_modsign_key_load(const char *key_pem, size_t key_len, const char *passphrase,
			 const char *cert_pem, size_t cert_len, struct sut_modsign_key **ret,
			 struct sut_err *err) _must_check_;
void sut_modsign_key_free(struct sut_modsign_key *k);
void sut_modsign_key_freep(struct sut_modsign_key **k);

/* A fresh RSA-3072 key and a self-signed certificate for module signing (extended key usage
 * 1.3.6.1.4.1.2312.16.1.2 as well as codeSigning), valid from now (seconds since the epoch) for
 * days. Adds both in PEM; passphrase NULL: the key is not encrypted. key_pem then holds a secret:
 * release it with sut_secret_release(). -EINVAL for a bad name, passphrase, time or number of days. */
int sut_modsign_key_generate(const char *common_name, int64_t now, unsigned int days,
			     const char *passphrase, struct sut_buf *key_pem,
			     struct sut_buf *cert_pem, struct sut_err *err) _must_check_;

/* Adds to *out the module with its signature, which is the same every time (PKCS #1 v1.5). A
 * signature that is there is replaced. -EINVAL for an empty module, -EBADMSG when it ends in a
 * malformed signature. */
int sut_modsign_sign(const struct sut_modsign_key *k, const void *module, size_t len,
		     struct sut_buf *out, struct sut_err *err) _must_check_;

/* Where the parts are: module[0, *ret_len) is what is signed, then *ret_sig_len
 * bytes of PKCS#7 in DER. -ENODATA without a signature, -EBADMSG (reason "module-signature") for
 * a malformed trailer. */
int sut_modsign_split(const void *module, size_t len, size_t *ret_len, size_t *ret_sig_len,
		      struct sut_err *err) _must_check_;

/*
 * 0 when the module's signature was made with the key of the certificate (PEM), and its bytes are
 * exactly those that sut_modsign_sign() or `sign-file sha256`, also with -k, writes: no bit of the
 * file can change unseen.
 *   -ENODATA       there is no signature
 *   -EBADMSG       malformed trailer (reason "module-signature"), or no certificate
 *   -EINVAL        the kernel could not use the key of the certificate
 *   -EKEYREJECTED  another key made it, module or signature was changed, or it has another form
 * Like the kernel it does not look at the dates of the certificate.
 */
int sut_modsign_verify(const void *module, size_t len, const char *cert_pem, size_t cert_len,
		       struct sut_err *err) _must_check_;

/* Whom the signature names, for people: "CN=Example, serial 5917…" or "key id 0cd0…"; printable
 * ASCII, cut when too long. Nothing is verified. Errors of sut_modsign_split(), and -EBADMSG when
 * the PKCS#7 cannot be read. */
int sut_modsign_signer(const void *module, size_t len, char ret[static SUT_MODSIGN_SIGNER_MAX],
		       struct sut_err *err) _must_check_;

#endif
