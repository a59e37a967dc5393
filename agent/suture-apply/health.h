/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks: the executables of /etc/suture/health.d, run in the order of their names, as root, when a probation
 * ends. One that ends with another status than 0, by a signal or not in time says that the machine fell ill.
 *
 * In a system with systemd they run in suture-health.service (`suture-apply health`), because suture-apply is
 * confined and the administrator's programs must not be. They tell by AGENT_HEALTH_RESULT:
 *
 *   {"format": "suture-health", "version": 1, "at": "…", "ok": false, "checks": [
 *     {"name": "10-web", "ok": false, "outcome": "exit 1", "ms": 120, "output": "…"}]}
 *
 * outcome: "exit N", "signal N", "timeout", "refused" (it belongs to somebody else than root, or others may write it: it
 * was not run, and `ok` of the whole does not depend on it), "error" (it could not be started).
 */
#ifndef SUTURE_AGENT_APPLY_HEALTH_H
#define SUTURE_AGENT_APPLY_HEALTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "apply.h"

#define AGENT_HEALTH_RESULT AGENT_RUN "/health.json"

enum {
	HEALTH_CHECKS_MAX = 64,
	HEALTH_NAME_MAX = 128,
	HEALTH_OUTPUT_MAX = 2048, /* bytes that are kept of each, the last ones */
	HEALTH_RESULT_MAX = 1 << 20,
	HEALTH_TEXT_MAX = 1024,
};

struct health {
	bool ok;
	size_t run, refused;
	char failed[HEALTH_TEXT_MAX]; /* of the first that failed: "10-web: exit 1: no answer" */
	char not_run[HEALTH_NAME_MAX * 2]; /* names of the first refused ones */
};

/* Runs them here and now; *ret_result is the document above, the caller's. timeout_s: of each. */
int health_run(const char *root, int64_t now, int64_t timeout_s, json_t **ret_result,
	       struct sut_err *err) _must_check_;

/* How many executables there are in the folder; -errno. */
int health_count(const char *root, struct sut_err *err) _must_check_;

/* A pure function. -EBADMSG. */
int health_parse(const void *text, size_t len, struct health *ret,
		 struct sut_err *err) _must_check_;

/*
 * Has them run, by the service where there is one, and waits. -EAGAIN (reason "health"): they could not be
 * run, so that nothing is known; -ESHUTDOWN: the machine is going down.
 */
int health_ask(struct apply *a, int64_t timeout_s, struct health *ret,
	       struct sut_err *err) _must_check_;

#endif
