/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What moves jobs on: the next batch is signed and offered, what is late ends, too many failures stop a job. One step is
 * one transaction, and each begins with what is in the database: whoever dies between two of them, or does one twice,
 * harms nothing. Among several consoles one does it at a time (web/task.h).
 */
#ifndef SUTURE_CONSOLE_JOB_ADVANCE_H
#define SUTURE_CONSOLE_JOB_ADVANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "job/row.h"
#include "web/web.h"

enum {
	/* So long after a job's end its agents may still answer: their clocks differ, and what they began in time takes
	 * its while. */
	JOB_GRACE_SEC = 15 * 60,
	/* A system that has not fetched its manifest after so long does not keep the next batch waiting. One that
	 * fetched it and is silent does: it may have gone down of what it did. */
	JOB_PATIENCE_SEC = 15 * 60,
};

enum job_step {
	JOB_STEP_NONE,	    /* nothing is to be done before something happens, or time passes */
	JOB_STEP_EXPIRE,    /* queued and offered ones: too late */
	JOB_STEP_NO_ANSWER, /* those that fetched it and were not heard of again */
	JOB_STEP_STOP,	    /* more than max_failed have failed */
	JOB_STEP_OFFER,	    /* go on with the batch that is at work */
	JOB_STEP_PAUSE,	    /* the batch is over: the next one begins after the pause */
	JOB_STEP_BATCH,	    /* begin the next batch */
	JOB_STEP_END,	    /* nothing is open any more */
};

/* What a decision needs beside the row. */
struct job_look {
	int64_t queued_now; /* of the batch that is at work */
	int64_t unfetched;  /* offered for longer than JOB_PATIENCE_SEC */
};

/* Pure. A job that has ended: NONE. */
enum job_step job_next(const struct job_row *j, const struct job_look *look, int64_t now);

/* One step of one job, in the caller's transaction (WRITE). q: db, now, who.tenant are set. *ret: what was done. */
int job_step(struct web_req *q, int64_t job, enum job_step *ret, struct sut_err *err) _must_check_;

/* All open jobs, as far as they go now. Not in a transaction; makes its own. What cannot go on is told in err and does
 * not keep the others. */
int job_advance(struct server *s, struct sut_db *db, int64_t now, struct sut_err *err) _must_check_;

/* Ends what is not yet in an agent's hands; the job is cancelled. In the caller's transaction. */
int job_cancel(struct web_req *q, struct job_row *j, struct sut_err *err) _must_check_;

#endif
