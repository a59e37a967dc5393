// SPDX-License-Identifier: Apache-2.0
#include "crypto/key.h"

#include <errno.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>

#include "crypto/ossl.h"
#include "crypto/pem.h"
#include "crypto/sha256.h"

enum {
	RSA_BITS_MIN = 2048,
	RSA_BITS_MAX = 8192,
	RSA_BITS_NEW = 3072,
	RSA_EXPONENT_BITS_MAX = 64, /* more only makes verifying slow */
	/*
	 * scrypt for new files: 16 MiB. N = 2^15 would need a little more than the 32 MiB that
	 * OpenSSL allows when it opens a file, so the work is raised with p instead.
	 */
	SCRYPT_N = 1 << 14,
	SCRYPT_R = 8,
	SCRYPT_P = 5,
	/* What a file may ask for. OpenSSL limits scrypt's memory, but not p, and so not the time. */
	SCRYPT_WORK_MAX = 1 << 21, /* N * r * p; under a second */
	PBKDF2_ROUNDS_MAX = 2 << 20,
};

#define KEY_TYPES "an Ed25519, an ECDSA P-256 or an RSA key"

struct sut_pubkey {
	enum sut_key_type type;
	EVP_PKEY *pkey;
	uint8_t id[SUT_SHA256_LEN]; /* of its one encoding: two keys are equal when these are */
};

struct sut_privkey {
	enum sut_key_type type;
	EVP_PKEY *pkey;
};

/* The one scheme of each type is bound here: what a file or a signature says about itself is
 * compared with it and never chooses. */
static int type_of(const X509_ALGOR *alg, enum sut_key_type *ret, struct sut_err *err)
{
	const ASN1_OBJECT *oid, *curve;
	const void *param;
	int kind;

	X509_ALGOR_get0(&oid, &kind, &param, alg);
	switch (OBJ_obj2nid(oid)) {
	case NID_ED25519:
		if (kind != V_ASN1_UNDEF)
			return sut_err_set(err, EBADMSG, "an Ed25519 key has no parameters");
		*ret = SUT_KEY_ED25519;
		return 0;
	case NID_X9_62_id_ecPublicKey:
		curve = kind == V_ASN1_OBJECT ? param : NULL;
		if (!curve || OBJ_obj2nid(curve) != NID_X9_62_prime256v1)
			return sut_err_set(
				err, EOPNOTSUPP,
				"the elliptic curve is not P-256, or not given by its name: use " KEY_TYPES);
		*ret = SUT_KEY_ECDSA_P256;
		return 0;
	case NID_rsaEncryption:
		if (kind != V_ASN1_NULL)
			return sut_err_set(err, EBADMSG,
					   "the parameters of the RSA key are not NULL");
		*ret = SUT_KEY_RSA_PSS;
		return 0;
	case NID_rsassaPss:
		return sut_err_set(
			err, EOPNOTSUPP,
			"the key is of the type RSASSA-PSS with parameters of its own: write it as an ordinary RSA key (rsaEncryption), which is used with PSS and SHA-256 only");
	default:
		return sut_err_set(err, EOPNOTSUPP,
				   "the key is of a type that is not used here: use " KEY_TYPES);
	}
}

/* Values that spoil every signature made with the key: their multiple by 8 is the neutral element,
 * so anyone can make signatures that verify. Without the sign bit (RFC 8032 section 5.1.2). */
