/* SPDX-License-Identifier: Apache-2.0 */
/* Which system has a credential. */
#ifndef SUTURE_PORTAL_FLEET_AUTHENTICATE_H
#define SUTURE_PORTAL_FLEET_AUTHENTICATE_H

#include <stdint.h>

#include "base/err.h"

struct web_job;

/* server_program.authenticate_system: fills q.who, or answers 401, 403, 410. */
int fleet_authenticate(struct web_job *j, const uint8_t *hash, struct sut_err *err) _must_check_;

#endif
