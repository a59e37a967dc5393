/* SPDX-License-Identifier: Apache-2.0 */
/* Who is the agent that calls? Its request is signed (docs/formats/console-agent.md). */
#ifndef SUTURE_CONSOLE_AGENT_REQUEST_H
#define SUTURE_CONSOLE_AGENT_REQUEST_H

#include <stdint.h>

#include "auth/token.h"
#include "crypto/key.h"
#include "web/web.h"

enum { AGENT_JOB_KEY_MAX = 63 /* base64 of 42 bytes */ };

struct agent_who {
	int64_t host, tenant;
	char system_id[SUT_UID_LEN + 1];
	char job_key[AGENT_JOB_KEY_MAX + 1]; /* as the portal tells it */
	uint8_t key[SUT_ED25519_LEN];
	char nonce[128];
};

/*
 * Signature, time and System ID. system_id: of the URL, which must be who signed; NULL: the URL has none. 0, WEB_NO with
 * 401 signature-missing, signature-malformed, signature-invalid, clock; 403 system-unknown, system-differs; < 0.
 *
 * A call that waited (WEB_HOLD) and runs again was in time when it came; its signature is looked at again.
 *
 * Several tenants may know one system: it belongs to the one that knew it with this key first, so that nobody gets the
 * results of another's by claiming its system.
 */
int agent_request(struct web_req *q, struct web_resp *r, const char *system_id,
		  struct agent_who *ret, struct sut_err *err) _must_check_;

/* It runs again, after it waited. */
static inline bool agent_waited(const struct web_req *q)
{
	return q->wait_key != 0;
}

/* The nonce is not one of before; in a WRITE transaction it is written down, else it is noted (agent/notes.h). 0,
 * WEB_NO with 401 replayed, < 0. Once for each request. */
int agent_fresh(struct web_req *q, struct web_resp *r, const struct agent_who *who,
		struct sut_err *err) _must_check_;

/* The 32 bytes of "base64 of 42 bytes, the second line of a .pub file". -EBADMSG. */
int agent_job_key(const char *text, uint8_t ret[static SUT_ED25519_LEN]) _must_check_;

#endif
