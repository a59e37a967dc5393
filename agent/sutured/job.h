/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: signed manifests (job/manifest.h, docs/formats/job.md) that come by `suture job run` or from a console, and
 * the signed results that go back. All of it belongs to the worker.
 *
 * A job is taken once. That is durable in AGENT_JOBS before anything else is done, and stays until the manifest has expired;
 * the result is kept there too, so that who lost the answer gets it again by the same manifest.
 */
#ifndef SUTURE_AGENT_SUTURED_JOB_H
#define SUTURE_AGENT_SUTURED_JOB_H

#include <stdbool.h>

#include "base/err.h"
#include "crypto/key.h"
#include "sutured/net.h"

enum { JOB_KEY_FACT = 57 }; /* bytes of the text below, with its NUL */

/*
 * The system's own key, AGENT_JOB_KEY (PKCS#8, 0600), made when there is none. ret_fact: its public half as the second
 * line of a minisign .pub file (base64 of 42 bytes), for the fact "job_key" of an enrolment and of check-ins.
 * fresh: another key takes its place (after a split: the clone has the old one, too).
 */
int job_key_make(const char *root, bool fresh, char ret_fact[static JOB_KEY_FACT],
		 struct sut_err *err) _must_check_;
/* -ENOENT (reason "not-registered") when there is none. */
int job_key_read(const char *root, struct sut_privkey **ret, struct sut_err *err) _must_check_;
/* The public half of a key as that text. */
int job_key_fact(const struct sut_privkey *k, char ret[static JOB_KEY_FACT],
		 struct sut_err *err) _must_check_;

/*
 * The part of the agent (parts.c). When sutured starts, jobs that a crash interrupted get a result that says so, and those that
 * wait for a window are due again. When the identity goes away, those that wait are given up; purged: key, ids and
 * results go, too.
 */
extern const struct net_part job_part;

/* The row "job" of verb.c. */
void verb_job(struct net *n, struct task *t);
/* The task of NET_DUE_JOB: a window has opened, or a job that waited has expired. */
void job_due(struct net *n, struct task *t);

#endif
