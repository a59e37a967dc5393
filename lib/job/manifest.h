/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job: "bring these systems to this patch". docs/formats/job.md is the contract. The manifest is the
 * payload of an envelope (job/dsse.h) of the type SUT_JOB_TYPE.
 *
 * Whatever a member means, one that is not known is refused: a misspelt one may have been meant to forbid.
 */
#ifndef SUTURE_JOB_MANIFEST_H
#define SUTURE_JOB_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "job/dsse.h"

#define SUT_JOB_TYPE "application/vnd.suture.job+json"
#define SUT_JOB_FORMAT "suture-job"

enum {
	SUT_JOB_VERSION = 1,
	SUT_JOB_MANIFEST_MAX = 48 << 10, /* bytes of the payload */
	SUT_JOB_ENVELOPE_MAX = 80 << 10, /* bytes of the envelope */
	SUT_JOB_ID_MAX = 128,		 /* bytes, A-Z a-z 0-9 . _ : - */
	SUT_JOB_ISSUER_MAX = 128,	 /* bytes, printable */
	SUT_JOB_SYSTEMS_MAX = 2048,	 /* of either kind */
	SUT_JOB_EXTERNAL_MAX = 255,	 /* bytes of an external id */
	SUT_JOB_TARGETS_MAX = 64,
	SUT_JOB_WINDOWS_MAX = 16,
	SUT_JOB_WINDOW_MAX = 128,      /* bytes */
	SUT_JOB_DAYS_MAX = 31,	       /* from created to expires */
	SUT_JOB_CLOCK_SEC = 600,       /* clocks may differ by so much */
	SUT_JOB_BUILD_ID = 2 * 20 + 1, /* 40 lower-case digits and a NUL */
	SUT_JOB_PATCHSET_MAX = 63,     /* bytes */
};

enum sut_job_action {
	SUT_JOB_APPLY,
	SUT_JOB_UNLOAD,
	SUT_JOB_VERIFY,	   /* compare the running code */
	SUT_JOB_CHECK,	   /* look into portal and repository, and say what there is */
	SUT_JOB_PREFLIGHT, /* everything of apply but the change */
};

enum sut_job_goal { SUT_JOB_LATEST, SUT_JOB_LEVEL, SUT_JOB_PATCHSET };

struct sut_job_target {
	char build_id[SUT_JOB_BUILD_ID]; /* "": of every kernel that has no entry of its own */
	enum sut_job_goal goal;
	uint32_t level;				 /* GOAL_LEVEL */
	char patchset[SUT_JOB_PATCHSET_MAX + 1]; /* GOAL_PATCHSET */
	char sha256[SUT_SHA256_HEX];		 /* of kpatch.bin; "": any */
};

/* Zero-initialise. */
struct sut_job {
	char id[SUT_JOB_ID_MAX + 1];
	char issuer[SUT_JOB_ISSUER_MAX + 1];
	int64_t created, not_before, expires;  /* seconds since the epoch; not_before 0: not said */
	struct sut_strv systems, external_ids; /* at least one of either */
	enum sut_job_action action;
	struct sut_job_target *targets; /* apply and preflight: at least one; others: none */
	size_t ntargets;
	bool kernel, library;	 /* products; kernel alone when not said */
	struct sut_strv windows; /* agent_window_parse() reads them; none: at any time */
	bool dry_run, down, wait;
};

/*
 * A pure function of the payload.
 *   -EBADMSG         reason "format": names the member and says what is possible
 *   -EPROTONOSUPPORT reason "version": a newer suture is needed
 *   -ENOMEM
 */
int sut_job_parse(const void *text, size_t len, struct sut_job *ret,
		  struct sut_err *err) _must_check_;
void sut_job_release(struct sut_job *j);

/*
 * Envelope, signature, format: the whole way from bytes. Adds the SHA-256 of the payload, by which two
 * manifests of one id are told apart. Errors of sut_dsse_parse(), sut_dsse_verify() and sut_job_parse(). With keys
 * NULL the signature is not looked at: for those who only show what a file says.
 */
int sut_job_open(const void *envelope, size_t len, const struct sut_dsse_key *keys, size_t nkeys,
		 struct sut_job *ret, char ret_digest[static SUT_SHA256_HEX],
		 const struct sut_dsse_key **ret_by, struct sut_err *err) _must_check_;

/*
 * Does it count at this moment (seconds since the epoch)?
 *   -ETIME  reason "expired"
 *   -ERANGE reason "clock": it was made in the future, so one of the two clocks is wrong
 *   -EAGAIN reason "not-yet": not_before
 */
int sut_job_fresh(const struct sut_job *j, int64_t now, struct sut_err *err) _must_check_;

/* Is this system named? external_id may be NULL or "": it has none. */
bool sut_job_names(const struct sut_job *j, const char *system_id, const char *external_id);

/* What it says for a kernel: the entry of its build, else the general one, else NULL. */
const struct sut_job_target *sut_job_target(const struct sut_job *j, const char *build_id);

const char *sut_job_action_word(enum sut_job_action a); /* "apply", … */
bool sut_job_action_parse(const char *word, enum sut_job_action *ret);

/* "2026-11-22T06:15:00Z", and back: -EINVAL for anything else. The year is cut to 1 … 9999. */
void sut_job_time(int64_t t, char ret[static 32]);
int sut_job_time_parse(const char *s, int64_t *ret) _must_check_;

#endif
