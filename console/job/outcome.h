/* SPDX-License-Identifier: Apache-2.0 */
/* What the word of a result means for a system of a job, in plain words. Pure. */
#ifndef SUTURE_CONSOLE_JOB_OUTCOME_H
#define SUTURE_CONSOLE_JOB_OUTCOME_H

#include <stdbool.h>

enum job_state {
	JOB_QUEUED,  /* its batch has not begun */
	JOB_OFFERED, /* there is a manifest, which the agent has not fetched */
	JOB_RUNNING, /* the agent has it */
	JOB_WAITING, /* the agent has it, and waits for its window */
	JOB_DONE,    /* final from here on */
	JOB_FAILED,
	JOB_SKIPPED, /* there was nothing to do for it, or no way to do it */
	JOB_CANCELLED,
	JOB_EXPIRED, /* its time was over before the agent fetched it */
	JOB_STATES,
};

const char *job_state_word(enum job_state s); /* "queued" */
/* False: it is no such word. */
bool job_state_parse(const char *word, enum job_state *ret);
static inline bool job_state_final(enum job_state s)
{
	return s >= JOB_DONE;
}

/* "waiting" is JOB_WAITING, whatever ends with 0 is done, all else failed (docs/formats/job.md). */
enum job_state job_outcome_state(const char *outcome, int exit);

/* A sentence for people, without what differs from one to the next; NULL: the outcome is not known here. */
const char *job_outcome_text(const char *outcome);

/* A word of the console's own, why a system was skipped or is not done: as above. */
const char *job_reason_text(const char *reason);

#endif
