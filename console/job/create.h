/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a job down. From then on job/advance.h moves it. */
#ifndef SUTURE_CONSOLE_JOB_CREATE_H
#define SUTURE_CONSOLE_JOB_CREATE_H

#include "job/select.h"
#include "job/spec.h"

/* In a WRITE transaction, of q->who.tenant. retry_of: row of the job that it repeats; 0. */
int job_create(struct web_req *q, const struct job_spec *s, const struct job_picks *p,
	       int64_t retry_of, char ret_uid[static SUT_UID_LEN + 1],
	       struct sut_err *err) _must_check_;

#endif
