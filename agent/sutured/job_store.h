/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which jobs were taken, and what became of them: a file for each in AGENT_JOBS, named by the end of the manifest and a
 * hash of the id, so that a damaged one still says that its id was taken. Written whole and durably.
 *
 * A record goes JOB_KEEP_S after its manifest has expired. What a manifest that was forgotten said about its end is kept in
 * the file "floor": one that ends no later is refused, so that a clock that goes back does not bring old ids back.
 */
#ifndef SUTURE_AGENT_SUTURED_JOB_STORE_H
#define SUTURE_AGENT_SUTURED_JOB_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "job/manifest.h"

enum {
	JOB_RECORDS_MAX = 1024,	    /* no more jobs are taken then */
	JOB_RESULTS_MAX = 64,	    /* the newest; of older ones only the word remains */
	JOB_RECORD_MAX = 128 << 10, /* bytes of a file */
	JOB_KEEP_S = 7 * 86400,
	JOB_OUTCOME_MAX = 40,
};

enum job_state {
	JOB_TAKEN,   /* begun; one that is found so when sutured starts was interrupted */
	JOB_WAITING, /* for its window */
	JOB_DONE,
};

/* Zero-initialise. */
struct job_record {
	char id[SUT_JOB_ID_MAX + 1];
	char digest[SUT_SHA256_HEX]; /* of the payload of its manifest; "": the record is damaged */
	int64_t expires, taken_at;
	enum job_state state;
	bool console;			   /* it came from the console */
	char outcome[JOB_OUTCOME_MAX + 1]; /* DONE */
	int exit;
	char *envelope; /* TAKEN, WAITING: of the manifest; else NULL */
	char *result;	/* DONE: the envelope; NULL when it is not kept any more */
};

void job_record_release(struct job_record *r);

/* A pure function. -EBADMSG, -ENOMEM. */
int job_record_parse(const void *text, size_t len, struct job_record *ret,
		     struct sut_err *err) _must_check_;
json_t *job_record_json(const struct job_record *r);

/* -ENOENT: the id was never taken. A record that cannot be read or understood is one that is DONE, with digest "". Other
 * errors: it is not known whether it was. */
int job_store_find(const char *root, const char *id, struct job_record *ret,
		   struct sut_err *err) _must_check_;

/* Durable when it returns. -EDQUOT (reason "full") when there are too many. Replaces the one of the same id and end. */
int job_store_put(const char *root, const struct job_record *r, struct sut_err *err) _must_check_;

/* Manifests that end at or before this are refused. 0: none was ever forgotten. */
int job_store_floor(const char *root, int64_t *ret, struct sut_err *err) _must_check_;

/* Forgets what is over, and results beyond JOB_RESULTS_MAX. */
int job_store_sweep(const char *root, int64_t now, struct sut_err *err) _must_check_;

/* Calls fn for every record that can be read, in the order of their ends; it may put that record. Stops at what is negative. */
typedef int (*job_store_fn)(void *ctx, struct job_record *r, struct sut_err *err);
int job_store_each(const char *root, job_store_fn fn, void *ctx, struct sut_err *err) _must_check_;

#endif
