// SPDX-License-Identifier: Apache-2.0
/* crypto/modsign.h: the signature at the end of a module. */
#include "crypto/modsign.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/cms.h>
#include <string.h>

#include "crypto/modsign_key.h"
#include "crypto/ossl.h"

static const char magic[] = "~Module signature appended~\n";

enum { MAGIC_LEN = sizeof(magic) - 1, ID_PKCS7 = 2, RSA_MAX = 512 };

/* struct module_signature of the kernel. */
struct trailer {
	uint8_t algo, hash, id_type, signer_len, key_id_len, pad[3];
	uint32_t sig_len; /* big-endian */
};

_Static_assert(sizeof(struct trailer) == 12, "no padding");

static int malformed(struct sut_err *err, const char *what)
{
	return sut_err_reason(err, EBADMSG, "module-signature",
			      "the signature of the module is malformed: %s. Get the module again",
			      what);
}

/* ------------------------------------------------------------------ */
/* Where the signature is.                                             */

/* One DER element that is len bytes long, and its length in the shortest form (X.690, 10.1). */
static bool is_sequence(const uint8_t *p, size_t len)
{
	if (len < 2 || p[0] != 0x30)
		return false;
	if (p[1] < 0x80)
		return len == 2U + p[1];
	if (p[1] == 0x81)
		return len >= 3 && p[2] >= 0x80 && len == 3U + p[2];
	return p[1] == 0x82 && len >= 4 && p[2] != 0 && len == 4U + (p[2] << 8 | p[3]);
}

int sut_modsign_split(const void *module, size_t len, size_t *ret_len, size_t *ret_sig_len,
		      struct sut_err *err)
{
	const uint8_t *p = module;
	struct trailer t, want = {.id_type = ID_PKCS7};
	size_t rest, sig_len;

	if (len < MAGIC_LEN || memcmp(p + len - MAGIC_LEN, magic, MAGIC_LEN) != 0)
		return sut_err_reason(err, ENODATA, "module-unsigned",
				      "the module is not signed. Sign it first");
	rest = len - MAGIC_LEN;
	if (rest <= sizeof(t))
		return malformed(err, "the file is too short");
	rest -= sizeof(t);
	memcpy(&t, p + rest, sizeof(t));
	want.sig_len = t.sig_len;
	if (memcmp(&t, &want, sizeof(t)) != 0)
		return malformed(err, "it is not of the kind PKCS#7");
	sig_len = ntohl(t.sig_len);
	if (sig_len >= rest)
		return malformed(err, "it is longer than the file");
	rest -= sig_len;
	if (!is_sequence(p + rest, sig_len))
		return malformed(err, "its length is not that of the PKCS#7 in it");
	*ret_len = rest;
	*ret_sig_len = sig_len;
	return 0;
}

/* ------------------------------------------------------------------ */
/* The PKCS#7. There is one way to write it for a given certificate and RSA signature, so it is
 * checked by writing it again: nothing of an attacker's is ever parsed. */

enum {
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT_0 = 0x80,		  /* [0] IMPLICIT, primitive */
	DER_CONTEXT_0_CONSTRUCTED = 0xa0, /* [0] EXPLICIT */
};

static const uint8_t oid_signed_data[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
					  0xf7, 0x0d, 0x01, 0x07, 0x02};
/* SEQUENCE { OID data }: the content is detached. */
static const uint8_t no_content[] = {0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
				     0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01};
/* AlgorithmIdentifiers: SHA-256 without parameters (RFC 5754, 2), rsaEncryption with NULL
 * (RFC 3370, 3.2). */
static const uint8_t alg_sha256[] = {0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
				     0x01, 0x65, 0x03, 0x04, 0x02, 0x01};
static const uint8_t alg_rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				  0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

/* An element around content. */
static int der_add(struct sut_buf *b, uint8_t tag, const void *content, size_t len)
{
	uint8_t head[4] = {tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len};
	size_t n = 4;
	int r;

	if (len > UINT16_MAX)
		return -ENOBUFS;
	if (len < 0x100) {
		head[1] = 0x81;
		head[2] = (uint8_t)len;
		n = 3;
	}
	if (len < 0x80) {
		head[1] = (uint8_t)len;
		n = 2;
	}
	r = sut_buf_add(b, head, n);
	return r < 0 ? r : sut_buf_add(b, content, len);
}

