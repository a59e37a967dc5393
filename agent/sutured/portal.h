/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the portal's API, and what its answers mean to an administrator. */
#ifndef SUTURE_AGENT_SUTURED_PORTAL_H
#define SUTURE_AGENT_SUTURED_PORTAL_H

#include <jansson.h>

#include "sutured/net.h"

enum {
	PORTAL_ANSWER_MAX = 256 << 10, /* bytes; the portal of another may send what it likes */
	PORTAL_DEPTH = 16,
	PORTAL_DETAIL_MAX = 512,
};

struct portal_answer {
	int status;
	json_t *body; /* an object, when status is 2xx and it has one; the caller's */
	char code[SUT_ERR_REASON_MAX];	/* of a problem; "" */
	char detail[PORTAL_DETAIL_MAX]; /* printable; "" */
	unsigned int retry_after;	/* seconds; 0: not said */
};
void portal_answer_release(struct portal_answer *a);
#define _cleanup_answer_ _cleanup_(portal_answer_release)

/*
 * POST path ("/v1/…") with body (borrowed; NULL: none) to the portal at base. token: of Authorization; NULL: none. Any status is an answer; but
 * one with a redirect, or a 2xx whose body is no JSON object (200, 201), is -EPROTO (reason "portal-malformed"). Else errors of
 * sut_http_request(), with reason "portal-unreachable" unless there is a better one.
 */
int portal_post(struct net *n, const char *base, const char *path, const char *token,
		const json_t *body, struct portal_answer *ret, struct sut_err *err) _must_check_;

/* An answer that says no, as an error: its reason is the code, its message says what to do. Returns -err->code: -ENOKEY for keys,
 * -EEXIST for conflicts, -EAGAIN when it may work later, -EREMOTEIO otherwise. */
int portal_refused(const struct portal_answer *a, struct sut_err *err);

#endif
