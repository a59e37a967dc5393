// SPDX-License-Identifier: Apache-2.0
#include "install/install.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "api/document.h"
#include "auth/token.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "job/key.h"
#include "link/keys.h"
#include "web/script.h"

enum { PIN_MAX = 64 };

/* --- what servers need to believe this console --- */

/* Adds the certificates of its own authority; nothing when it has a public one. */
static int own_ca(const struct console *c, struct sut_buf *b, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf given = SUT_BUF_INIT(WEB_SCRIPT_CA_MAX);
	int r = c->conf.ca ? sut_file_read(c->conf.ca, &given, err) : 0;

	return r < 0 ? r : web_script_ca(&given, c->conf.s.tls_cert, b, err);
}

static X509 *read_certificate(const char *file, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf pem = SUT_BUF_INIT(WEB_SCRIPT_CA_MAX);
	BIO *in = NULL;
	X509 *x = NULL;

	if (sut_file_read(file, &pem, err) < 0)
		return NULL;
	ERR_set_mark();
	in = BIO_new_mem_buf(pem.data, (int)pem.len);
	x = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL;
	BIO_free(in);
	ERR_pop_to_mark();
	return x;
}

/*
 * The public key of the certificate as curl's --pinnedpubkey wants it. With it a server that has never heard of
 * the console's authority speaks to this console or to nobody.
 */
static int make_pin(const char *cert_file, char ret[static PIN_MAX], struct sut_err *err)
{
	X509 *x = read_certificate(cert_file, err);
	uint8_t hash[SUT_SHA256_LEN];
	unsigned char *der = NULL;
	int len = x ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der) : -1;

	X509_free(x);
	if (len <= 0)
		return sut_err_set(err, EBADMSG,
				   "%s holds no certificate: look at tls-cert of console.conf",
				   cert_file);
	sut_sha256(der, (size_t)len, hash);
	OPENSSL_free(der);
	(void)EVP_EncodeBlock((unsigned char *)ret, hash, sizeof(hash));
	return 0;
}

/* --- the line --- */

/* The token of a fresh line; its hash is in the row. */
static int renew(struct web_req *q, int64_t enrolment, char ret[static SUT_TOKEN_MAX],
		 struct sut_err *err)
{
	uint8_t hash[SUT_TOKEN_HASH];
	int r = sut_token_make(SUT_TOKEN_INSTALL, ret, err);

	if (r < 0)
		return r;
	sut_token_hash(ret, hash);
	return sut_db_exec(
		q->db, "UPDATE enrolments SET install_hash = $2, install_until = $3 WHERE id = $1",
		SUT_DB_ARGS(SUT_DB_I(enrolment), SUT_DB_B(hash, sizeof(hash)),
			    SUT_DB_I(q->now + INSTALL_VALID_S)),
		NULL, err);
}

int install_command(struct web_req *q, int64_t enrolment, char **ret, struct sut_err *err)
{
	const struct console *c = console_of(q->server);
	_cleanup_buf_ struct sut_buf ca = SUT_BUF_INIT(2 * WEB_SCRIPT_CA_MAX);
	char token[SUT_TOKEN_MAX], pin[PIN_MAX] = "";
	const char *tls_cert = c->conf.s.tls_cert;
	char *line;
	int r;

	if (!c->conf.s.url)
		return sut_err_reason(err, EINVAL, "install-not-configured",
				      "this console does not know its own address: its operator "
				      "has to set url in console.conf");
	r = own_ca(c, &ca, err);
	if (r == 0 && ca.len && tls_cert)
		r = make_pin(tls_cert, pin, err);
	/* The script can only read it. */
	if (r == 0)
		r = job_key_ensure(c->seal, q->db, q->who.tenant, q->now, err);
	if (r == 0)
		r = renew(q, enrolment, token, err);
	if (r < 0)
		return r;
	if (*pin)
		line = sut_sprintf("curl -fsSk --pinnedpubkey 'sha256//%s' '%s/install/%s' | sh",
				   pin, c->conf.s.url, token);
	else
		line = sut_sprintf("curl -fsS%s '%s/install/%s' | sh",
				   ca.len ? " --cacert console-ca.pem" : "", c->conf.s.url, token);
	explicit_bzero(token, sizeof(token));
	if (!line)
		return sut_err_oom(err);
	*ret = line;
	return 0;
}

/* --- the script --- */

/*
 * What goes wrong with the token is said in the shell that runs it. With status 200: of any other, `curl -f` gives the shell
 * nothing, and a shell that gets nothing says nothing and ends with 0. What does not even begin as a token is of no line.
 */
static int refuse(struct web_req *q, struct web_resp *r, const char *why, struct sut_err *err)
{
	if (sut_buf_addf(&r->raw,
			 "#!/bin/sh\nprintf 'suture: %%s\\n' '%s.' "
			 "'Add the server in the console again and take the new line.' >&2\n"
			 "exit 1\n",
			 why) < 0)
		return sut_err_oom(err);
	r->status = sut_startswith(q->params[0], "sutins_") ? 200 : 404;
	r->type = "text/x-shellscript; charset=utf-8";
	return 0;
}

