// SPDX-License-Identifier: Apache-2.0
/*
 * Idempotency-Key: who sends a POST again because the answer was lost gets the first answer again. It is kept
 * in the same transaction as the effect, encrypted with a key that is made of the caller's own secret and
 * the Idempotency-Key, neither of which the database has.
 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

#include "crypto/sha256.h"
#include "web/job.h"

enum { NONCE = 12, TAG = 16 };

/* SHA-256 over parts, each with its length before it. */
static int hash_parts(uint8_t ret[static 32], const void *const *parts, const size_t *lens,
		      size_t n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; ok && i < n; i++) {
		uint64_t len = lens[i];

		ok = EVP_DigestUpdate(c, &len, sizeof(len)) == 1 &&
		     EVP_DigestUpdate(c, parts[i], lens[i]) == 1;
	}
	ok = ok && EVP_DigestFinal_ex(c, ret, NULL) == 1;
	EVP_MD_CTX_free(c);
	return ok ? 0 : -ENOMEM;
}

/* HKDF-SHA256 (RFC 5869): secret is what goes in, key what it is for. */
static int derive(const char *secret, const char *key, uint8_t ret[static 32])
{
	static const char salt[] = "suture-portal idempotency 1";
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *c = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret,
						  strlen(secret)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt,
						  sizeof(salt) - 1),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)key, strlen(key)),
		OSSL_PARAM_construct_end(),
	};
	bool ok = c && EVP_KDF_derive(c, ret, 32, params) == 1;

	EVP_KDF_CTX_free(c);
	EVP_KDF_free(kdf);
	return ok ? 0 : -ENOMEM;
}

static bool key_ok(const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < n; i++)
		if (key[i] < ' ' || key[i] > '~')
			return false;
	return n && n <= WEB_IDEMPOTENCY_KEY_MAX;
}

/* What only the caller has, and whose calls are told apart by it. NULL: nobody who could repeat. */
static const char *secret_of(const struct web_job *j)
{
	if (j->q.who.kind == WEB_USER)
		return j->authorization;
	/* Enrolment with a registration key. */
	if (j->q.who.kind == WEB_NOBODY)
		return json_string_value(json_object_get(j->q.body, "key"));
	return NULL;
}

int web_idem_take(struct web_job *j, struct sut_err *err)
{
	const char *key = web_header(&j->q, "Idempotency-Key"), *secret = secret_of(j);
	struct web_idem *d = &j->idem;
	uint8_t who[SUT_SHA256_LEN];
	int rc;

	*d = (struct web_idem){0};
	if (!key || !secret || strcmp(j->method, "POST") != 0)
		return 0;
	if (!key_ok(key))
		return web_problem(
			&j->r, 400, "bad-idempotency-key",
			"The header Idempotency-Key takes 1 to %d printable ASCII characters",
			WEB_IDEMPOTENCY_KEY_MAX);
	sut_sha256(secret, strlen(secret), who);
	/* The token is random; of a short "key" nothing should be learned either: its hash is salted by
	 * nothing, but so is keys.hash. */
	sut_hex(who, 16, d->scope);
	{
		/* With the secret before it: the body may hold a password, which a bare hash of it
		 * would let others guess at. */
		/* Of a body in a file its size: reading gigabytes again would cost more than the call. */
		const void *request[] = {secret,   j->path,	  j->query, j->q.who.tenant_name,
					 j->q.raw, &j->q.body_len};
		const size_t lens[] = {strlen(secret),	 strlen(j->path),
				       strlen(j->query), strlen(j->q.who.tenant_name),
				       j->q.raw_len,	 sizeof(j->q.body_len)};
		/* A registration key is shared: who has seen a request and sends it from elsewhere gets
		 * no answer of another's, with the credential in it. */
		const char *from = j->q.who.kind == WEB_NOBODY && j->q.peer ? j->q.peer : "";
		const void *name[] = {secret, key, from};
		const size_t name_lens[] = {strlen(secret), strlen(key), strlen(from)};

		rc = hash_parts(d->request_hash, request, lens, SUT_ARRAY_SIZE(lens));
		if (rc == 0)
			rc = hash_parts(d->key_hash, name, name_lens, 3);
	}
	if (rc == 0)
		rc = derive(secret, key, d->cipher_key);
	if (rc < 0)
		return sut_err_oom(err);
	d->on = true;
	return 0;
}