static const uint8_t small_order[][SUT_ED25519_LEN] = {
	{0},
	{1},
	{0xec, [1 ... 30] = 0xff, 0x7f},
	{0xed, [1 ... 30] = 0xff, 0x7f},
	{0xee, [1 ... 30] = 0xff, 0x7f},
	{0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
	 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
	 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
	{0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
	 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
	 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
};

static int check_ed25519(EVP_PKEY *pkey, struct sut_err *err)
{
	uint8_t raw[SUT_ED25519_LEN];
	size_t len = sizeof(raw);

	if (EVP_PKEY_get_raw_public_key(pkey, raw, &len) != 1 || len != sizeof(raw))
		return sut_ossl_err(err, EBADMSG, "the Ed25519 key has no public half");
	raw[SUT_ED25519_LEN - 1] &= 0x7f;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(small_order); i++)
		if (memcmp(raw, small_order[i], sizeof(raw)) == 0)
			return sut_err_set(
				err, EBADMSG,
				"the Ed25519 key is one of the few that everybody can sign with: make another key");
	return 0;
}

static int check_rsa(EVP_PKEY *pkey, struct sut_err *err)
{
	int bits = EVP_PKEY_get_bits(pkey);
	BIGNUM *n = NULL, *e = NULL;
	bool ok;

	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return sut_err_set(err, EOPNOTSUPP,
				   "the RSA key has %d bits: use one of %d to %d bits", bits,
				   RSA_BITS_MIN, RSA_BITS_MAX);
	if (EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1) {
		BN_free(n);
		return sut_ossl_err(err, EBADMSG, "the RSA key is incomplete");
	}
	ok = BN_is_odd(n) && !BN_is_negative(n) && BN_is_odd(e) && !BN_is_negative(e) &&
	     !BN_is_one(e) && BN_num_bits(e) <= RSA_EXPONENT_BITS_MAX;
	BN_free(n);
	BN_free(e);
	return ok ? 0
		  : sut_err_set(err, EBADMSG, "the RSA key has an impossible modulus or exponent");
}

static int check_pkey(EVP_PKEY *pkey, enum sut_key_type type, struct sut_err *err)
{
	static const int nids[] = {
		[SUT_KEY_ED25519] = EVP_PKEY_ED25519,
		[SUT_KEY_ECDSA_P256] = EVP_PKEY_EC,
		[SUT_KEY_RSA_PSS] = EVP_PKEY_RSA,
	};

	if (EVP_PKEY_get_base_id(pkey) != nids[type])
		return sut_err_set(err, EBADMSG, "the key is not of the type it claims");
	switch (type) {
	case SUT_KEY_ED25519:
		return check_ed25519(pkey, err);
	case SUT_KEY_ECDSA_P256:
		return 0; /* read as a point of the curve, and the curve has no small subgroup */
	case SUT_KEY_RSA_PSS:
		return check_rsa(pkey, err);
	}
	return sut_err_set(err, EINVAL, "there is no key type %d", (int)type);
}

/* Takes over *pkey on success. */
static int pubkey_take(EVP_PKEY **pkey, enum sut_key_type type, struct sut_pubkey **ret,
		       struct sut_err *err)
{
	_cleanup_(sut_ossl_der_release) struct sut_ossl_der der = {0};
	struct sut_pubkey *k;
	int r = check_pkey(*pkey, type, err);

	if (r < 0)
		return sut_ossl_starved() ? sut_err_oom(err) : r;
	der.len = i2d_PUBKEY(*pkey, &der.data);
	if (der.len <= 0)
		return sut_ossl_err(err, EIO, "OpenSSL cannot encode the public key");
	k = calloc(1, sizeof(*k));
	if (!k)
		return sut_err_oom(err);
	k->type = type;
	sut_sha256(der.data, (size_t)der.len, k->id);
	k->pkey = sut_steal(*pkey);
	*ret = k;
	return 0;
}

int sut_pubkey_from_ed25519(const uint8_t raw[static SUT_ED25519_LEN], struct sut_pubkey **ret,
			    struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_ossl_(EVP_PKEY) EVP_PKEY *pkey = NULL;

	pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, SUT_ED25519_LEN);
	if (!pkey)
		return sut_ossl_err(err, EBADMSG, "this is not an Ed25519 public key");
	return pubkey_take(&pkey, SUT_KEY_ED25519, ret, err);
}

/* The key in its one encoding: what OpenSSL would write for it, byte for byte. So there are no two
 * texts for one key, and nothing hides behind or inside the structure. */
static int pubkey_from_der(const uint8_t *der, size_t len, struct sut_pubkey **ret,
			   struct sut_err *err)
{
	_cleanup_ossl_(X509_PUBKEY) X509_PUBKEY *spki = NULL;
	_cleanup_ossl_(EVP_PKEY) EVP_PKEY *pkey = NULL;
	_cleanup_(sut_ossl_der_release) struct sut_ossl_der again = {0};
	const unsigned char *p = der, *point;
	enum sut_key_type type;
	X509_ALGOR *alg = NULL;
	int r, point_len = 0;

