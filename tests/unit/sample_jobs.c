// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/notes.h"
#include "base/str.h"
#include "crypto/base64.h"
#include "crypto/minisign.h"
#include "crypto/sha256.h"
#include "job/advance.h"
#include "job/dsse.h"
#include "job/httpsig.h"
#include "job/result.h"
#include "json/parse.h"
#include "sample_jobs.h"

void sample_jobs_configure(struct server_conf *c)
{
	free(c->url);
	c->url = strdup(SAMPLE_URL);
}

static void public_of(struct sample_host *h)
{
	_cleanup_(sut_pubkey_freep) struct sut_pubkey *public = NULL;
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	struct sut_minisign_pub pub;
	struct sut_err err = {0};
	const char *line;

	assert_ok(sut_privkey_public(h->key, &public, &err), err);
	assert_ok(sut_minisign_pub_of(public, &pub, &err), err);
	assert_ok(sut_minisign_pub_format(&pub, "x", &text, &err), err);
	line = strchr(sut_buf_str(&text), '\n') + 1;
	snprintf(h->job_key, sizeof(h->job_key), "%.*s", (int)strcspn(line, "\n"), line);
}

void sample_host_new(struct sample_server *s, int64_t tenant, const char *hostname,
		     struct sample_host *h)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	struct sut_err err = {0};

	*h = (struct sample_host){.tenant = tenant};
	assert_ok(sut_privkey_new(SUT_KEY_ED25519, &h->key, &err), err);
	assert_ok(sut_uid_make(h->uid, &err), err);
	assert_ok(sut_uid_make(h->system_id, &err), err);
	public_of(h);
	assert_int_equal(
		sut_db_one(s->c,
			   "INSERT INTO hosts (uid, tenant, system_id, hostname, state, job_key,"
			   " created, updated, level, libraries) VALUES ($1, $2, $3, $4, 'current',"
			   " $5, $6, $6, 1, '[{\"build_id\": \"b1\", \"level\": 0}]') RETURNING id",
			   SUT_DB_ARGS(SUT_DB_T(h->uid), SUT_DB_I(tenant), SUT_DB_T(h->system_id),
				       SUT_DB_T(hostname), SUT_DB_T(h->job_key), SUT_DB_I(s->now)),
			   &row, &err),
		1);
	h->row = sut_db_int(row, 0);
}

void sample_host_release(struct sample_host *h)
{
	sut_privkey_free(h->key);
	h->key = NULL;
}

int sample_agent_call(struct sample_server *s, const struct sample_host *h,
		      const struct sample_ask *a)
{
	static char input[SUT_HTTPSIG_MAX + 64], signature[SUT_HTTPSIG_MAX + 64], digest[256];
	_cleanup_buf_ struct sut_buf in = SUT_BUF_INIT(SUT_HTTPSIG_MAX);
	_cleanup_buf_ struct sut_buf sig = SUT_BUF_INIT(SUT_HTTPSIG_MAX);
	_cleanup_buf_ struct sut_buf sum = SUT_BUF_INIT(128);
	static int counter;
	struct sut_httpsig_params p = {
		.created = s->now + a->off, .expires = -1, .alg = "ed25519", .tag = "suture-agent"};
	char uri[1024];
	struct sut_err err = {0};

	snprintf(p.keyid, sizeof(p.keyid), "%s", h->system_id);
	if (a->nonce)
		snprintf(p.nonce, sizeof(p.nonce), "%s", a->nonce);
	else
		snprintf(p.nonce, sizeof(p.nonce), "nonce-%d", ++counter);
	snprintf(uri, sizeof(uri), SAMPLE_URL "%s", a->sign_target ? a->sign_target : a->target);
	if (a->body)
		assert_int_equal(sut_content_digest(a->body, strlen(a->body), &sum), 0);
	assert_ok(sut_httpsig_sign(a->key ? a->key : h->key,
				   (const struct sut_httpsig_component[]){
					   {"@method", a->method},
					   {"@target-uri", uri},
					   {"content-digest", sut_buf_str(&sum)}},
				   a->body ? 3 : 2, &p, &in, &sig, &err),
		  err);
	snprintf(input, sizeof(input), "Signature-Input: %s", sut_buf_str(&in));
	snprintf(signature, sizeof(signature), "Signature: %s", sut_buf_str(&sig));
	snprintf(digest, sizeof(digest), "Content-Digest: %s", sut_buf_str(&sum));
	sample_header(s, input);
	sample_header(s, signature);
	if (!a->body)
		return sample_call(s, a->method, a->target, NULL, NULL);
	sample_header(s, digest);
	return sample_call_raw(s, a->method, a->target, NULL, a->body, strlen(a->body));
}

