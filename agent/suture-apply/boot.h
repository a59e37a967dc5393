/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What suture-apply does of itself: after a boot, before the machine goes down, and when a probation is over;
 * and the verbs of the administrator.
 */
#ifndef SUTURE_AGENT_APPLY_BOOT_H
#define SUTURE_AGENT_APPLY_BOOT_H

#include "apply.h"
#include "guard.h"
#include "verb.h"

/* `suture-apply boot`: takes the lock, decides by guard_boot(), applies what it says. What it does not do
 * is told (log, history, state); an error is returned for what even that could not be done for. */
int apply_boot(struct apply *a, struct sut_err *err) _must_check_;

/* `suture-apply shutdown`: the boot id into AGENT_CLEAN. Does not wait for the lock. */
int apply_shutdown(struct apply *a, struct sut_err *err) _must_check_;

/* `suture-apply health`, in suture-health.service: runs the health checks. */
int apply_health(struct apply *a, struct sut_err *err) _must_check_;

/* `suture-apply leave`, before the package is removed: takes the patch out. What is kept stays, and an agent that is
 * installed again goes on where this one ended. */
int apply_leave(struct apply *a, struct sut_err *err) _must_check_;

/*
 * guard_read() of this kernel, with what a suture-apply that was killed in this boot left mended: applying
 * becomes probation or idle, as the engine says. With the lock held. Every verb that changes begins with it.
 */
int apply_recover(struct apply *a, const struct machine_kernel *k, struct guard *ret,
		  struct sut_err *err) _must_check_;

/* Ends a probation that is over, whichever way; 0 when there is none. With the lock held. */
int apply_settle(struct apply *a, struct sut_err *err) _must_check_;

int verb_settle(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err);
int verb_release(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err);
int verb_choose(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err);
int verb_forget(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err);

#endif
