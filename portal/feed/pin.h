/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pin: "run nothing beyond this". Written as
 *   level:3               levels up to 3 (systems and keys only: a level means something for one kernel)
 *   patchset:K20261121_01 what that patchset has for the kernel, and everything before it
 *   date:2026-11-21       patchsets created up to the end of that day, in UTC
 */
#ifndef SUTURE_PORTAL_FEED_PIN_H
#define SUTURE_PORTAL_FEED_PIN_H

#include <stdint.h>

#include "base/err.h"

enum { FEED_PIN_MAX = 80 /* bytes of the text */, FEED_PATCHSET_MAX = 63 };

struct feed_pin {
	enum { FEED_PIN_NONE, FEED_PIN_LEVEL, FEED_PIN_PATCHSET, FEED_PIN_DATE } kind;
	uint32_t level;			      /* LEVEL: 1 or more */
	char patchset[FEED_PATCHSET_MAX + 1]; /* PATCHSET */
	int64_t created; /* DATE: created before this time. PATCHSET: when that one was created, for
			  * kernels it has nothing for; 0: not known, then nothing passes */
};

/* A pure function of the text; NULL or "" is no pin. -EINVAL with the three forms. */
int feed_pin_parse(const char *text, struct feed_pin *ret, struct sut_err *err) _must_check_;

#endif
