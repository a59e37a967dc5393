/* SPDX-License-Identifier: Apache-2.0 */
/* What of agent.conf the root half obeys. */
#ifndef SUTURE_AGENT_APPLY_SETTINGS_H
#define SUTURE_AGENT_APPLY_SETTINGS_H

#include <stdint.h>

#include "apply.h"

struct settings {
	int64_t probation_s, health_s;
};

/* The defaults when agent.conf cannot be read; it is logged then. */
void settings_read(struct apply *a, struct settings *ret);

#endif
