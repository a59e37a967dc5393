/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts by what scans found on them and what live patches can do about it: "cves", "findings", "verdicts". */
#ifndef SUTURE_CONSOLE_JOB_FIND_H
#define SUTURE_CONSOLE_JOB_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/spec.h"

enum job_found_as {
	JOB_FOUND_NOT,
	JOB_FOUND_DONE, /* it has it, and nothing that could be applied closes it */
	JOB_FOUND_READY,
};

/* Zero-initialise. */
struct job_found {
	struct {
		int64_t host;
		bool ready;
	} * v; /* by host */
	size_t n;
	size_t cves; /* that can be closed */
};

void job_found_release(struct job_found *f);

/* *ret_asked: s->select has one of these members. 0, WEB_NO, < 0. */
int job_find(struct web_req *q, struct web_resp *r, const struct job_spec *s, struct job_found *ret,
	     bool *ret_asked, struct sut_err *err) _must_check_;

enum job_found_as job_found_host(const struct job_found *f, int64_t host);

#endif
