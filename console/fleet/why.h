/* SPDX-License-Identifier: Apache-2.0 */
/* Why is this system not patched further? What the portal decides, what the agent reports, and what is in the way between. */
#ifndef SUTURE_CONSOLE_FLEET_WHY_H
#define SUTURE_CONSOLE_FLEET_WHY_H

#include "link/link.h"

enum { WHY_MAX = 32 /* entries */ };

/*
 * A list of {"code", "text", "until"}, the most telling first. Codes: of the portal's `held` (delay, held, withdrawn, pin,
 * system-hold), of the system's report (its own codes), states (failed, quarantined, off, unsupported, reboot-needed, pending),
 * and unregistered, silent, portal-away, no-patch, current. decision: as the portal tells it; NULL: it was not asked.
 */
json_t *why_list(const json_t *portal, const char *state, bool registered, bool silent,
		 bool portal_ok, const json_t *decision);

/* The portal's decision for a system, when it answers within some seconds and is not known to be away; else *ret is NULL. */
int why_ask(struct web_req *q, const char *system_id, json_t **ret,
	    struct sut_err *err) _must_check_;

#endif
