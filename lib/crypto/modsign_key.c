// SPDX-License-Identifier: Apache-2.0
/* crypto/modsign.h: the key that signs modules, and its certificate. */
#include "crypto/modsign_key.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "crypto/ossl.h"
#include "crypto/pem.h"

enum {
	SERIAL_BITS = 127,
	NAME_MAX_BYTES = 64, /* ub-common-name, RFC 5280, A.1 */
};

/* The year 9000: with the longest validity a date still has four digits for its year. */
static const int64_t time_max = 221845392000;

/* Module signing as the distributions have it: shim starts no program that is signed by such a
 * key, so the key can do no more than it must. */
#define MODULE_SIGNING_OID "1.3.6.1.4.1.2312.16.1.2"

void sut_modsign_key_free(struct sut_modsign_key *k)
{
	if (!k)
		return;
	sut_privkey_free(k->key);
	X509_free(k->cert);
	free(k);
}

void sut_modsign_key_freep(struct sut_modsign_key **k)
{
	sut_modsign_key_free(*k);
}

/* crypto/rsa.c of the kernel, rsa_check_key_length(). */
static int check_key(const EVP_PKEY *k, struct sut_err *err)
{
	int bits;

	if (!k || EVP_PKEY_get_base_id(k) != EVP_PKEY_RSA)
		return sut_err_reason(
			err, EINVAL, "module-key",
			"modules must be signed with an RSA key: the kernels of distributions cannot "
			"check ECDSA, and no kernel knows Ed25519. Make a key with RSA and 3072 bits");
	bits = EVP_PKEY_get_bits(k);
	if (bits != 2048 && bits != 3072 && bits != 4096)
		return sut_err_reason(
			err, EINVAL, "module-key",
			"the RSA key has %d bits, and for modules only 2048, 3072 and "
			"4096 will do. Make a key with 3072 bits",
			bits);
	return 0;
}

int sut_modsign_cert_parse(const char *pem, size_t len, X509 **ret, struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_buf_ struct sut_buf der = SUT_BUF_INIT(SUT_MODSIGN_CERT_MAX);
	_cleanup_ossl_(X509) X509 *x = NULL;
	char label[SUT_PEM_LABEL_MAX];
	const unsigned char *p;
	int r;

	if (len > SUT_MODSIGN_CERT_MAX)
		return sut_err_reason(err, EBADMSG, "certificate",
				      "a certificate in PEM has at most %d bytes, not %zu",
				      SUT_MODSIGN_CERT_MAX, len);
	r = sut_pem_decode(pem, len, label, &der, err);
	if (r < 0)
		return r == -ENOMEM ? r : (sut_err_prefix(err, "the certificate"), r);
	if (strcmp(label, "CERTIFICATE") != 0)
		return sut_err_reason(err, EBADMSG, "certificate",
				      "the PEM text is a %s, not a CERTIFICATE", label);
	p = der.data;
	x = d2i_X509(NULL, &p, (long)der.len);
	if (!x || p != der.data + der.len)
		return sut_ossl_err(err, EBADMSG, "this is not a well-formed X.509 certificate");
	r = check_key(X509_get0_pubkey(x), err);
	if (r < 0)
		return r;
	*ret = sut_steal(x);
	return 0;
}

int sut_modsign_key_load(const char *key_pem, size_t key_len, const char *passphrase,
			 const char *cert_pem, size_t cert_len, struct sut_modsign_key **ret,
			 struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_(sut_modsign_key_freep) struct sut_modsign_key *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return sut_err_oom(err);
	r = sut_modsign_cert_parse(cert_pem, cert_len, &k->cert, err);
	if (r == 0)
		r = sut_privkey_decode(key_pem, key_len, passphrase, &k->key, err);
	if (r == 0)
		r = check_key(sut_privkey_ossl(k->key), err);
	if (r < 0)
		return r;
	if (X509_check_private_key(k->cert, sut_privkey_ossl(k->key)) != 1)
		return sut_err_reason(err, EINVAL, "module-key",
				      "the private key and the certificate do not belong together. "
				      "Give the certificate that was made for this key");
	*ret = sut_steal(k);
	return 0;
}

