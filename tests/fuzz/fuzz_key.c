// SPDX-License-Identifier: Apache-2.0
/*
 * crypto/key.h: a letter (p, k, e) and any DER as a public, private or encrypted private key; anything
 * else is the PEM text itself. What is accepted survives being written and read again, and
 * OpenSSL's queue of errors is left empty. There is no passphrase, so an encrypted key is looked
 * at up to the point where it would be decrypted.
 */
#include <string.h>

#include <openssl/err.h>

#include "base/cleanup.h"
#include "crypto/key.h"
#include "crypto/pem.h"
#include "fuzz.h"

static void check_public(const struct sut_pubkey *k)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *again = NULL;
	uint8_t sig[SUT_ED25519_SIG_LEN] = {0};

	FUZZ_ASSERT(sut_pubkey_pem(k, &b, NULL) == 0);
	FUZZ_ASSERT(sut_pubkey_from_pem(sut_buf_str(&b), b.len, &again, NULL) == 0);
	FUZZ_ASSERT(sut_pubkey_equal(k, again));
	FUZZ_ASSERT(sut_pubkey_verify(k, "data", 4, sig, sizeof(sig)) < 0);
}

static void check_private(const struct sut_privkey *k)
{
	_cleanup_secret_ struct sut_buf b = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_SIG_MAX);
	_cleanup_(sut_privkey_freep) struct sut_privkey *again = NULL;
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *p = NULL;

	FUZZ_ASSERT(sut_privkey_public(k, &p, NULL) == 0);
	FUZZ_ASSERT(sut_privkey_encode(k, NULL, &b, NULL) == 0);
	FUZZ_ASSERT(sut_privkey_decode(sut_buf_str(&b), b.len, NULL, &again, NULL) == 0);
	/* A key that was damaged by hand may be unable to sign, but then it says so. */
	if (sut_privkey_sign(k, "data", 4, &sig, NULL) == 0 &&
	    sut_pubkey_type(p) == SUT_KEY_ED25519)
		FUZZ_ASSERT(sut_pubkey_verify(p, "data", 4, sig.data, sig.len) == 0);
}

static void check_text(const char *text, size_t size)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *priv = NULL;
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *pub = NULL;
	struct sut_err err = {0};

	if (sut_pubkey_from_pem(text, size, &pub, &err) == 0)
		check_public(pub);
	else
		FUZZ_ASSERT(!pub && err.code && err.msg[0]);
	err = (struct sut_err){0};
	if (sut_privkey_decode(text, size, NULL, &priv, &err) == 0)
		check_private(priv);
	else
		FUZZ_ASSERT(!priv && err.code && err.msg[0]);
	FUZZ_ASSERT(!ERR_peek_error());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(1 << 20);
	const char *label = size && data[0] == 'p'   ? "PUBLIC KEY"
			    : size && data[0] == 'k' ? "PRIVATE KEY"
			    : size && data[0] == 'e' ? "ENCRYPTED PRIVATE KEY"
						     : NULL;

	if (!label)
		check_text((const char *)data, size);
	else if (sut_pem_encode(label, data + 1, size - 1, &pem, NULL) == 0)
		check_text(sut_buf_str(&pem), pem.len);
	return 0;
}
