// SPDX-License-Identifier: Apache-2.0
/* library/map.h: strings of a map end within it, and nothing without size is told. */
#include <string.h>

#include "fuzz.h"
#include "library/map.h"

static void check(const struct sut_map_entry *v, size_t n, int placed)
{
	for (size_t i = 0; i < n; i++) {
		FUZZ_ASSERT(v[i].size && *v[i].file && v[i].section && v[i].member);
		FUZZ_ASSERT(!*v[i].output == !placed);
		FUZZ_ASSERT(strlen(v[i].section) + strlen(v[i].member) < SUT_MAP_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_map *m = NULL;

	if (sut_map_parse(data, size, &m, NULL) == 0) {
		check(m->placed, m->nplaced, 1);
		check(m->discarded, m->ndiscarded, 0);
	}
	sut_map_free(m);
	return 0;
}
