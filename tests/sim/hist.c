// SPDX-License-Identifier: Apache-2.0
#include "hist.h"

/* Values below 64 have a slot each; above, each power of two has 64. */
static unsigned int slot_of(uint64_t v)
{
	unsigned int power, slot;

	if (v < HIST_SUB)
		return (unsigned int)v;
	power = 63 - (unsigned int)__builtin_clzll(v); /* 6 or more */
	slot = (power - 5) * HIST_SUB + (unsigned int)((v >> (power - 6)) - HIST_SUB);
	return slot < HIST_SLOTS ? slot : HIST_SLOTS - 1;
}

/* The largest value of a slot. */
static uint64_t value_of(unsigned int slot)
{
	unsigned int power = slot / HIST_SUB + 5;

	if (slot < HIST_SUB)
		return slot;
	return ((uint64_t)(slot % HIST_SUB + HIST_SUB + 1) << (power - 6)) - 1;
}

void hist_add(struct hist *h, uint64_t value)
{
	h->slots[slot_of(value)]++;
	h->n++;
	if (value > h->max)
		h->max = value;
}

uint64_t hist_at(const struct hist *h, double share)
{
	uint64_t want = (uint64_t)(share * (double)h->n), seen = 0;

	if (!h->n)
		return 0;
	if (want >= h->n)
		return h->max;
	for (unsigned int i = 0; i < HIST_SLOTS; i++) {
		seen += h->slots[i];
		if (seen > want)
			return value_of(i) < h->max ? value_of(i) : h->max;
	}
	return h->max;
}