	spki = d2i_X509_PUBKEY(NULL, &p, (long)len);
	if (!spki || p != der + len ||
	    X509_PUBKEY_get0_param(NULL, &point, &point_len, &alg, spki) != 1)
		return sut_ossl_err(err, EBADMSG, "this is not a well-formed public key");
	r = type_of(alg, &type, err);
	if (r < 0)
		return r;
	/* The neutral element is one byte. OpenSSL reads it and then says that memory is short. */
	if (type == SUT_KEY_ECDSA_P256 && point_len == 1)
		return sut_err_set(err, EBADMSG, "the ECDSA key is not a point of P-256");
	pkey = X509_PUBKEY_get(spki);
	if (!pkey)
		return sut_ossl_err(err, EBADMSG, "this is not a well-formed public key");
	again.len = i2d_PUBKEY(pkey, &again.data);
	if (again.len < 0)
		return sut_ossl_err(err, EBADMSG, "this is not a well-formed public key");
	if ((size_t)again.len != len || memcmp(again.data, der, len) != 0)
		return sut_err_set(
			err, EBADMSG,
			"the public key is not in its canonical form: write it again with \"openssl pkey -pubin\"");
	return pubkey_take(&pkey, type, ret, err);
}

int sut_pubkey_from_pem(const char *pem, size_t len, struct sut_pubkey **ret, struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_secret_ struct sut_buf der = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	char label[SUT_PEM_LABEL_MAX];
	int r;

	if (len > SUT_KEY_PEM_MAX)
		return sut_err_set(err, EBADMSG, "a key in PEM has at most %d bytes, not %zu",
				   SUT_KEY_PEM_MAX, len);
	r = sut_pem_decode(pem, len, label, &der, err);
	if (r < 0)
		return r;
	if (strcmp(label, "PUBLIC KEY") != 0)
		return sut_err_set(err, EBADMSG, "the PEM text is a %s, not a PUBLIC KEY", label);
	return pubkey_from_der(der.data, der.len, ret, err);
}

enum sut_key_type sut_pubkey_type(const struct sut_pubkey *k)
{
	return k->type;
}

int sut_pubkey_ed25519(const struct sut_pubkey *k, uint8_t ret[static SUT_ED25519_LEN])
{
	SUT_OSSL_SCOPE;
	uint8_t raw[SUT_ED25519_LEN];
	size_t len = sizeof(raw);

	if (k->type != SUT_KEY_ED25519 || EVP_PKEY_get_raw_public_key(k->pkey, raw, &len) != 1)
		return -EINVAL;
	memcpy(ret, raw, sizeof(raw));
	return 0;
}

int sut_pubkey_pem(const struct sut_pubkey *k, struct sut_buf *out, struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_(sut_ossl_der_release) struct sut_ossl_der der = {0};

	der.len = i2d_PUBKEY(k->pkey, &der.data);
	if (der.len <= 0)
		return sut_ossl_err(err, EIO, "OpenSSL cannot encode the public key");
	return sut_pem_encode("PUBLIC KEY", der.data, (size_t)der.len, out, err);
}

bool sut_pubkey_equal(const struct sut_pubkey *a, const struct sut_pubkey *b)
{
	return memcmp(a->id, b->id, sizeof(a->id)) == 0;
}

/* RSA only: PSS with the same hash in both places, and the salt length given. */
static bool set_pss(EVP_PKEY_CTX *ctx, int salt)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, salt) == 1;
}

int sut_pubkey_verify(const struct sut_pubkey *k, const void *data, size_t len, const void *sig,
		      size_t sig_len)
{
	SUT_OSSL_SCOPE;
	_cleanup_ossl_(EVP_MD_CTX) EVP_MD_CTX *ctx = NULL;
	const EVP_MD *md = k->type == SUT_KEY_ED25519 ? NULL : EVP_sha256();
	EVP_PKEY_CTX *pctx = NULL; /* ctx owns it */

	if (!sig_len || sig_len > SUT_SIG_MAX)
		return -EKEYREJECTED;
	/* OpenSSL lets RSA signatures be shorter, as if zeros stood before them. ECDSA signatures
	 * have no fixed length, and OpenSSL takes only their one DER form. */
	if (k->type != SUT_KEY_ECDSA_P256 && sig_len != (size_t)EVP_PKEY_get_size(k->pkey))
		return -EKEYREJECTED;
	ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestVerifyInit(ctx, &pctx, md, NULL, k->pkey) != 1 ||
	    (k->type == SUT_KEY_RSA_PSS && !set_pss(pctx, RSA_PSS_SALTLEN_AUTO)))
		return sut_ossl_starved() ? -ENOMEM : -EIO;
	if (EVP_DigestVerify(ctx, sig, sig_len, len ? data : "", len) == 1)
		return 0;
	return sut_ossl_starved() ? -ENOMEM : -EKEYREJECTED;
}

