/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secret a system proves itself with: made by the portal and shown once, or by the agent, who then
 * tells its hash only. docs/internals/enrolment.md
 */
#ifndef SUTURE_PORTAL_FLEET_CREDENTIAL_H
#define SUTURE_PORTAL_FLEET_CREDENTIAL_H

#include "auth/token.h"
#include "base/cleanup.h"
#include "db/db.h"
#include "web/web.h"

/* Another enrolment's credential that nobody has used lapses after this. */
enum { CREDENTIAL_NEXT_SEC = 86400 };

struct credential {
	char text[SUT_TOKEN_MAX]; /* "" when the caller made it */
	uint8_t hash[SUT_TOKEN_HASH];
};

/* From "credential_sha256" (64 hexadecimal digits), or fresh when hex is NULL. 0; what web_bad_field()
 * returned; < 0. */
int credential_take(const char *hex, struct web_resp *r, struct credential *ret,
		    struct sut_err *err) _must_check_;
void credential_wipe(struct credential *c);
#define _cleanup_credential_ _cleanup_(credential_wipe)

/* The hash of the credential that the request came with; false when there is none. */
bool credential_of(const struct web_req *q, uint8_t ret[static SUT_TOKEN_HASH]);

/* Whose it is, in any tenant: 1 and the row id; 0 when it is nobody's; -ESTALE when it was good once and may
 * not come back. */
int credential_owner(struct sut_db *db, const uint8_t hash[static SUT_TOKEN_HASH],
		     int64_t *ret_system, struct sut_err *err) _must_check_;

/* Remembers why it is no longer good: "unregistered", "deleted", "replaced", "lapsed". */
int credential_retire(struct sut_db *db, const uint8_t hash[static SUT_TOKEN_HASH], int64_t now,
		      const char *reason, struct sut_err *err) _must_check_;

#endif
