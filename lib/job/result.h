/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of a job on one system: the payload of an envelope (job/dsse.h) of the type
 * SUT_JOB_RESULT_TYPE, signed by the system's own key. docs/formats/job.md is the contract.
 */
#ifndef SUTURE_JOB_RESULT_H
#define SUTURE_JOB_RESULT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "job/dsse.h"

#define SUT_JOB_RESULT_TYPE "application/vnd.suture.job-result+json"
#define SUT_JOB_RESULT_FORMAT "suture-job-result"

enum {
	SUT_JOB_RESULT_VERSION = 1,
	SUT_JOB_RESULT_MAX = 64 << 10, /* bytes of the payload */
	SUT_JOB_STEPS_MAX = 64,
	SUT_JOB_STEP_NAME_MAX = 31, /* bytes, a-z 0-9 - */
	SUT_JOB_STEP_TEXT_MAX = 255,
};

/* One step: what was done, when, and how it ended. */
struct sut_job_step {
	char name[SUT_JOB_STEP_NAME_MAX + 1];
	int64_t begun;	   /* seconds since the epoch */
	int64_t ended;	   /* 0: it has not */
	uint64_t began_ms; /* monotonic */
	uint64_t took_ms;
	bool failed;
	char text[SUT_JOB_STEP_TEXT_MAX + 1]; /* for people; "" */
};

/* The steps of a job while it runs. Zero-initialise. What is beyond SUT_JOB_STEPS_MAX is left out. */
struct sut_job_steps {
	struct sut_job_step v[SUT_JOB_STEPS_MAX];
	size_t n;
};

/* A step that has the name of the one that runs goes on with that one. Any other that runs is ended. */
void sut_job_step_begin(struct sut_job_steps *s, const char *name, int64_t now, uint64_t now_ms);
/* Ends the step of that name, when it runs; text may be NULL. */
void sut_job_step_end(struct sut_job_steps *s, const char *name, bool failed, const char *text,
		      int64_t now, uint64_t now_ms);

/* What a result is made of. Strings and values are the caller's; NULL: null in the document. */
struct sut_job_report {
	const char *job, *issuer, *action; /* NULL when the manifest is not trusted */
	const char *manifest_sha256;
	const char *agent;   /* version */
	const char *outcome; /* a word of docs/formats/job.md */
	int exit;	     /* exit status that `suture job run` ends with */
	bool dry_run;
	int64_t begun, ended;	/* seconds since the epoch */
	json_t *host;		/* system_id, external_id, hostname, key_id, … */
	json_t *kernel;		/* as in the state of suture-apply */
	json_t *before, *after; /* level, patchset, effective_version, boot_id, phase */
	json_t *available;	/* what a check found */
	json_t *libraries;	/* what became of each; NULL: the job is not about libraries */
	json_t *result; /* suture-result (docs/formats/status.md); left out when it is too large */
	const struct sut_job_steps *steps;
	const struct sut_err *error; /* NULL or code 0: none */
};

/* Adds the document. -ENOMEM. */
int sut_job_result_make(const struct sut_job_report *r, struct sut_buf *out,
			struct sut_err *err) _must_check_;

/* What a reader needs first; the rest is in root. Strings live as long as root. */
struct sut_job_result {
	json_t *root;
	const char *job; /* NULL: the system did not trust the manifest */
	const char *system_id, *outcome;
	int exit;
};

/* A pure function of the payload. -EBADMSG (reason "format") names the member, -EPROTONOSUPPORT (reason
 * "version"), -ENOMEM. Members that are not known are passed over. */
int sut_job_result_parse(const void *text, size_t len, struct sut_job_result *ret,
			 struct sut_err *err) _must_check_;
void sut_job_result_release(struct sut_job_result *r);

/* Envelope, signature, format; keys NULL as for sut_job_open(). */
int sut_job_result_open(const void *envelope, size_t len, const struct sut_dsse_key *keys,
			size_t nkeys, struct sut_job_result *ret,
			const struct sut_dsse_key **ret_by, struct sut_err *err) _must_check_;

#endif
