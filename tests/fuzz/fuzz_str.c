// SPDX-License-Identifier: Apache-2.0
/* base/str.h: numbers and hexadecimal from text of any kind. */
#include <string.h>

#include "base/str.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1), *again;
	uint64_t v = 0, w = 0;
	uint8_t *raw;
	size_t len;

	if (!s)
		return 0;
	if (size)
		memcpy(s, data, size);
	s[size] = 0;

	if (sut_parse_u64(s, UINT64_MAX, &v) == 0) {
		/* A number written out again is the same number. */
		again = sut_sprintf("%llu", (unsigned long long)v);
		FUZZ_ASSERT(!again || (sut_parse_u64(again, v, &w) == 0 && w == v));
		free(again);
		FUZZ_ASSERT(v == 0 || sut_parse_u64(s, v - 1, &w) < 0);
	}

	len = strlen(s) / 2;
	raw = malloc(len + 1);
	again = malloc(2 * len + 1);
	if (raw && again && sut_unhex(s, raw, len) == 0) {
		sut_hex(raw, len, again);
		FUZZ_ASSERT(strlen(again) == 2 * len && !strcasecmp(again, s));
	}
	free(raw);
	free(again);
	free(s);
	return 0;
}
