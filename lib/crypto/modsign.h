/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's own signature at the end of a module: PKCS#7 (RFC 5652, detached,
 * no certificates, no attributes, SHA-256), struct module_signature and a magic
 * string (include/linux/module_signature.h in the kernel source).
 */
#ifndef SUTURE_CRYPTO_MODSIGN_H
#define SUTURE_CRYPTO_MODSIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct sut_modsign_key; /* an RSA or ECDSA P-384 private key and its X.509 certificate */

/* Both in PEM, the key as in crypto/key.h. -EKEYREJECTED for a wrong passphrase,
 * -EINVAL when they do not belong together or the kernel could not use them. */
int sut_modsign_key_load(const char *key_pem, size_t key_len, const char *passphrase,
			 const char *cert_pem, size_t cert_len, struct sut_modsign_key **ret,
			 struct sut_err *err) _must_check_;
void sut_modsign_key_free(struct sut_modsign_key *k);
void sut_modsign_key_freep(struct sut_modsign_key **k);

/* A fresh RSA-3072 key and a self-signed certificate for module signing (extended key usage
 * 1.3.6.1.4.1.2312.16.1.2 as well as codeSigning), valid from now for days. Both in PEM. */
int sut_modsign_key_generate(const char *common_name, int64_t now, unsigned int days,
			     const char *passphrase, struct sut_buf *key_pem,
			     struct sut_buf *cert_pem, struct sut_err *err) _must_check_;

/* Adds to *out the module with its signature. A signature that is there is
 * replaced. */
int sut_modsign_sign(const struct sut_modsign_key *k, const void *module, size_t len,
		     struct sut_buf *out, struct sut_err *err) _must_check_;

/* Where the parts are: module[0, *ret_len) is what is signed, then *ret_sig_len
 * bytes of PKCS#7 in DER. -ENODATA without a signature, -EBADMSG for a
 * malformed trailer. */
int sut_modsign_split(const void *module, size_t len, size_t *ret_len, size_t *ret_sig_len,
		      struct sut_err *err) _must_check_;

/* 0 when the module's signature was made with the key of the certificate (PEM). */
int sut_modsign_verify(const void *module, size_t len, const char *cert_pem, size_t cert_len,
		       struct sut_err *err) _must_check_;

#endif
