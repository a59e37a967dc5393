/* SPDX-License-Identifier: Apache-2.0 */
/* Tells contents of a recorded build apart; nobody attacks it. Shared by suture-record, which is linked with nothing of ours. */
#ifndef SUTURE_BUILDER_LIBRARY_HASH_H
#define SUTURE_BUILDER_LIBRARY_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { HASH_TEXT = 16 + 16 + 1 + 8 + 1 }; /* bytes of its text, with NUL */

static inline uint64_t hash_mix(uint64_t h, uint64_t v, uint64_t k)
{
	h = (h ^ v) * k;
	return h ^ (h >> 29);
}

static inline void hash_text(const uint8_t *p, size_t len, char out[static HASH_TEXT])
{
	uint64_t a = 0x9e3779b97f4a7c15, b = 0xc2b2ae3d27d4eb4f;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t v = 0;

		memcpy(&v, p + i, len - i < 8 ? len - i : 8);
		a = hash_mix(a, v, 0xff51afd7ed558ccd);
		b = hash_mix(b, v + i, 0xc4ceb9fe1a85ec53);
	}
	a = hash_mix(a, len, 0x165667b19e3779f9);
	b = hash_mix(b, a, 0x27d4eb2f165667c5);
	snprintf(out, HASH_TEXT, "%016llx%016llx-%08x", (unsigned long long)a,
		 (unsigned long long)b, (unsigned int)(len & 0xffffffff));
}

#endif