int sample_agent_poll(struct sample_server *s, const struct sample_host *h)
{
	struct sut_err err = {0};
	char target[128];
	int status;

	snprintf(target, sizeof(target), "/v1/agent/jobs?system=%s&wait=0", h->system_id);
	status = sample_agent_call(s, h, &(struct sample_ask){.method = "GET", .target = target});
	assert_ok(agent_notes_flush(sample_console(s)->notes, s->c, s->now, &err), err);
	return status;
}

json_t *sample_manifest(const struct sample_server *s, size_t i, char ret_sha256[static 65])
{
	const json_t *e = json_array_get(json_object_get(s->json, "jobs"), i);
	_cleanup_buf_ struct sut_buf raw = SUT_BUF_INIT(SUT_JOB_MANIFEST_MAX);
	const char *payload = sut_json_text(e, "payload");
	json_t *j;

	assert_int_equal(sut_base64_decode(payload, strlen(payload), &raw), 0);
	assert_true(raw.len > 0);
	sut_sha256_hex(raw.data, raw.len, ret_sha256);
	j = json_loadb((const char *)raw.data, raw.len, 0, NULL);
	assert_non_null(j);
	return j;
}

static json_t *state_json(int64_t level)
{
	return json_pack("{s:s, s:I, s:n, s:s, s:s, s:n, s:[]}", "patchset",
			 level ? "K20261121_01" : "", "level", (json_int_t)level,
			 "effective_version", "boot_id", "b", "phase", "idle", "probation",
			 "quarantined");
}

char *sample_result(struct sample_server *s, const struct sample_host *h,
		    const struct sample_result *r)
{
	_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(SUT_JOB_RESULT_MAX);
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUT_DSSE_MAX);
	_cleanup_json_ json_t *host =
		json_pack("{s:s, s:n, s:s, s:s, s:s}", "system_id",
			  r->system_id ? r->system_id : h->system_id, "external_id", "hostname",
			  "h", "machine_id", "m", "key_id",
			  "0000000000000000000000000000000000000000000000000000000000000000");
	_cleanup_json_ json_t *before = state_json(1), *after = state_json(r->level);
	_cleanup_json_ json_t *libraries =
		json_pack("[{s:s, s:s, s:s, s:i, s:s, s:i, s:i}]", "build_id", "b1", "name",
			  "libb.so.1", "outcome", "applied", "level", (int)r->level, "patchset",
			  "U20261121_01", "processes", 3, "patched", 3);
	struct sut_job_steps steps = {0};
	struct sut_err err = {0}, why = {0};
	struct sut_job_report report = {.job = r->job,
					.issuer = r->job ? "x" : NULL,
					.action = r->job ? "apply" : NULL,
					.manifest_sha256 = r->sha256,
					.agent = "0.1.0",
					.outcome = r->outcome,
					.exit = r->exit,
					.begun = s->now - 5,
					.ended = s->now,
					.host = host,
					.before = before,
					.after = after,
					.libraries = libraries,
					.steps = &steps,
					.error = r->error ? &why : NULL};

	sut_job_step_begin(&steps, "manifest", s->now - 5, 1000);
	sut_job_step_end(&steps, "manifest", false, "ok", s->now - 5, 1012);
	sut_job_step_begin(&steps, "switch", s->now - 4, 2000);
	sut_job_step_end(&steps, "switch", false, "", s->now, 2030);
	if (r->error)
		sut_err_reason(&why, EIO, r->outcome, "%s", r->error);
	assert_ok(sut_job_result_make(&report, &text, &err), err);
	assert_ok(sut_dsse_sign(r->key ? r->key : h->key, SUT_JOB_RESULT_TYPE, text.data, text.len,
				&out, &err),
		  err);
	return (char *)sut_steal(out.data);
}

int sample_answer(struct sample_server *s, const struct sample_host *h,
		  const struct sample_result *r)
{
	_cleanup_(sut_freep) char *envelope = sample_result(s, h, r);

	return sample_agent_call(s, h,
				 &(struct sample_ask){.method = "POST",
						      .target = "/v1/agent/results",
						      .body = envelope});
}

void sample_job(struct sample_server *s, const char *body, char ret[static SUT_UID_LEN + 1])
{
	sample_call(s, "POST", "/v1/jobs", s->tenant[0].token[SAMPLE_OPERATOR], body);
	assert_status(s, 201);
	snprintf(ret, SUT_UID_LEN + 1, "%s", sample_text(s, "id"));
}

void sample_advance(struct sample_server *s)
{
	struct sut_err err = {0};

	assert_ok(job_advance(s->p, s->c, s->now, &err), err);
}

void sample_job_get(struct sample_server *s, const char *job)
{
	char target[128];

	snprintf(target, sizeof(target), "/v1/jobs/%s", job);
	sample_call(s, "GET", target, s->tenant[0].token[SAMPLE_VIEWER], NULL);
	assert_status(s, 200);
}

int64_t sample_job_count(struct sample_server *s, const char *job, const char *state)
{
	sample_job_get(s, job);
	return json_integer_value(json_object_get(json_object_get(s->json, "counts"), state));
}
