/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which systems a job is for. All members of "select" have to fit, and of a list one entry: {"cves": [a, b], "query":
 * {"feed": "prod"}} are the systems of that feed that have a or b. What cannot take part, or need not, is named with
 * its reason.
 */
#ifndef SUTURE_CONSOLE_JOB_SELECT_H
#define SUTURE_CONSOLE_JOB_SELECT_H

#include <stddef.h>
#include <stdint.h>

#include "auth/token.h"
#include "job/outcome.h"
#include "job/spec.h"

struct job_pick {
	int64_t host;			  /* hosts.id; 0: there is no such system */
	char *uid, *hostname, *system_id; /* never NULL */
	const char *reason;		  /* a word of job/outcome.h; NULL: it takes part */
};

/* Zero-initialise. Ordered by name. */
struct job_picks {
	struct job_pick *v;
	size_t n, cap;
	size_t taking_part;
	size_t cves; /* that would be closed; 0: not known */
};

void job_picks_release(struct job_picks *p);

/* In a transaction. 0; WEB_NO (r is answered: too many); < 0. */
int job_select(struct web_req *q, struct web_resp *r, const struct job_spec *s,
	       struct job_picks *ret, struct sut_err *err) _must_check_;

/* Those of a job in one of these states (ended by JOB_STATES), to be tried again: as they are now. */
int job_select_again(struct web_req *q, struct web_resp *r, int64_t job,
		     const enum job_state *states, struct job_picks *ret,
		     struct sut_err *err) _must_check_;

#endif