void sut_pubkey_free(struct sut_pubkey *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

void sut_pubkey_freep(struct sut_pubkey **k)
{
	sut_pubkey_free(*k);
}

EVP_PKEY *sut_privkey_ossl(const struct sut_privkey *k)
{
	return k->pkey;
}

/* Takes over *pkey on success. */
static int privkey_take(EVP_PKEY **pkey, enum sut_key_type type, struct sut_privkey **ret,
			struct sut_err *err)
{
	struct sut_privkey *k;
	int r = check_pkey(*pkey, type, err);

	if (r < 0)
		return r;
	k = calloc(1, sizeof(*k));
	if (!k)
		return sut_err_oom(err);
	k->type = type;
	k->pkey = sut_steal(*pkey);
	*ret = k;
	return 0;
}

int sut_privkey_new(enum sut_key_type type, struct sut_privkey **ret, struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_ossl_(EVP_PKEY) EVP_PKEY *pkey = NULL;

	switch (type) {
	case SUT_KEY_ED25519:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	case SUT_KEY_ECDSA_P256:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
		break;
	case SUT_KEY_RSA_PSS:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS_NEW);
		break;
	default:
		return sut_err_set(err, EINVAL, "there is no key type %d", (int)type);
	}
	if (!pkey)
		return sut_ossl_err(err, EIO, "OpenSSL cannot make a key");
	return privkey_take(&pkey, type, ret, err);
}

int sut_privkey_public(const struct sut_privkey *k, struct sut_pubkey **ret, struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_(sut_ossl_der_release) struct sut_ossl_der der = {0};

	der.len = i2d_PUBKEY(k->pkey, &der.data);
	if (der.len <= 0)
		return sut_ossl_err(err, EIO, "OpenSSL cannot encode the public key");
	return pubkey_from_der(der.data, (size_t)der.len, ret, err);
}

int sut_privkey_sign(const struct sut_privkey *k, const void *data, size_t len, struct sut_buf *sig,
		     struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_ossl_(EVP_MD_CTX) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = k->type == SUT_KEY_ED25519 ? NULL : EVP_sha256();
	EVP_PKEY_CTX *pctx = NULL; /* ctx owns it */
	uint8_t out[SUT_SIG_MAX];
	size_t n = sizeof(out);
	int r;

	if (!ctx)
		return sut_err_oom(err);
	if (EVP_DigestSignInit(ctx, &pctx, md, NULL, k->pkey) != 1 ||
	    (k->type == SUT_KEY_RSA_PSS && !set_pss(pctx, RSA_PSS_SALTLEN_DIGEST)) ||
	    EVP_DigestSign(ctx, out, &n, len ? data : (const void *)"", len) != 1)
		return sut_ossl_err(err, EIO, "OpenSSL cannot sign");
	r = sut_buf_add(sig, out, n);
	return r >= 0	      ? 0
	       : r == -ENOMEM ? sut_err_oom(err)
			      : sut_err_set(err, -r, "no room for a signature of %zu bytes", n);
}

static int encrypt(PKCS8_PRIV_KEY_INFO *info, const char *passphrase, struct sut_ossl_der *ret,
		   struct sut_err *err)
{
	_cleanup_ossl_(X509_ALGOR) X509_ALGOR *alg = NULL;
	_cleanup_ossl_(X509_SIG) X509_SIG *sealed = NULL;
	size_t len = strlen(passphrase);

