/* SPDX-License-Identifier: Apache-2.0 */
/* What a system should run, by its own policy, its key's and its feed's. */
#ifndef SUTURE_PORTAL_FLEET_DECISION_H
#define SUTURE_PORTAL_FLEET_DECISION_H

#include "feed/decisions.h"
#include "fleet/system.h"

/* What it should run. *ret_view: put back by decisions_put(); in and out point into it and into s. */
int system_decide(struct portal *p, struct sut_db *db, const struct fleet_system *s, int64_t now,
		  const struct feed_view **ret_view, struct decide_in *ret_in,
		  struct decide_out *ret, struct sut_err *err) _must_check_;

#endif