/* ------------------------------------------------------------------ */

static bool add_extension(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	bool ok = e && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return ok;
}

/* In this order: the authority's key id is copied from the subject's. */
static bool add_extensions(X509 *x)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	return add_extension(x, &ctx, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(x, &ctx, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(x, &ctx, NID_ext_key_usage, "codeSigning," MODULE_SIGNING_OID) &&
	       add_extension(x, &ctx, NID_subject_key_identifier, "hash") &&
	       add_extension(x, &ctx, NID_authority_key_identifier, "keyid");
}

static bool set_serial(X509 *x)
{
	BIGNUM *n = BN_new();
	bool ok = n && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
		  BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));

	BN_free(n);
	return ok;
}

static bool set_name(X509 *x, const char *common_name)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
					  (const unsigned char *)common_name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1;
}

static X509 *certify(EVP_PKEY *pkey, const char *common_name, int64_t now, unsigned int days)
{
	_cleanup_ossl_(X509) X509 *x = X509_new();

	if (!x || X509_set_version(x, X509_VERSION_3) != 1 || !set_serial(x) ||
	    !set_name(x, common_name) || !ASN1_TIME_adj(X509_getm_notBefore(x), now, 0, 0) ||
	    !ASN1_TIME_adj(X509_getm_notAfter(x), now, (int)days, 0) ||
	    X509_set_pubkey(x, pkey) != 1 || !add_extensions(x) ||
	    X509_sign(x, pkey, EVP_sha256()) <= 0)
		return NULL;
	return sut_steal(x);
}

static int check_wishes(const char *common_name, int64_t now, unsigned int days,
			struct sut_err *err)
{
	size_t name = strlen(common_name);

	if (name == 0 || name > NAME_MAX_BYTES)
		return sut_err_set(err, EINVAL, "the name of the key must have 1 to %d bytes",
				   NAME_MAX_BYTES);
	if (days == 0 || days > SUT_MODSIGN_DAYS_MAX)
		return sut_err_set(err, EINVAL, "a certificate is valid for 1 to %d days",
				   SUT_MODSIGN_DAYS_MAX);
	if (now < 0 || now > time_max)
		return sut_err_set(err, EINVAL, "the time is out of range. Set the clock");
	return 0;
}

/* Takes back what was added, which may be secret. */
static void take_back(struct sut_buf *b, size_t len)
{
	if (b->len > len)
		OPENSSL_cleanse(b->data + len, b->len - len);
	b->len = len;
}

int sut_modsign_key_generate(const char *common_name, int64_t now, unsigned int days,
			     const char *passphrase, struct sut_buf *key_pem,
			     struct sut_buf *cert_pem, struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	_cleanup_(sut_ossl_der_release) struct sut_ossl_der der = {0};
	_cleanup_ossl_(X509) X509 *x = NULL;
	size_t before = key_pem->len;
	int r = check_wishes(common_name, now, days, err);

	if (r < 0)
		return r;
	/* An ordinary RSA key (rsaEncryption); that it signs with PSS is up to its user. */
	r = sut_privkey_new(SUT_KEY_RSA_PSS, &k, err);
	if (r < 0)
		return r;
	x = certify(sut_privkey_ossl(k), common_name, now, days);
	if (x)
		der.len = i2d_X509(x, &der.data);
	if (!x || der.len <= 0)
		return sut_ossl_err(err, EINVAL,
				    "cannot make the certificate. Check that the name is UTF-8");
	r = sut_privkey_encode(k, passphrase, key_pem, err);
	if (r < 0)
		return r;
	r = sut_pem_encode("CERTIFICATE", der.data, (size_t)der.len, cert_pem, err);
	if (r < 0)
		take_back(key_pem, before);
	return r;
}
