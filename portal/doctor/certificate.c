// SPDX-License-Identifier: Apache-2.0
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "doctor/doctor.h"

enum { WARN_DAYS = 14, PEM_MAX = 1 << 20 };

static void certp(X509 **c)
{
	X509_free(*c);
}

static void keyp(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

static BIO *read_pem(struct doctor *d, const char *path, struct sut_buf *b)
{
	struct sut_err err = {0};

	if (sut_file_read(path, b, &err) == 0 && b->len)
		return BIO_new_mem_buf(b->data, (int)b->len);
	doctor_add(d, DOCTOR_FAIL, "certificate",
		   "Put it there, readable by the user of the portal; suture-portal init "
		   "--self-signed makes one to begin with",
		   "%s", err.code ? err.msg : path);
	return NULL;
}

static X509 *read_cert(struct doctor *d)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(PEM_MAX);
	BIO *bio = read_pem(d, d->conf.s.tls_cert, &b);
	X509 *c = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	if (bio && !c)
		doctor_add(d, DOCTOR_FAIL, "certificate", "It has to be a certificate in PEM",
			   "%s holds none", d->conf.s.tls_cert);
	return c;
}

static int no_passphrase(char *buf _unused_, int size _unused_, int rw _unused_, void *ctx _unused_)
{
	return -1;
}

static void check_key(struct doctor *d, X509 *c)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(PEM_MAX);
	_cleanup_(keyp) EVP_PKEY *key = NULL;
	BIO *bio = read_pem(d, d->conf.s.tls_key, &b);
	struct stat st;

	if (!bio)
		return;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	if (b.data)
		explicit_bzero(b.data, b.len);
	if (!key || X509_check_private_key(c, key) != 1)
		doctor_add(d, DOCTOR_FAIL, "certificate",
			   "Set tls-key to the key that the certificate was made for, without "
			   "passphrase",
			   "%s is not the key of %s", d->conf.s.tls_key, d->conf.s.tls_cert);
	if (stat(d->conf.s.tls_key, &st) == 0 && (st.st_mode & 007))
		doctor_add(d, DOCTOR_FAIL, "certificate", "chmod 600 it, and have a new one made",
			   "anybody may read the key %s", d->conf.s.tls_key);
}

static void check_dates(struct doctor *d, X509 *c)
{
	time_t now = (time_t)d->now;
	int days = 0, seconds = 0;

	if (X509_cmp_time(X509_get0_notBefore(c), &now) > 0) {
		doctor_add(d, DOCTOR_FAIL, "certificate",
			   "Look at the clock, or have a new one made", "%s is not valid yet",
			   d->conf.s.tls_cert);
		return;
	}
	if (!ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(c)))
		days = -1;
	if (X509_cmp_time(X509_get0_notAfter(c), &now) < 0)
		doctor_add(d, DOCTOR_FAIL, "certificate",
			   "Put a new one there and restart the portal", "%s has expired",
			   d->conf.s.tls_cert);
	else
		doctor_add(d, days < WARN_DAYS ? DOCTOR_WARN : DOCTOR_OK, "certificate",
			   days < WARN_DAYS ? "Put a new one there and restart the portal" : NULL,
			   "%s is valid for another %d days", d->conf.s.tls_cert, days);
}

/* Is it for the host of 'url'? */
static void check_name(struct doctor *d, X509 *c)
{
	_cleanup_(sut_freep) char *host = NULL;
	const char *from = d->conf.s.url ? strstr(d->conf.s.url, "://") : NULL;
	size_t n;

	if (!from)
		return;
	from += 3;
	n = *from == '[' ? strcspn(++from, "]") : strcspn(from, ":/");
	host = strndup(from, n);
	if (host && X509_check_host(c, host, 0, 0, NULL) != 1 && X509_check_ip_asc(c, host, 0) != 1)
		doctor_add(d, DOCTOR_WARN, "certificate",
			   "Have one made for this name, or correct 'url' (unless a proxy is "
			   "before the portal)",
			   "%s is not for %s", d->conf.s.tls_cert, host);
}

void doctor_certificate(struct doctor *d)
{
	_cleanup_(certp) X509 *c = NULL;

	if (!d->conf.s.tls_cert)
		return;
	c = read_cert(d);
	if (!c)
		return;
	check_dates(d, c);
	check_name(d, c);
	check_key(d, c);
}