	if (!len)
		return sut_err_set(
			err, EINVAL,
			"an empty passphrase does not protect a key: give one of at least a few words");
	if (len > SUT_PASSPHRASE_MAX)
		return sut_err_set(err, EINVAL, "the passphrase has more than %d bytes",
				   SUT_PASSPHRASE_MAX);
	alg = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, SCRYPT_N, SCRYPT_R, SCRYPT_P);
	sealed = alg ? PKCS8_set0_pbe(passphrase, (int)len, info, alg) : NULL;
	if (!sealed)
		return sut_ossl_err(err, EIO, "OpenSSL cannot encrypt the key");
	alg = NULL; /* sealed owns it */
	ret->len = i2d_X509_SIG(sealed, &ret->data);
	return ret->len > 0 ? 0 : sut_ossl_err(err, EIO, "OpenSSL cannot encode the key");
}

int sut_privkey_encode(const struct sut_privkey *k, const char *passphrase, struct sut_buf *pem,
		       struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_ossl_(PKCS8_PRIV_KEY_INFO) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->pkey);
	_cleanup_(sut_ossl_der_release) struct sut_ossl_der der = {0};
	int r;

	if (!info)
		return sut_ossl_err(err, EIO, "OpenSSL cannot encode the key");
	if (passphrase) {
		r = encrypt(info, passphrase, &der, err);
		if (r < 0)
			return r;
		return sut_pem_encode("ENCRYPTED PRIVATE KEY", der.data, (size_t)der.len, pem, err);
	}
	der.len = i2d_PKCS8_PRIV_KEY_INFO(info, &der.data);
	if (der.len <= 0)
		return sut_ossl_err(err, EIO, "OpenSSL cannot encode the key");
	return sut_pem_encode("PRIVATE KEY", der.data, (size_t)der.len, pem, err);
}

static bool small(const ASN1_INTEGER *i, uint64_t max, uint64_t *ret)
{
	return i && ASN1_INTEGER_get_uint64(ret, i) == 1 && *ret >= 1 && *ret <= max;
}

/* A file that was tampered with must not keep us busy for hours. Unknown forms are refused. */
static int check_cost(const X509_ALGOR *alg, struct sut_err *err)
{
	PBE2PARAM *pbe2 = NULL;
	SCRYPT_PARAMS *s = NULL;
	PBKDF2PARAM *k = NULL;
	uint64_t n, r, p;
	bool known = false, cheap = false;

	if (OBJ_obj2nid(alg->algorithm) == NID_pbes2)
		pbe2 = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), alg->parameter);
	if (pbe2) {
		const X509_ALGOR *kdf = pbe2->keyfunc;

		switch (OBJ_obj2nid(kdf->algorithm)) {
		case NID_id_scrypt:
			s = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS),
						      kdf->parameter);
			known = s;
			cheap = s && small(s->costParameter, SCRYPT_WORK_MAX, &n) &&
				small(s->blockSize, SCRYPT_WORK_MAX / n, &r) &&
				small(s->parallelizationParameter, SCRYPT_WORK_MAX / (n * r), &p);
			SCRYPT_PARAMS_free(s);
			break;
		case NID_id_pbkdf2:
			k = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), kdf->parameter);
			known = k;
			cheap = k && small(k->iter, PBKDF2_ROUNDS_MAX, &n);
			PBKDF2PARAM_free(k);
			break;
		}
		PBE2PARAM_free(pbe2);
	}
	if (!known)
		return sut_err_set(
			err, EOPNOTSUPP,
			"the private key is not encrypted in a way that is known here: write it again with \"openssl pkcs8 -topk8 -scrypt\"");
	if (!cheap)
		return sut_err_set(
			err, EBADMSG,
			"the private key asks for too much work to be decrypted: it is damaged, or write it again with \"openssl pkcs8 -topk8 -scrypt\"");
	return 0;
}

