/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two things that change the kernel, each with the guard written before and after it
 * (docs/internals/agent.md, "Order of an apply"). Both are called with the lock held, and publish the new
 * state before they return.
 */
#ifndef SUTURE_AGENT_APPLY_ACT_H
#define SUTURE_AGENT_APPLY_ACT_H

#include <jansson.h>
#include <stdbool.h>

#include "apply.h"

struct act_opts {
	const char *by; /* who, for the history: "sutured", "root", "boot", "settle", "job ID" */
	const char *reason; /* unload: why; may be NULL */
	bool dry_run;
	bool down;	 /* apply: a lower level is meant */
	bool force;	 /* root: in spite of hold, pin, no-apply; never of quarantine or off */
	bool on_purpose; /* unload: a boot does not bring it back */
	bool again; /* apply: what was good before (a boot, a patch taken back): pin and hold are not asked */
};

/*
 * A staged patch. *ret_result (may be NULL): the suture-result with steps, also when it fails and there is
 * anything to tell; the caller's. A patch of this sha256 that is applied already is no change and no error.
 */
int act_apply(struct apply *a, const char *sha256, const struct act_opts *o, json_t **ret_result,
	      struct sut_err *err) _must_check_;

/* That nothing is applied is no error. */
int act_unload(struct apply *a, const struct act_opts *o, json_t **ret_result,
	       struct sut_err *err) _must_check_;

/* Did an unload since the last boot leave code that is not what it was? Only a reboot helps. */
bool act_residue(struct apply *a);

#endif
