/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Check-ins: who comes is looked at, what it reports is kept when it is new, and it is told what to run and
 * when to come back. docs/formats/checkin.md
 */
#ifndef SUTURE_PORTAL_FLEET_CHECKIN_H
#define SUTURE_PORTAL_FLEET_CHECKIN_H

#include "web/web.h"

/* web_route.many of POST /v1/checkin. Problems: "invalid-field", "system-deleted", "credential-replaced",
 * "cloned". */
int checkin_many(struct web_req **q, struct web_resp **r, int *rets, size_t n,
		 struct sut_err *err) _must_check_;

#endif
