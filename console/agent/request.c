// SPDX-License-Identifier: Apache-2.0
#include "agent/request.h"

#include <errno.h>
#include <string.h>

#include "agent/notes.h"
#include "base/str.h"
#include "console.h"
#include "crypto/base64.h"
#include "job/httpsig.h"
#include "web/job.h"
#include "web/server.h"

enum {
	KEY_BLOB = 2 + 8 + SUT_ED25519_LEN, /* "Ed", number, key */
	TENANTS_MAX = 16,		    /* that may claim one system */
};

int agent_job_key(const char *text, uint8_t ret[static SUT_ED25519_LEN])
{
	_cleanup_buf_ struct sut_buf raw = SUT_BUF_INIT(KEY_BLOB);

	if (sut_base64_decode(text, strlen(text), &raw) < 0 || raw.len != KEY_BLOB ||
	    memcmp(raw.data, "Ed", 2) != 0)
		return -EBADMSG;
	memcpy(ret, raw.data + KEY_BLOB - SUT_ED25519_LEN, SUT_ED25519_LEN);
	return 0;
}

static int no(struct web_resp *r, const char *code, const char *text)
{
	return web_problem(r, 401, code, "%s", text);
}

/* What the agent was to sign as @target-uri. The setting `url` decides when there is one: another console that agents
 * call could otherwise bring us their requests under its own name. */
static char *target_uri(const struct web_req *q)
{
	const struct web_job *j = q->job;
	const char *url = q->server->conf->url, *host = web_header(q, "Host");
	bool query = j->query && *j->query;

	if (url) {
		size_t n = strlen(url);

		while (n && url[n - 1] == '/')
			n--;
		return sut_sprintf("%.*s%s%s%s", (int)n, url, j->path, query ? "?" : "",
				   query ? j->query : "");
	}
	return sut_sprintf("%s://%s%s%s%s", q->tls ? "https" : "http", host ? host : "", j->path,
			   query ? "?" : "", query ? j->query : "");
}

/* 0: one of the rows of this system has a key that verifies, the oldest of them. */
static int verify(struct web_req *q, const struct sut_httpsig *sig,
		  const struct sut_httpsig_component *c, size_t n, const char *const *must,
		  struct agent_who *ret, bool *ret_known, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int k = sut_db_query(q->db,
			     "SELECT h.id, h.tenant, h.job_key FROM hosts h"
			     " JOIN tenants t ON t.id = h.tenant WHERE h.system_id = $1"
			     " AND h.gone IS NULL AND t.disabled IS NULL ORDER BY h.id LIMIT $2",
			     SUT_DB_ARGS(SUT_DB_T(sig->params.keyid), SUT_DB_I(TENANTS_MAX)), &rows,
			     err);

	*ret_known = false;
	while (k >= 0 && (k = sut_db_next(rows, err)) > 0) {
		_cleanup_(sut_pubkey_freep) struct sut_pubkey *key = NULL;
		const char *text = sut_db_text(rows, 2);
		struct sut_err why = {0};
		int rc;

		if (!text || strlen(text) > AGENT_JOB_KEY_MAX ||
		    agent_job_key(text, ret->key) < 0 ||
		    sut_pubkey_from_ed25519(ret->key, &key, NULL) < 0)
			continue;
		*ret_known = true;
		rc = sut_httpsig_verify(sig, key, c, n, must, &why);
		if (rc == -ENOMEM)
			return sut_err_oom(err);
		if (rc < 0)
			continue;
		ret->host = sut_db_int(rows, 0);
		ret->tenant = sut_db_int(rows, 1);
		(void)snprintf(ret->job_key, sizeof(ret->job_key), "%s", text);
		return 1;
	}
	return k;
}

static int judge(struct web_req *q, struct web_resp *r, const struct sut_httpsig *sig,
		 const char *system_id)
{
	const struct sut_httpsig_params *p = &sig->params;
	int64_t off = p->created - q->now;

	if (p->created < 0 || !*p->nonce || !sut_uid_ok(p->keyid) ||
	    !sut_streq(p->tag, "suture-agent"))
		return no(
			r, "signature-malformed",
			"Signature-Input needs created, nonce, the System ID as keyid, and the tag "
			"suture-agent.");
	if (!agent_waited(q) && (off > AGENT_CLOCK_SEC || off < -AGENT_CLOCK_SEC))
		return web_problem(
			r, 401, "clock",
			"The request says that it was made %lld seconds from now by this "
			"console's clock; %d are allowed. Set the clock of the system",
			(long long)off, AGENT_CLOCK_SEC);
	if (system_id && !sut_streq(system_id, p->keyid))
		return web_problem(r, 403, "system-differs",
				   "The request is signed by the system %s, and asks for another's "
				   "jobs",
				   p->keyid);
	return 0;
}

