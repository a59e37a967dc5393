/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suture-process as suture-apply sees it: AGENT_PROCESS_SOCKET (docs/internals/process.md). It is started when it is
 * needed. What it says of processes is for people and counts; what is to run is never decided by it.
 */
#ifndef SUTURE_AGENT_APPLY_LIBRARY_DAEMON_H
#define SUTURE_AGENT_APPLY_LIBRARY_DAEMON_H

#include <jansson.h>

#include "common/conf.h"
#include "crypto/sha256.h"
#include "suture-apply/apply.h"

enum {
	DAEMON_SHORT_MS = 3000,	 /* for what it knows already */
	DAEMON_LONG_MS = 120000, /* between two messages while processes are dealt with */
	DAEMON_START_MS = 10000, /* so long it may take to come up */
};

/* What is to run: a patch, verified, in a sealed memfd. */
struct daemon_patch {
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1];
	char sha256[SUT_SHA256_HEX];
	int fd; /* -1: none */
};

/* One question. -ENOENT, -ECONNREFUSED (reason "no-daemon"): it does not run. *ret is the caller's. request is taken over. */
int daemon_ask(struct apply *a, json_t *request, int timeout_ms, json_t **ret,
	       struct sut_err *err) _must_check_;

/* Has it started where there is systemd, and waits until it answers. -ENOENT (reason "no-daemon"). */
int daemon_start(struct apply *a, struct sut_err *err) _must_check_;

/* Nothing is to run any more: it ends. */
void daemon_stop(struct apply *a);

/*
 * From now on these n patches, and no others. conf: who is excluded. *ret: its answer ("libraries"), the caller's. Progress goes
 * to whoever asked us. When it fails, what was done is not known; it is asked again later.
 */
int daemon_set(struct apply *a, const struct daemon_patch *p, size_t n,
	       const struct agent_conf *conf, json_t **ret, struct sut_err *err) _must_check_;

/* The entry of a build-id in the "libraries" of an answer; NULL. The answer's. */
const json_t *daemon_library(const json_t *answer, const char *build_id);

#endif
