/* SPDX-License-Identifier: Apache-2.0 */
/* When a system comes back. The portal says it, and spreads what began together. */
#ifndef SUTURE_PORTAL_FLEET_PACE_H
#define SUTURE_PORTAL_FLEET_PACE_H

#include <stdint.h>
#include <stdlib.h>

enum { PACE_FIRST_SEC = 30 }; /* the first check-in comes within this after enrolling */

/* sec, ten per cent more or less; at least 1. */
static inline int64_t pace(int64_t sec)
{
	uint32_t tenth = (uint32_t)(sec > 0 ? sec / 10 : 0);
	int64_t v = sec - tenth + arc4random_uniform(2 * tenth + 1);

	return v > 0 ? v : 1;
}

static inline int64_t pace_first(void)
{
	return 1 + arc4random_uniform(PACE_FIRST_SEC);
}

#endif
