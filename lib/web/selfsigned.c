// SPDX-License-Identifier: Apache-2.0
#include "web/selfsigned.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/file.h"

enum { SERIAL_BITS = 127, NAME_MAX_LEN = 253 };

static void keyp(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static void certp(X509 **c)
{
	X509_free(*c);
}

static void biop(BIO **b)
{
	BIO_free_all(*b);
}

static void namesp(GENERAL_NAMES **n)
{
	GENERAL_NAMES_free(*n);
}

/* A host name: letters, digits, '-' and '.', perhaps "*." before it. */
static bool is_host(const char *s)
{
	const char *rest = sut_startswith(s, "*.") ? s + 2 : s;

	return *rest && *rest != '.' && *rest != '-' && strlen(s) <= NAME_MAX_LEN &&
	       !rest[strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789.-")];
}

static int add_name(GENERAL_NAMES *to, const char *s, struct sut_err *err)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(s);
	GENERAL_NAME *name;

	if (!ip && !is_host(s))
		return sut_err_set(err, EINVAL, "'%s' is neither a host name nor a numeric address",
				   s);
	name = GENERAL_NAME_new();
	if (!name) {
		ASN1_OCTET_STRING_free(ip);
		return sut_err_oom(err);
	}
	if (ip) {
		GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
	} else {
		ASN1_IA5STRING *dns = ASN1_IA5STRING_new();

		if (!dns || !ASN1_STRING_set(dns, s, -1)) {
			ASN1_IA5STRING_free(dns);
			GENERAL_NAME_free(name);
			return sut_err_oom(err);
		}
		GENERAL_NAME_set0_value(name, GEN_DNS, dns);
	}
	if (!sk_GENERAL_NAME_push(to, name)) {
		GENERAL_NAME_free(name);
		return sut_err_oom(err);
	}
	return 0;
}

static bool add_extension(X509 *c, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = e && X509_add_ext(c, e, -1);

	X509_EXTENSION_free(e);
	return ok;
}

/* A serial number that nobody has guessed or used. */
static bool set_serial(X509 *c)
{
	BIGNUM *n = BN_new();
	bool ok = n && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		  BN_to_ASN1_INTEGER(n, X509_get_serialNumber(c));

	BN_free(n);
	return ok;
}

static int make(EVP_PKEY *key, const struct sut_strv *names, X509 **ret, struct sut_err *err)
{
	_cleanup_(certp) X509 *c = X509_new();
	_cleanup_(namesp) GENERAL_NAMES *alt = GENERAL_NAMES_new();
	X509_NAME *subject = c ? X509_get_subject_name(c) : NULL;
	/* Its first 64 characters: what a common name may have. Clients look at the other names. */
	int cn = (int)strnlen(names->v[0], 64), r = 0;

	for (size_t i = 0; alt && r == 0 && i < names->n; i++)
		r = add_name(alt, names->v[i], err);
	if (r < 0)
		return r;
	if (!subject || !alt || !X509_set_version(c, X509_VERSION_3) || !set_serial(c) ||
	    !X509_gmtime_adj(X509_getm_notBefore(c), -3600) ||
	    !X509_time_adj_ex(X509_getm_notAfter(c), SELFSIGNED_DAYS, 0, NULL) ||
	    !X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
					(const unsigned char *)names->v[0], cn, -1, 0) ||
	    !X509_set_issuer_name(c, subject) || !X509_set_pubkey(c, key) ||
	    !X509_add1_ext_i2d(c, NID_subject_alt_name, alt, 0, 0) ||
	    !add_extension(c, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_extension(c, NID_key_usage, "critical,digitalSignature") ||
	    !add_extension(c, NID_ext_key_usage, "serverAuth") || !X509_sign(c, key, EVP_sha256()))
		return sut_err_set(err, EIO, "OpenSSL cannot make the certificate");
	*ret = sut_steal(c);
	return 0;
}

int selfsigned_write(const char *cert, const char *key, const struct sut_strv *names,
		     struct sut_err *err)
{
	_cleanup_(keyp) EVP_PKEY *pkey = NULL;
	_cleanup_(certp) X509 *x = NULL;
	_cleanup_(biop) BIO *text = BIO_new(BIO_s_secmem()), *public_text = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;
	int r;

	if (!names->n || names->n > SELFSIGNED_NAMES_MAX)
		return sut_err_set(err, EINVAL, "a certificate has 1 to %d names",
				   SELFSIGNED_NAMES_MAX);
	if (sut_exists(cert) || sut_exists(key))
		return sut_err_set(err, EEXIST, "%s is there already. Keep it, or move it away",
				   sut_exists(cert) ? cert : key);
	pkey = EVP_EC_gen("P-256");
	if (!pkey || !text || !public_text)
		return sut_err_set(err, EIO, "OpenSSL cannot make a key");
	r = make(pkey, names, &x, err);
	if (r < 0)
		return r;
	if (!PEM_write_bio_PrivateKey(text, pkey, NULL, NULL, 0, NULL, NULL) ||
	    !PEM_write_bio_X509(public_text, x))
		return sut_err_oom(err);
	n = BIO_get_mem_data(text, &p);
	r = sut_file_write(key, p, (size_t)n, 0600, err);
	if (r < 0)
		return r;
	n = BIO_get_mem_data(public_text, &p);
	r = sut_file_write(cert, p, (size_t)n, 0644, err);
	if (r < 0)
		(void)unlink(key);
	return r;
}
