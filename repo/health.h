/* SPDX-License-Identifier: Apache-2.0 */
/* How a published role is: how long it is valid, and whether somebody should do something. */
#ifndef SUTURE_REPO_HEALTH_H
#define SUTURE_REPO_HEALTH_H

#include "repo.h"

enum sut_health_state { SUT_HEALTH_OK, SUT_HEALTH_SOON, SUT_HEALTH_EXPIRED };

struct sut_health {
	enum sut_health_state state; /* SOON: half of its life is over */
	int64_t left;		     /* seconds; negative when expired */
	int64_t life;		     /* seconds a new file gets */
	size_t keys, good;	     /* of the role; signed by */
	uint32_t threshold;
};

void sut_health_of(const struct sut_repo *repo, const struct sut_tree_role *role,
		   struct sut_health *ret);

#endif