/* The body is what was signed for: content-digest is covered, and is that of the body. */
static int digest_of(const struct web_req *q, struct sut_buf *out)
{
	return q->raw_len ? sut_content_digest(q->raw, q->raw_len, out) : 0;
}

int agent_request(struct web_req *q, struct web_resp *r, const char *system_id,
		  struct agent_who *ret, struct sut_err *err)
{
	static const char *const must[] = {"@method", "@target-uri", NULL};
	static const char *const must_body[] = {"@method", "@target-uri", "content-digest", NULL};
	_cleanup_buf_ struct sut_buf digest = SUT_BUF_INIT(128);
	_cleanup_(sut_freep) char *uri = target_uri(q);
	const char *input = web_header(q, "Signature-Input"),
		   *signature = web_header(q, "Signature");
	struct sut_httpsig sig = {0};
	struct agent_who who = {0};
	bool known;
	int rc;

	if (!input || !signature)
		return no(r, "signature-missing",
			  "An agent signs its requests: docs/formats/console-agent.md");
	rc = sut_httpsig_parse(input, signature, &sig, err);
	if (rc == -EBADMSG)
		return no(r, "signature-malformed", err->msg);
	if (rc == 0)
		rc = judge(q, r, &sig, system_id);
	if (rc != 0)
		return rc;
	if (!uri || digest_of(q, &digest) < 0)
		return sut_err_oom(err);
	rc = verify(
		q, &sig,
		(const struct sut_httpsig_component[]){{"@method", q->job->method},
						       {"@target-uri", uri},
						       {"content-digest", sut_buf_str(&digest)}},
		q->raw_len ? 3 : 2, q->raw_len ? must_body : must, &who, &known, err);
	if (rc < 0)
		return rc;
	if (rc == 0 && !known)
		return web_problem(r, 403, "system-unknown",
				   "The system %s, or its key, is not known here. The portal tells "
				   "both: wait for the next synchronisation",
				   sig.params.keyid);
	if (rc == 0)
		return no(
			r, "signature-invalid",
			"The signature is not that of this system's key over this request. Is the "
			"address that the agent calls the one of the setting url?");
	(void)snprintf(who.system_id, sizeof(who.system_id), "%.16s", sig.params.keyid);
	(void)snprintf(who.nonce, sizeof(who.nonce), "%s", sig.params.nonce);
	*ret = who;
	return 0;
}

static int replayed(struct web_resp *r)
{
	return no(r, "replayed", "This very request was made before. Sign each with a new nonce");
}

static int note(struct web_req *q, struct web_resp *r, const struct agent_who *who,
		struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int rc = sut_db_one(q->db, "SELECT 1 FROM agent_nonces WHERE system_id = $1 AND nonce = $2",
			    SUT_DB_ARGS(SUT_DB_T(who->system_id), SUT_DB_T(who->nonce)), &row, err);

	if (rc < 0)
		return rc;
	rc = rc ? -EEXIST
		: agent_notes_nonce(console_of(q->server)->notes, who->system_id, who->nonce,
				    q->now);
	if (rc == -EEXIST)
		return replayed(r);
	if (rc == -EAGAIN)
		return web_problem(r, 503, "busy", "Too many agents call. Try again later");
	return rc < 0 ? sut_err_oom(err) : 0;
}

int agent_fresh(struct web_req *q, struct web_resp *r, const struct agent_who *who,
		struct sut_err *err)
{
	int64_t n = 0;
	int rc;

	if (agent_waited(q))
		return 0;
	if (!(q->route->flags & WEB_WRITE))
		return note(q, r, who, err);
	rc = sut_db_exec(
		q->db,
		"INSERT INTO agent_nonces (system_id, nonce, at) VALUES ($1, $2, $3)"
		" ON CONFLICT DO NOTHING",
		SUT_DB_ARGS(SUT_DB_T(who->system_id), SUT_DB_T(who->nonce), SUT_DB_I(q->now)), &n,
		err);
	if (rc < 0)
		return rc;
	return n ? 0 : replayed(r);
}
