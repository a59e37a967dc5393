/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests as a console makes them (docs/formats/job.md). Pure but for the signature. */
#ifndef SUTURE_CONSOLE_JOB_MAKE_H
#define SUTURE_CONSOLE_JOB_MAKE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/key.h"
#include "crypto/sha256.h"
#include "job/manifest.h"

enum {
	/* Systems of one manifest. Many small ones: each system of it fetches all of it. At most
	 * SUT_JOB_SYSTEMS_MAX. */
	JOB_MANIFEST_SYSTEMS = 256,
};

struct job_manifest {
	const char *name, *issuer;
	int64_t created, expires;
	int64_t not_before; /* 0: at once */
	enum sut_job_action action;
	bool kernel, library; /* one at least */
	bool dry_run;
	const json_t *windows; /* list of texts; NULL or empty: at any time */
	const json_t *target;  /* {"latest": true} or {"patchset": …}; for apply and preflight */
	const json_t *systems; /* list of System IDs */
};

/* *ret_envelope is the caller's to free(). What the agent would refuse is refused here: errors of
 * sut_job_parse(), with its reasons. */
int job_manifest_make(const struct job_manifest *m, const struct sut_privkey *key,
		      char **ret_envelope, char ret_sha256[static SUT_SHA256_HEX],
		      struct sut_err *err) _must_check_;

/* Is it a window of agent.conf, "Mon-Fri 22:00-04:00"? */
bool job_window_ok(const char *text);

#endif
