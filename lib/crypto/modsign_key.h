/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: what the two halves of crypto/modsign.h share. */
#ifndef SUTURE_CRYPTO_MODSIGN_KEY_H
#define SUTURE_CRYPTO_MODSIGN_KEY_H

#include <openssl/x509.h>

#include "crypto/key.h"
#include "crypto/modsign.h"

struct sut_modsign_key {
	struct sut_privkey *key;
	X509 *cert;
};

/* One certificate in PEM whose key the kernel can use. -EBADMSG, -EINVAL. */
int sut_modsign_cert_parse(const char *pem, size_t len, X509 **ret,
			   struct sut_err *err) _must_check_;

#endif
