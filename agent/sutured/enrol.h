/* SPDX-License-Identifier: Apache-2.0 */
/* How this machine becomes a system, a system of its own, and none any more. docs/internals/enrolment.md */
#ifndef SUTURE_AGENT_SUTURED_ENROL_H
#define SUTURE_AGENT_SUTURED_ENROL_H

#include "sutured/net.h"
#include "sutured/portal.h"

/* The answer of an enrolment or a split, as it must be. */
struct enrolled {
	char system_id[SUT_UID_LEN + 1];
	char feed[AGENT_NAME_MAX + 1];
	char repository[AGENT_URL_MAX + 1]; /* "" when not said, or no address */
	int64_t serial, next_checkin_s;
};
/* Pure. -EPROTO (reason "portal-malformed") names the member. */
int enrolled_parse(const json_t *body, struct enrolled *ret, struct sut_err *err) _must_check_;

/* A credential for it, in id.next and durable (as far as the disk lets us), or the one that is there already. */
int enrol_credential(struct net *n, bool fresh, struct sut_err *err) _must_check_;
/* Adds credential_sha256 of id.next to body. */
int enrol_prove(struct net *n, json_t *body, struct sut_err *err) _must_check_;
/* id.next becomes the credential, the rest follows from e; durable. */
int enrol_take(struct net *n, const struct enrolled *e, struct sut_err *err) _must_check_;

/* POST /v1/split with id.credential. 0: this machine has a System ID of its own. -ENOLINK (reason "not-cloned"): it has the one
 * that it had. Other errors: still "cloned". *ret_retry_s: try again then. */
int split(struct net *n, int64_t *ret_retry_s, struct sut_err *err) _must_check_;

#endif
