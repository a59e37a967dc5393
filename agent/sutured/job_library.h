/* SPDX-License-Identifier: Apache-2.0 */
/* The libraries of a job: docs/formats/job.md. The worker's. */
#ifndef SUTURE_AGENT_SUTURED_JOB_LIBRARY_H
#define SUTURE_AGENT_SUTURED_JOB_LIBRARY_H

#include <jansson.h>

#include "job/manifest.h"
#include "sutured/net.h"

enum { JOB_LIBRARIES_MAX = 64 /* told in a result */ };

/* Does it say anything about a library of this machine? An entry of its build-id, or "latest" for all. */
bool job_library_named(struct net *n, const struct sut_job *j);

/*
 * apply, preflight, unload; others do nothing. *ret: what became of each ({"build_id", "name", "outcome", "patchset", "level",
 * "processes", "patched", "reasons", "error"}), the caller's. *ret_outcome: a word for all of them. One that fails keeps
 * no other back; the first error is returned. by: for the history.
 */
int job_library_run(struct net *n, struct task *t, const struct sut_job *j, const char *by,
		    json_t **ret, const char **ret_outcome, struct sut_err *err) _must_check_;

#endif
