/* SPDX-License-Identifier: Apache-2.0 */
/* One job from its manifest to its signed result, for those who bring jobs: job.c and console.c. The worker's. */
#ifndef SUTURE_AGENT_SUTURED_JOB_RUN_H
#define SUTURE_AGENT_SUTURED_JOB_RUN_H

#include <stdbool.h>

#include "sutured/job_store.h"
#include "sutured/net.h"

/* Zero-initialise. */
struct job_answer {
	char *result; /* the envelope; NULL: there is none (no key to sign with, or memory is short) */
	char outcome[JOB_OUTCOME_MAX + 1];
	int exit;
	bool stored;	    /* it was done before: this is the result of then */
	bool waiting;	    /* it waits for its window */
	struct sut_err why; /* code 0: done */
};

void job_answer_release(struct job_answer *a);

struct job_from {
	bool console;
	bool force; /* root: in spite of the job's windows. Of nothing else: hold, pin and mode are root's own word */
};

/* Never fails: what goes wrong is the answer. Progress goes to t (may be NULL). */
void job_run(struct net *n, struct task *t, const char *envelope, size_t len,
	     const struct job_from *from, struct job_answer *ret);

/* A job of the store that was interrupted, or that waited until it expired, gets its result: reason "interrupted", or why. */
void job_give_up(struct net *n, struct job_record *rec, const struct sut_err *why);

/* Pure: the exit status that goes with a reason. */
int job_exit(const char *reason);

#endif
