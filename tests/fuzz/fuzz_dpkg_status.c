// SPDX-License-Identifier: Apache-2.0
/* The status file of dpkg. */
#include <string.h>

#include "fuzz.h"
#include "sutured/packages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *f = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	json_t *list, *e;
	size_t i;

	if (!f)
		return 0;
	list = packages_of_dpkg(f);
	fclose(f);
	FUZZ_ASSERT(list);
	FUZZ_ASSERT(json_array_size(list) <= PACKAGES_COUNT_MAX);
	json_array_foreach(list, i, e) {
		FUZZ_ASSERT(json_array_size(e) >= 2 && json_array_size(e) <= 4);
		for (size_t k = 0; k < json_array_size(e); k++) {
			const char *s = json_string_value(json_array_get(e, k));

			FUZZ_ASSERT(s && *s && strlen(s) <= PACKAGES_WORD_MAX);
		}
	}
	json_decref(list);
	return 0;
}
