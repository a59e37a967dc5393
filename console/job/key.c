// SPDX-License-Identifier: Apache-2.0
#include "job/key.h"

#include <errno.h>
#include <string.h>

#include "base/secret.h"
#include "crypto/minisign.h"
#include "seal.h"
#include "web/server.h"
#include "web/web.h"

enum { PURPOSE_MAX = 32 + SUT_DSSE_KEYID };

static void purpose_of(const char *key_id, char ret[static PURPOSE_MAX])
{
	(void)snprintf(ret, PURPOSE_MAX, "job-key:%s", key_id);
}

struct pair {
	char id[SUT_DSSE_KEYID];
	struct sut_buf public; /* text of a .pub file */
	struct sut_buf sealed;
};

static int make_pair(const struct seal *seal, struct pair *ret, struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_(sut_privkey_freep) struct sut_privkey *key = NULL;
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *public = NULL;
	struct sut_minisign_pub pub;
	char purpose[PURPOSE_MAX];
	int rc = sut_privkey_new(SUT_KEY_ED25519, &key, err);

	if (rc == 0)
		rc = sut_privkey_public(key, &public, err);
	if (rc == 0)
		rc = sut_minisign_pub_of(public, &pub, err);
	if (rc == 0)
		rc = sut_minisign_pub_format(&pub, "signs jobs: suture-console", &ret->public, err);
	if (rc == 0)
		rc = sut_privkey_encode(key, NULL, &pem, err);
	if (rc < 0)
		return rc;
	sut_dsse_keyid(pub.key, ret->id);
	purpose_of(ret->id, purpose);
	return seal_put(seal, purpose, pem.data, pem.len, &ret->sealed, err);
}

static int add(const struct seal *seal, struct sut_db *db, int64_t tenant, const char *by,
	       int64_t now, struct sut_err *err)
{
	struct pair p = {.public = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX),
			 .sealed = SUT_BUF_INIT(SUT_KEY_PEM_MAX + SEAL_MORE)};
	int rc = make_pair(seal, &p, err);

	/* Another console may have been quicker: its key is as good. */
	if (rc == 0)
		rc = sut_db_exec(db,
				 "INSERT INTO job_keys (tenant, key_id, public, secret, created,"
				 " created_by) VALUES ($1, $2, $3, $4, $5, $6)"
				 " ON CONFLICT DO NOTHING",
				 SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_T(p.id),
					     SUT_DB_T(sut_buf_str(&p.public)),
					     SUT_DB_B(p.sealed.data, p.sealed.len), SUT_DB_I(now),
					     SUT_DB_T(by)),
				 NULL, err);
	sut_buf_release(&p.public);
	sut_buf_release(&p.sealed);
	return rc;
}

static int current(struct sut_db *db, int64_t tenant, struct sut_db_rows **ret, struct sut_err *err)
{
	return sut_db_one(db,
			  "SELECT key_id, public, secret, created FROM job_keys"
			  " WHERE tenant = $1 AND retired IS NULL",
			  SUT_DB_ARGS(SUT_DB_I(tenant)), ret, err);
}

int job_key_ensure(const struct seal *s, struct sut_db *db, int64_t tenant, int64_t now,
		   struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = current(db, tenant, &row, err);

	if (k != 0)
		return k < 0 ? k : 0;
	return add(s, db, tenant, "console", now, err);
}

int job_key_use(const struct seal *s, struct sut_db *db, int64_t tenant, int64_t now,
		struct sut_privkey **ret, char ret_id[static SUT_DSSE_KEYID], struct sut_err *err)
{
	_cleanup_secret_ struct sut_buf pem = SUT_BUF_INIT(SUT_KEY_PEM_MAX);
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	char purpose[PURPOSE_MAX], id[SUT_DSSE_KEYID];
	const void *sealed;
	size_t len;
	int k = job_key_ensure(s, db, tenant, now, err);

	if (k == 0)
		k = current(db, tenant, &row, err);
	if (k < 0)
		return k;
	if (k == 0)
		return sut_err_set(err, EAGAIN, "another console is making the key of jobs");
	(void)snprintf(id, sizeof(id), "%s", sut_db_text(row, 0));
	purpose_of(id, purpose);
	sealed = sut_db_blob(row, 2, &len);
	k = seal_get(s, purpose, sealed, len, &pem, err);
	if (k < 0)
		return sut_err_prefix(err, "the key that signs jobs cannot be used");
	k = sut_privkey_decode((const char *)pem.data, pem.len, NULL, ret, err);
	if (k == 0)
		memcpy(ret_id, id, sizeof(id));
	return k;
}

/* Without its last line end: what prints it adds one, and a third line makes it no key. */
static json_t *lines_json(const char *text)
{
	size_t n = strlen(text);

	return json_stringn(text, n && text[n - 1] == '\n' ? n - 1 : n);
}

int job_key_json(struct sut_db *db, int64_t tenant, json_t **ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int k = current(db, tenant, &row, err);
	json_t *j;

	if (k < 0)
		return k;
	j = k ? json_pack("{s:o, s:s, s:o}", "public", lines_json(sut_db_text(row, 1)), "key_id",
			  sut_db_text(row, 0), "created", web_time(sut_db_int(row, 3)))
	      : json_null();
	if (!j)
		return sut_err_oom(err);
	*ret = j;
	return 0;
}

int job_key_replace(const struct seal *s, struct sut_db *db, int64_t tenant, const char *by,
		    int64_t now, struct sut_err *err)
{
	int rc = sut_db_exec(db,
			     "UPDATE job_keys SET retired = $2, secret = NULL"
			     " WHERE tenant = $1 AND retired IS NULL",
			     SUT_DB_ARGS(SUT_DB_I(tenant), SUT_DB_I(now)), NULL, err);

	return rc == 0 ? add(s, db, tenant, by, now, err) : rc;
}

const char *job_issuer(const struct server *s)
{
	return s->conf->url && strlen(s->conf->url) <= SUT_JOB_ISSUER_MAX ? s->conf->url
									  : "suture-console";
}
