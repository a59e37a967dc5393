/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the network half speaks to the root half. What the root half says is believed; it does not believe us.
 */
#ifndef SUTURE_AGENT_SUTURED_APPLY_H
#define SUTURE_AGENT_SUTURED_APPLY_H

#include <jansson.h>

#include "wire/wire.h"
#include "sutured/net.h"

/* request is taken over. *ret (may be NULL) is set for both kinds of answer, as by wire_call(). Progress goes on to t
 * (may be NULL). */
int apply_call(struct net *n, struct task *t, json_t *request, const struct wire_fds *fds,
	       int timeout_ms, json_t **ret, struct sut_err *err) _must_check_;

/*
 * The state of the root half (suture-apply-state), the caller's. Read from AGENT_APPLY_STATE, which costs nothing; asked for by
 * `status` the first time (the file has no product_uuid), when there is no such file of this boot, when it is hours old (a minute, when metrics are wanted), or when `ask`.
 */
int apply_state(struct net *n, bool ask, json_t **ret, struct sut_err *err) _must_check_;

#endif