static int der_add_buf(struct sut_buf *b, uint8_t tag, const struct sut_buf *content)
{
	return der_add(b, tag, content->data, content->len);
}

static int der_add_version(struct sut_buf *b, uint8_t version)
{
	return der_add(b, DER_INTEGER, &version, 1);
}

enum signer_id { ID_ISSUER_SERIAL, ID_KEY };

/* RFC 5652, 5.3: SignerIdentifier. -ENOENT: the certificate has no key id. */
static int add_signer_id(const X509 *cert, enum signer_id id, struct sut_buf *out)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MODSIGN_PKCS7_MAX);
	const ASN1_OCTET_STRING *key_id;
	unsigned char *name = NULL, *serial = NULL;
	int nlen, slen, r = -ENOMEM;

	if (id == ID_KEY) {
		key_id = X509_get0_subject_key_id((X509 *)cert);
		if (!key_id)
			return -ENOENT;
		return der_add(out, DER_CONTEXT_0, ASN1_STRING_get0_data(key_id),
			       (size_t)ASN1_STRING_length(key_id));
	}
	nlen = i2d_X509_NAME(X509_get_issuer_name(cert), &name);
	slen = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &serial);
	if (nlen > 0 && slen > 0 && (r = sut_buf_add(&b, name, (size_t)nlen)) == 0 &&
	    (r = sut_buf_add(&b, serial, (size_t)slen)) == 0)
		r = der_add_buf(out, DER_SEQUENCE, &b);
	OPENSSL_free(name);
	OPENSSL_free(serial);
	return r;
}

/* RFC 5652, 5.3: SignerInfo. */
static int add_signer_info(const X509 *cert, enum signer_id id, const uint8_t *sig, size_t len,
			   struct sut_buf *out)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MODSIGN_PKCS7_MAX);
	int r = der_add_version(&b, id == ID_KEY ? 3 : 1);

	if (r < 0 || (r = add_signer_id(cert, id, &b)) < 0 ||
	    (r = sut_buf_add(&b, alg_sha256, sizeof(alg_sha256))) < 0 ||
	    (r = sut_buf_add(&b, alg_rsa, sizeof(alg_rsa))) < 0 ||
	    (r = der_add(&b, DER_OCTETS, sig, len)) < 0)
		return r;
	return der_add_buf(out, DER_SEQUENCE, &b);
}

/* RFC 5652, 3 and 5.1: ContentInfo with SignedData. */
static int add_pkcs7(const X509 *cert, enum signer_id id, const uint8_t *sig, size_t len,
		     struct sut_buf *out)
{
	_cleanup_buf_ struct sut_buf signer = SUT_BUF_INIT(SUT_MODSIGN_PKCS7_MAX),
				     data = SUT_BUF_INIT(SUT_MODSIGN_PKCS7_MAX),
				     outer = SUT_BUF_INIT(SUT_MODSIGN_PKCS7_MAX),
				     info = SUT_BUF_INIT(SUT_MODSIGN_PKCS7_MAX);
	int r = add_signer_info(cert, id, sig, len, &signer);

	if (r < 0 || (r = der_add_version(&data, id == ID_KEY ? 3 : 1)) < 0 ||
	    (r = der_add(&data, DER_SET, alg_sha256, sizeof(alg_sha256))) < 0 ||
	    (r = sut_buf_add(&data, no_content, sizeof(no_content))) < 0 ||
	    (r = der_add_buf(&data, DER_SET, &signer)) < 0 ||
	    (r = der_add_buf(&outer, DER_SEQUENCE, &data)) < 0 ||
	    (r = sut_buf_add(&info, oid_signed_data, sizeof(oid_signed_data))) < 0 ||
	    (r = der_add_buf(&info, DER_CONTEXT_0_CONSTRUCTED, &outer)) < 0)
		return r;
	return der_add_buf(out, DER_SEQUENCE, &info);
}

