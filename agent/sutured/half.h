/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the root half (suture-apply-state), as far as decisions need it. */
#ifndef SUTURE_AGENT_SUTURED_HALF_H
#define SUTURE_AGENT_SUTURED_HALF_H

#include <jansson.h>

#include "sutured/decide.h"

struct half {
	struct decide_half h;
	struct choice choice;
	char boot_id[37];
	bool probation;		  /* of the kernel's patch, or of a library's */
	int64_t probation_left_s; /* until the first is over */
};

/* A pure function. -EBADMSG (reason "root-half") names the member. Members that are not there are as when there is
 * nothing to tell; a choice that cannot be understood is an error, since what it forbids is not known. */
int half_read(const json_t *state, struct half *ret, struct sut_err *err) _must_check_;

/* The same for a library: the machine and its choice as in kernel, which half_read() made of the same state, and what this
 * library runs, what of it is quarantined and whether it was unloaded. */
int half_library(const struct half *kernel, const json_t *state, const char *build_id,
		 struct half *ret, struct sut_err *err) _must_check_;

#endif
