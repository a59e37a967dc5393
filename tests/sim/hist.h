/* SPDX-License-Identifier: Apache-2.0 */
/* How often each duration was seen, to 1/64 of its value, in fixed memory. */
#ifndef SUTURE_SIM_HIST_H
#define SUTURE_SIM_HIST_H

#include <stdint.h>

enum { HIST_SUB = 64, HIST_SLOTS = HIST_SUB * 40 };

struct hist {
	uint64_t slots[HIST_SLOTS];
	uint64_t n, max;
};

/* value: microseconds, or whatever unit is wanted back. */
void hist_add(struct hist *h, uint64_t value);
/* The value that share (0…1) of all are not above; 0 when there are none. */
uint64_t hist_at(const struct hist *h, double share);

#endif
