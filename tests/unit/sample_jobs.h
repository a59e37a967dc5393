/* SPDX-License-Identifier: Apache-2.0 */
/* Systems that a console knows, played by a test: their keys, what they ask, and what they answer to jobs. */
#ifndef SUTURE_TESTS_SAMPLE_JOBS_H
#define SUTURE_TESTS_SAMPLE_JOBS_H

#include "agent/request.h"
#include "crypto/key.h"
#include "sample_console.h"

#define SAMPLE_URL "https://console.test"

struct sample_host {
	struct sut_privkey *key;
	char uid[SUT_UID_LEN + 1], system_id[SUT_UID_LEN + 1];
	char job_key[AGENT_JOB_KEY_MAX + 1];
	int64_t row, tenant;
};

/* Sets the address of the console: agents sign it. */
void sample_jobs_configure(struct server_conf *c);

/* A registered system of that tenant. Free it by sample_host_release(). */
void sample_host_new(struct sample_server *s, int64_t tenant, const char *hostname,
		     struct sample_host *ret);
void sample_host_release(struct sample_host *h);

/* A signed call. nonce NULL: a fresh one. off: its clock, beside the console's. Returns the status. */
struct sample_ask {
	const char *method, *target;
	const void *body; /* NULL: none */
	const char *nonce;
	int64_t off;
	const struct sut_privkey *key; /* NULL: the host's */
	const char *sign_target;       /* NULL: target */
};
int sample_agent_call(struct sample_server *s, const struct sample_host *h,
		      const struct sample_ask *a);
/* GET /v1/agent/jobs; then what was noted is written down. */
int sample_agent_poll(struct sample_server *s, const struct sample_host *h);

/* The payload of envelope i of the last answer to a poll. The caller owns it. */
json_t *sample_manifest(const struct sample_server *s, size_t i, char ret_sha256[static 65]);

/* A signed result; the caller's to free(). job NULL: not trusted. */
struct sample_result {
	const char *outcome;
	int exit;
	int64_t level;
	const char *job, *sha256;
	const char *system_id;	       /* NULL: the host's */
	const struct sut_privkey *key; /* NULL: the host's */
	const char *error;
};
char *sample_result(struct sample_server *s, const struct sample_host *h,
		    const struct sample_result *r);
/* POST /v1/agent/results of it. */
int sample_answer(struct sample_server *s, const struct sample_host *h,
		  const struct sample_result *r);

/* One job over the API of alpha's operator; its id is in ret. body: JSON. */
void sample_job(struct sample_server *s, const char *body, char ret[static SUT_UID_LEN + 1]);
/* What the task does. */
void sample_advance(struct sample_server *s);
/* The job as the API tells it, in s->json. */
void sample_job_get(struct sample_server *s, const char *job);
/* counts.STATE of the job. */
int64_t sample_job_count(struct sample_server *s, const char *job, const char *state);

#endif
