/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a check-in, as it must be. */
#ifndef SUTURE_AGENT_SUTURED_TOLD_H
#define SUTURE_AGENT_SUTURED_TOLD_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "common/conf.h"

enum {
	TOLD_LIBRARIES_MAX = 256,
	TOLD_HELD_MAX = 64,
	TOLD_NOTICES_MAX = 16,
	TOLD_TEXT_MAX = 256,
	TOLD_CVES_MAX = 1024,
	TOLD_CVE_MAX = 31
};

struct told {
	int64_t serial;
	int64_t next_checkin_s; /* 1 … a day */
	int64_t next_check_s;	/* a minute … a week */
	char feed[AGENT_NAME_MAX + 1];
	json_t *kernel;	   /* {action, patchset, level} and, with "apply", {path, sha256, length} */
	json_t *libraries; /* list of the same with build_id */
	json_t *held; /* list of {patchset, level, reason, until, cves}, with build_id when it is about a library; TOLD_CVES_MAX of these in all */
	json_t *notices; /* list of printable words, bounded */
};
void told_release(struct told *t);
#define _cleanup_told_ _cleanup_(told_release)

/* Pure. -EPROTO (reason "portal-malformed") names the member. What is for people only (held, notices) is cut to
 * what it may be. */
int told_parse(const json_t *body, struct told *ret, struct sut_err *err) _must_check_;

#endif