/* --- the answer, as it is kept --- */

static int seal(const struct web_idem *d, const char *text, struct sut_buf *out)
{
	size_t len = strlen(text);
	uint8_t nonce[NONCE];
	EVP_CIPHER_CTX *c;
	int n = 0, m = 0, rc;
	bool ok;

	rc = sut_buf_addzero(out, NONCE + TAG + len);
	if (rc < 0 || len > INT32_MAX)
		return -ENOMEM;
	c = EVP_CIPHER_CTX_new();
	ok = c && RAND_bytes(nonce, NONCE) == 1 &&
	     EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, d->cipher_key, nonce) == 1 &&
	     EVP_EncryptUpdate(c, NULL, &n, d->request_hash, sizeof(d->request_hash)) == 1 &&
	     EVP_EncryptUpdate(c, out->data + NONCE + TAG, &n, (const uint8_t *)text, (int)len) ==
		     1 &&
	     EVP_EncryptFinal_ex(c, out->data + NONCE + TAG + n, &m) == 1 &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, out->data + NONCE) == 1;
	memcpy(out->data, nonce, NONCE);
	EVP_CIPHER_CTX_free(c);
	return ok ? 0 : -ENOMEM;
}

static int unseal(const struct web_idem *d, const uint8_t *p, size_t len, struct sut_buf *out)
{
	EVP_CIPHER_CTX *c;
	int n = 0, m = 0;
	bool ok;

	if (len < NONCE + TAG || len > INT32_MAX)
		return -EBADMSG;
	if (sut_buf_addzero(out, len - NONCE - TAG + 1) < 0)
		return -ENOMEM;
	c = EVP_CIPHER_CTX_new();
	ok = c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, d->cipher_key, p) == 1 &&
	     EVP_DecryptUpdate(c, NULL, &n, d->request_hash, sizeof(d->request_hash)) == 1 &&
	     EVP_DecryptUpdate(c, out->data, &n, p + NONCE + TAG, (int)(len - NONCE - TAG)) == 1 &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, (void *)(p + NONCE)) == 1 &&
	     EVP_DecryptFinal_ex(c, out->data + n, &m) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok ? 0 : -EBADMSG;
}

static int fill_answer(struct web_resp *r, json_t *kept, struct sut_err *err)
{
	json_t *headers = json_object_get(kept, "headers"), *h;
	size_t i;

	web_resp_release(r);
	r->status = (int)json_integer_value(json_object_get(kept, "status"));
	snprintf(r->etag, sizeof(r->etag), "%s", json_string_value(json_object_get(kept, "etag")));
	r->json = json_incref(json_object_get(kept, "body"));
	if (json_is_null(r->json)) {
		json_decref(r->json);
		r->json = NULL;
	}
	json_array_foreach(headers, i, h) {
		if (sut_strv_add(&r->headers, json_string_value(h)) < 0)
			return sut_err_oom(err);
	}
	return web_add_header(r, "Idempotency-Replayed: true") < 0 ? sut_err_oom(err) : 0;
}

