// SPDX-License-Identifier: Apache-2.0
/* A coverage document of a portal that is not what it should be. What is in the index is in order, and is found. */
#include "fuzz.h"
#include "map/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct map_index *x = NULL;

	if (index_new(data, size, &x, NULL) < 0) {
		FUZZ_ASSERT(!x);
		return 0;
	}
	for (size_t i = 0; i < index_count(x); i++) {
		const struct index_target *t = index_at(x, i);

		FUZZ_ASSERT(index_by_build_id(x, t->build_id) == t);
		FUZZ_ASSERT(!t->package || index_by_package(x, t->package, t->version));
		for (size_t k = 0; k < t->nfixes; k++) {
			FUZZ_ASSERT(index_fix(t, t->fixes[k].cve) == &t->fixes[k]);
			FUZZ_ASSERT(!k || t->fixes[k - 1].cve < t->fixes[k].cve);
		}
		for (size_t k = 1; k < t->nlevels; k++)
			FUZZ_ASSERT(t->levels[k - 1].level <= t->levels[k].level);
	}
	index_unref(x);
	return 0;
}