/* ------------------------------------------------------------------ */

static int make_signature(const struct sut_modsign_key *k, const uint8_t *p, size_t len,
			  struct sut_buf *pkcs7, struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_ossl_(EVP_MD_CTX) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[RSA_MAX];
	size_t n = sizeof(sig);
	int r;

	/* PKCS #1 v1.5 is what EVP does with RSA when nothing else is said. */
	if (!ctx ||
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, sut_privkey_ossl(k->key)) != 1 ||
	    EVP_DigestSign(ctx, sig, &n, p, len) != 1)
		return sut_ossl_err(err, EIO, "OpenSSL cannot sign the module");
	r = add_pkcs7(k->cert, ID_ISSUER_SERIAL, sig, n, pkcs7);
	if (r == -ENOBUFS)
		return sut_err_reason(err, EINVAL, "module-key",
				      "the certificate's issuer has too long a name for a module "
				      "signature. Use a certificate with a shorter one");
	return r < 0 ? sut_err_oom(err) : 0;
}

int sut_modsign_sign(const struct sut_modsign_key *k, const void *module, size_t len,
		     struct sut_buf *out, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf pkcs7 = SUT_BUF_INIT(SUT_MODSIGN_PKCS7_MAX);
	struct trailer t = {.id_type = ID_PKCS7};
	size_t sig_len, before = out->len;
	int r;

	/* Also several signatures one behind the other: the kernel takes off only the last. */
	while ((r = sut_modsign_split(module, len, &len, &sig_len, err)) == 0)
		;
	if (r != -ENODATA)
		return r;
	if (len == 0)
		return sut_err_set(err, EINVAL, "the module is empty. Name a .ko file");
	r = make_signature(k, module, len, &pkcs7, err);
	if (r < 0)
		return r;
	t.sig_len = htonl((uint32_t)pkcs7.len);
	r = sut_buf_reserve(out, len + pkcs7.len + sizeof(t) + MAGIC_LEN);
	if (r < 0 || (r = sut_buf_add(out, module, len)) < 0 ||
	    (r = sut_buf_add(out, pkcs7.data, pkcs7.len)) < 0 ||
	    (r = sut_buf_add(out, &t, sizeof(t))) < 0 ||
	    (r = sut_buf_add(out, magic, MAGIC_LEN)) < 0) {
		out->len = before;
		return r == -ENOBUFS ? sut_err_set(err, EFBIG, "the signed module is too large")
				     : sut_err_oom(err);
	}
	return 0;
}

static int rejected(struct sut_err *err)
{
	return sut_err_reason(err, EKEYREJECTED, "module-signature",
			      "the signature of the module was not made with the key of this "
			      "certificate, or not in the form of sign-file with SHA-256, or the "
			      "module was changed afterwards. Check the certificate, or get the "
			      "module again");
}

/* Is this how the signature in it is written? 1, 0 or an error. */
static int is_canonical(const X509 *cert, enum signer_id id, const uint8_t *pkcs7, size_t len,
			size_t rsa_len)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MODSIGN_PKCS7_MAX);
	int r = add_pkcs7(cert, id, pkcs7 + len - rsa_len, rsa_len, &b);

	if (r == -ENOENT || r == -ENOBUFS)
		return 0;
	return r < 0 ? r : b.len == len && memcmp(b.data, pkcs7, len) == 0;
}

int sut_modsign_verify(const void *module, size_t len, const char *cert_pem, size_t cert_len,
		       struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_ossl_(X509) X509 *cert = NULL;
	_cleanup_ossl_(EVP_MD_CTX) EVP_MD_CTX *ctx = NULL;
	const uint8_t *pkcs7;
	size_t signed_len = 0, sig_len = 0, rsa_len;
	EVP_PKEY *key;
	int r = sut_modsign_split(module, len, &signed_len, &sig_len, err);

	if (r < 0 || (r = sut_modsign_cert_parse(cert_pem, cert_len, &cert, err)) < 0)
		return r;
	key = X509_get0_pubkey(cert);
	rsa_len = (size_t)EVP_PKEY_get_size(key);
	pkcs7 = (const uint8_t *)module + signed_len;
	if (sig_len < rsa_len)
		return rejected(err);
	r = is_canonical(cert, ID_ISSUER_SERIAL, pkcs7, sig_len, rsa_len);
	if (r == 0)
		r = is_canonical(cert, ID_KEY, pkcs7, sig_len, rsa_len);
	if (r < 0)
		return sut_err_oom(err);
	if (r == 0)
		return rejected(err);
	ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) != 1)
		return sut_err_oom(err);
	r = EVP_DigestVerify(ctx, pkcs7 + sig_len - rsa_len, rsa_len, module, signed_len);
	return r == 1 ? 0 : rejected(err);
}