static int replay(struct web_job *j, const uint8_t *answer, size_t len, struct sut_err *err)
{
	struct sut_buf text = SUT_BUF_INIT(WEB_RAW_MAX);
	json_t *kept = NULL;
	int rc = unseal(&j->idem, answer, len, &text);

	if (rc == 0) {
		kept = json_loads((const char *)text.data, 0, NULL);
		rc = kept ? fill_answer(&j->r, kept, err) : sut_err_oom(err);
	} else {
		rc = sut_err_set(err, EIO, "a kept answer cannot be decrypted");
	}
	json_decref(kept);
	if (text.data)
		explicit_bzero(text.data, text.len);
	sut_buf_release(&text);
	return rc < 0 ? rc : WEB_IDEM_REPLAY;
}

int web_idem_look(struct web_job *j, struct sut_err *err)
{
	static const char sql[] = "SELECT request_hash, answer, created FROM idempotency"
				  " WHERE scope = $1 AND key_hash = $2";
	static const char forget[] = "DELETE FROM idempotency WHERE scope = $1 AND key_hash = $2";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	const struct web_idem *d = &j->idem;
	const struct sut_db_arg args[] = {SUT_DB_T(d->scope),
					  SUT_DB_B(d->key_hash, sizeof(d->key_hash))};
	const void *hash, *answer;
	size_t len = 0, n = 0;
	int rc = sut_db_one(j->q.db, sql, args, 2, &rows, err);

	if (rc <= 0)
		return rc;
	if (sut_db_int(rows, 2) <= j->q.now - WEB_IDEMPOTENCY_SEC) {
		sut_db_rows_free(sut_steal(rows));
		return sut_db_exec(j->q.db, forget, args, 2, NULL, err);
	}
	hash = sut_db_blob(rows, 0, &n);
	answer = sut_db_blob(rows, 1, &len);
	if (n != sizeof(d->request_hash) || memcmp(hash, d->request_hash, n) != 0) {
		web_problem(
			&j->r, 422, "idempotency-key-reused",
			"This Idempotency-Key was sent with another request. Make a new one for "
			"each");
		return WEB_IDEM_REFUSED;
	}
	return replay(j, answer, len, err);
}

int web_idem_keep(struct web_job *j, struct sut_err *err)
{
	static const char sql[] =
		"INSERT INTO idempotency (scope, key_hash, request_hash, status, answer, created)"
		" VALUES ($1, $2, $3, $4, $5, $6)";
	_cleanup_buf_ struct sut_buf sealed = SUT_BUF_INIT(WEB_RAW_MAX);
	const struct web_idem *d = &j->idem;
	const struct web_resp *r = &j->r;
	int status = r->status ? r->status : 200, rc = 0;
	json_t *headers = json_array(), *kept;
	char *text;

	/* A file, or bytes that are no JSON: nothing that a call with an effect answers. */
	if (r->file || r->raw.len) {
		json_decref(headers);
		return 0;
	}
	for (size_t i = 0; headers && rc == 0 && i < r->headers.n; i++)
		rc = json_array_append_new(headers, json_string(r->headers.v[i]));
	if (rc < 0) {
		json_decref(headers);
		return sut_err_oom(err);
	}
	kept = json_pack("{s:i, s:s, s:o, s:O?}", "status", status, "etag", r->etag, "headers",
			 headers, "body", r->json);
	text = kept ? json_dumps(kept, JSON_COMPACT) : NULL;
	json_decref(kept);
	if (!text)
		return sut_err_oom(err);
	rc = seal(d, text, &sealed);
	explicit_bzero(text, strlen(text));
	free(text);
	if (rc < 0)
		return sut_err_oom(err);
	rc = sut_db_exec(j->q.db, sql,
			 SUT_DB_ARGS(SUT_DB_T(d->scope), SUT_DB_B(d->key_hash, sizeof(d->key_hash)),
				     SUT_DB_B(d->request_hash, sizeof(d->request_hash)),
				     SUT_DB_I(status), SUT_DB_B(sealed.data, sealed.len),
				     SUT_DB_I(j->q.now)),
			 NULL, err);
	/* Another portal was quicker with the same request: look again. */
	return rc == -EEXIST ? -EAGAIN : rc;
}
