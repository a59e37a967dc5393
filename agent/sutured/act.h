/* SPDX-License-Identifier: Apache-2.0 */
/* What was decided, done: by the root half, with what was fetched. What fails is noted, told to the portal and tried
 * again later. */
#ifndef SUTURE_AGENT_SUTURED_ACT_H
#define SUTURE_AGENT_SUTURED_ACT_H

#include "sutured/repository.h"
#include "sutured/situation.h"

struct act_done {
	json_t *result; /* suture-result; NULL */
	/* What only root may apply (hold, pin and mode are root's word): staged, {"sha256", "id", "level", "down"} */
	json_t *staged;
};
void act_done_release(struct act_done *d);

/* Fetches it, and has the root half stage it. */
int act_bring_patch(struct net *n, struct task *t, struct repository *r,
		    const struct decide_level *l, struct sut_err *err) _must_check_;

int act_apply(struct net *n, struct task *t, struct repository *r, const struct situation *s,
	      const struct update_ask *ask, struct act_done *ret, struct sut_err *err) _must_check_;
int act_unload(struct net *n, struct task *t, const struct situation *s,
	       const struct update_ask *ask, struct act_done *ret,
	       struct sut_err *err) _must_check_;

#endif