/* ------------------------------------------------------------------ */
/* Whom it names. This one does parse, with OpenSSL.                   */

static int name_text(const X509_NAME *issuer, const ASN1_INTEGER *serial, struct sut_buf *out)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *text = NULL;
	int r = -ENOMEM;
	long n;

	/* RFC 2253 escapes control characters and all that is not ASCII. */
	if (b && X509_NAME_print_ex(b, issuer, 0, XN_FLAG_RFC2253) >= 0 &&
	    BIO_puts(b, ", serial ") > 0 && i2a_ASN1_INTEGER(b, serial) > 0) {
		n = BIO_get_mem_data(b, &text);
		r = n > 0 ? sut_buf_add(out, text, (size_t)n) : -ENOMEM;
	}
	BIO_free(b);
	return r;
}

static int key_id_text(const ASN1_OCTET_STRING *id, struct sut_buf *out)
{
	const uint8_t *p = ASN1_STRING_get0_data(id);
	int r = sut_buf_addstr(out, "key id ");

	for (int i = 0; r == 0 && i < ASN1_STRING_length(id); i++)
		r = sut_buf_addf(out, "%02x", p[i]);
	return r;
}

static int signer_text(CMS_ContentInfo *cms, struct sut_buf *out)
{
	STACK_OF(CMS_SignerInfo) *list = CMS_get0_SignerInfos(cms);
	ASN1_OCTET_STRING *key_id = NULL;
	ASN1_INTEGER *serial = NULL;
	X509_NAME *issuer = NULL;

	if (!list || sk_CMS_SignerInfo_num(list) != 1 ||
	    CMS_SignerInfo_get0_signer_id(sk_CMS_SignerInfo_value(list, 0), &key_id, &issuer,
					  &serial) != 1)
		return -EBADMSG;
	return key_id ? key_id_text(key_id, out) : name_text(issuer, serial, out);
}

/* A long text ends in dots; anything that could disturb a terminal becomes a question mark. */
static void copy_printable(const char *text, char ret[static SUT_MODSIGN_SIGNER_MAX])
{
	size_t n = strlen(text);

	snprintf(ret, SUT_MODSIGN_SIGNER_MAX, "%.*s%s", SUT_MODSIGN_SIGNER_MAX - 4, text,
		 n > SUT_MODSIGN_SIGNER_MAX - 4 ? "..." : "");
	for (char *p = ret; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
}

int sut_modsign_signer(const void *module, size_t len, char ret[static SUT_MODSIGN_SIGNER_MAX],
		       struct sut_err *err)
{
	SUT_OSSL_SCOPE;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT((size_t)16 * SUT_MODSIGN_PKCS7_MAX);
	size_t signed_len = 0, sig_len = 0;
	CMS_ContentInfo *cms = NULL;
	const unsigned char *p;
	int r = sut_modsign_split(module, len, &signed_len, &sig_len, err);

	if (r < 0)
		return r;
	p = (const unsigned char *)module + signed_len;
	if (sig_len <= SUT_MODSIGN_PKCS7_MAX)
		cms = d2i_CMS_ContentInfo(NULL, &p, (long)sig_len);
	r = cms ? signer_text(cms, &text) : -EBADMSG;
	CMS_ContentInfo_free(cms);
	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r < 0)
		return malformed(err, "its PKCS#7 cannot be read");
	copy_printable(sut_buf_str(&text), ret);
	return 0;
}
