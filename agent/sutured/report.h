/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a check-in: docs/formats/checkin.md */
#ifndef SUTURE_AGENT_SUTURED_REPORT_H
#define SUTURE_AGENT_SUTURED_REPORT_H

#include <jansson.h>

#include "crypto/sha256.h"
#include "sutured/net.h"

enum { REPORT_ERRORS_MAX = 16, REPORT_QUARANTINED_MAX = 32, REPORT_MESSAGE_MAX = 512 };

struct report {
	json_t *body;
	char facts[SUT_SHA256_HEX]; /* of hostname and facts, as they are now */
	char what[SUT_SHA256_HEX]; /* of what would be news: all but serial, nonce, uptime, facts */
};
void report_release(struct report *r);
#define _cleanup_report_ _cleanup_(report_release)

/* apply: the state of the root half; NULL: it does not answer, which is said among the errors. known_facts: what the portal
 * has heard before ("": nothing); they are left out when they are still so. */
int report_make(struct net *n, const json_t *apply, const char *known_facts, struct report *ret,
		struct sut_err *err) _must_check_;

/* Pure. The word of docs/formats/checkin.md that follows from the state of the root half alone, "" when what is told counts
 * ("current", "pending", "held", "failed"). */
const char *report_state(const json_t *apply);

#endif