static int decrypt(const uint8_t *der, size_t len, const char *passphrase,
		   PKCS8_PRIV_KEY_INFO **ret, struct sut_err *err)
{
	_cleanup_ossl_(X509_SIG) X509_SIG *sealed = NULL;
	const unsigned char *p = der;
	const X509_ALGOR *alg;
	int r;

	sealed = d2i_X509_SIG(NULL, &p, (long)len);
	if (!sealed || p != der + len)
		return sut_ossl_err(err, EBADMSG,
				    "this is not a well-formed encrypted private key");
	X509_SIG_get0(sealed, &alg, NULL);
	r = check_cost(alg, err);
	if (r < 0)
		return r;
	if (!passphrase)
		return sut_err_reason(err, EKEYREJECTED, "passphrase",
				      "the private key is encrypted: give its passphrase");
	if (strlen(passphrase) > SUT_PASSPHRASE_MAX)
		return sut_err_reason(err, EKEYREJECTED, "passphrase",
				      "the passphrase has more than %d bytes", SUT_PASSPHRASE_MAX);
	*ret = PKCS8_decrypt(sealed, passphrase, (int)strlen(passphrase));
	if (!*ret && sut_ossl_starved())
		return sut_err_oom(err);
	if (!*ret)
		return sut_err_reason(
			err, EKEYREJECTED, "passphrase",
			"the passphrase does not open the private key: it is wrong, or the file is damaged");
	return 0;
}

/* Do the two halves belong together? A damaged file would give signatures that nobody accepts, or
 * that give the key away. The public half of Ed25519 is not in the file. */
static int check_pair(EVP_PKEY *pkey, enum sut_key_type type, struct sut_err *err)
{
	_cleanup_ossl_(EVP_PKEY_CTX) EVP_PKEY_CTX *ctx = NULL;

	if (type == SUT_KEY_ED25519)
		return 0;
	ctx = EVP_PKEY_CTX_new(pkey, NULL);
	if (!ctx)
		return sut_err_oom(err);
	if (EVP_PKEY_pairwise_check(ctx) != 1)
		return sut_ossl_err(
			err, EBADMSG,
			"the parts of the private key do not belong together: it is damaged");
	return 0;
}

static int privkey_from_info(const PKCS8_PRIV_KEY_INFO *info, struct sut_privkey **ret,
			     struct sut_err *err)
{
	_cleanup_(sut_privkey_freep) struct sut_privkey *k = NULL;
	_cleanup_ossl_(EVP_PKEY) EVP_PKEY *pkey = NULL;
	const X509_ALGOR *alg = NULL;
	enum sut_key_type type;
	int r;

	if (PKCS8_pkey_get0(NULL, NULL, NULL, &alg, info) != 1 || !alg)
		return sut_ossl_err(err, EBADMSG, "this is not a well-formed private key");
	r = type_of(alg, &type, err);
	if (r < 0)
		return r;
	pkey = EVP_PKCS82PKEY(info);
	if (!pkey)
		return sut_ossl_err(err, EBADMSG, "this is not a well-formed private key");
	r = privkey_take(&pkey, type, &k, err);
	if (r >= 0)
		r = check_pair(k->pkey, type, err);
	if (r < 0)
		return r;
	*ret = sut_steal(k);
	return 0;
}

int sut_privkey_decode(const char *pem, size_t len, const char *passphrase,
		       struct sut_privkey **ret, struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_ossl_(PKCS8_PRIV_KEY_INFO) PKCS8_PRIV_KEY_INFO *info = NULL;
	_cleanup_secret_ struct sut_buf der = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	char label[SUT_PEM_LABEL_MAX];
	const unsigned char *p;
	int r;

	if (len > SUT_KEY_PEM_MAX)
		return sut_err_set(err, EBADMSG, "a key in PEM has at most %d bytes, not %zu",
				   SUT_KEY_PEM_MAX, len);
	r = sut_pem_decode(pem, len, label, &der, err);
	if (r < 0)
		return r;
	if (strcmp(label, "ENCRYPTED PRIVATE KEY") == 0) {
		r = decrypt(der.data, der.len, passphrase, &info, err);
		if (r < 0)
			return r;
	} else if (strcmp(label, "PRIVATE KEY") == 0) {
		p = der.data;
		info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.len);
		if (!info || p != der.data + der.len)
			return sut_ossl_err(err, EBADMSG, "this is not a well-formed private key");
	} else {
		return sut_err_set(
			err, EBADMSG,
			"the PEM text is a %s, not a private key in PKCS#8: convert it with \"openssl pkcs8 -topk8 -scrypt\"",
			label);
	}
	return privkey_from_info(info, ret, err);
}

void sut_privkey_free(struct sut_privkey *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey); /* overwrites what is secret */
	free(k);
}

void sut_privkey_freep(struct sut_privkey **k)
{
	sut_privkey_free(*k);
}