struct enrolment {
	int64_t tenant, until;
	bool seen;
	char key[SUT_UID_LEN + 1];
	char *external_id, *portal, *portal_ca;
};

static void enrolment_release(struct enrolment *e)
{
	free(e->external_id);
	free(e->portal);
	free(e->portal_ca);
}

/* 1; 0: no such token. */
static int find(struct web_req *q, const char *token, struct enrolment *e, struct sut_err *err)
{
	static const char sql[] =
		"SELECT e.tenant, e.key_uid, e.external_id, COALESCE(e.seen, 0), e.install_until,"
		" COALESCE(NULLIF(k.server_url, ''), p.url), p.ca"
		" FROM enrolments e LEFT JOIN portals p ON p.tenant = e.tenant"
		" LEFT JOIN keys k ON k.tenant = e.tenant AND k.uid = e.key_uid"
		" WHERE e.install_hash = $1";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	uint8_t hash[SUT_TOKEN_HASH];
	int r;

	if (sut_token_kind(token) != SUT_TOKEN_INSTALL)
		return 0;
	sut_token_hash(token, hash);
	r = sut_db_one(q->db, sql, SUT_DB_ARGS(SUT_DB_B(hash, sizeof(hash))), &rows, err);
	if (r <= 0)
		return r;
	e->tenant = sut_db_int(rows, 0);
	snprintf(e->key, sizeof(e->key), "%s", sut_db_text(rows, 1));
	e->until = sut_db_int(rows, 4);
	/* One that was announced again, to be installed anew, was seen before. */
	e->seen = sut_db_int(rows, 3) >= e->until - INSTALL_VALID_S;
	e->external_id = strdup(sut_db_text(rows, 2));
	e->portal = strdup(sut_db_is_null(rows, 5) ? "" : sut_db_text(rows, 5));
	e->portal_ca = strdup(sut_db_is_null(rows, 6) ? "" : sut_db_text(rows, 6));
	return e->external_id && e->portal && e->portal_ca ? 1 : sut_err_oom(err);
}

static int write_script(struct web_req *q, struct web_resp *r, const struct enrolment *e,
			const char *secret, struct sut_err *err)
{
	const struct console *c = console_of(q->server);
	_cleanup_buf_ struct sut_buf ca = SUT_BUF_INIT(2 * WEB_SCRIPT_CA_MAX);
	json_t *job_key = NULL;
	int rc = own_ca(c, &ca, err);

	if (rc == 0)
		rc = job_key_json(q->db, e->tenant, &job_key, err);
	if (rc == 0) {
		const struct web_script_value v[] = {
			{"console", c->conf.s.url},
			{"console_ca", sut_buf_str(&ca)},
			{"job_key", json_string_value(json_object_get(job_key, "public"))},
			{"key_id", json_string_value(json_object_get(job_key, "key_id"))},
			{"portal", e->portal},
			{"portal_ca", e->portal_ca},
			{"external_id", e->external_id},
			{"suture_key", secret},
		};

		rc = web_script_fill(install_script, install_script_len, v, SUT_ARRAY_SIZE(v),
				     &r->raw, err);
	}
	json_decref(job_key);
	if (rc < 0)
		return rc;
	r->status = 200;
	r->type = "text/x-shellscript; charset=utf-8";
	return 0;
}

static int answer(struct web_req *q, struct web_resp *r, const struct enrolment *e,
		  struct sut_err *err)
{
	struct link_key key = {.secret = SUT_BUF_INIT(SUT_SECRET_MAX)};
	int rc;

	if (e->seen)
		return refuse(q, r, "this line was used: the system is registered already", err);
	if (q->now >= e->until)
		return refuse(q, r, "this line has expired: it is good for a day", err);
	if (!*e->portal || !console_of(q->server)->conf.s.url)
		return refuse(q, r, "the console has lost its portal or its own address", err);
	rc = link_key_read(console_of(q->server), q->db, e->tenant, e->key, &key, err);
	if (rc == 0)
		rc = refuse(q, r, "the registration key of this line was revoked", err);
	else if (rc > 0)
		rc = write_script(q, r, e, sut_buf_str(&key.secret), err);
	sut_secret_release(&key.secret);
	return rc;
}

int install_answer(struct web_req *q, struct web_resp *r, const char *token, struct sut_err *err)
{
	__attribute__((cleanup(enrolment_release))) struct enrolment e = {0};
	int rc = find(q, token, &e, err);

	if (rc < 0)
		return rc;
	return rc ? answer(q, r, &e, err)
		  : refuse(q, r,
			   "the console knows no such line: it was not copied whole, or a newer one was made",
			   err);
}
