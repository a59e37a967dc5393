/* SPDX-License-Identifier: Apache-2.0 */
/* What a job is asked to be: the body of POST /v1/jobs, kept as it is in jobs.spec. */
#ifndef SUTURE_CONSOLE_JOB_SPEC_H
#define SUTURE_CONSOLE_JOB_SPEC_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "job/manifest.h"
#include "web/web.h"

enum {
	JOB_SELECT_MAX = 10000,	 /* names in one member of "select" */
	JOB_SYSTEMS_MAX = 20000, /* systems of one job */
	JOB_EXPIRES_DEFAULT_H = 24,
	JOB_EXPIRES_MAX_H = 31 * 24,
	JOB_PAUSE_MAX_S = 7 * 24 * 3600,
	JOB_TITLE_MAX = 200,
};

/* Strings and values live as long as the document they were read from. */
struct job_spec {
	const char *title; /* never NULL */
	enum sut_job_action action;
	bool kernel, library, dry_run;
	json_t *select, *windows,
		*target;    /* windows: NULL: none; target: NULL unless it has to be there */
	int64_t not_before; /* 0: at once */
	int64_t expires_hours, batch_size, batch_pause_s;
	int64_t max_failed; /* -1: no number of failures stops it */
};

/* 0, or what web_problem() returned. */
int job_spec_take(struct web_req *q, struct web_resp *r, struct job_spec *ret) _must_check_;

/* What is stored, and back. NULL: memory is short. */
json_t *job_spec_json(const struct job_spec *s);
/* Of a stored one; what is missing has its default. */
void job_spec_read(const json_t *doc, struct job_spec *ret);

#endif
