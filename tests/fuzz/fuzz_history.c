// SPDX-License-Identifier: Apache-2.0
/* The history: whatever lies in the file, only entries come out, the newest last, and no more than were asked for. */
#include <string.h>

#include "common/history.h"
#include "common/when.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *all = history_parse(data, size, SIZE_MAX), *some = history_parse(data, size, 3);
	size_t n = json_array_size(all), m = json_array_size(some), i;
	const json_t *e;
	int64_t at;

	FUZZ_ASSERT(all && some && m == (n < 3 ? n : 3));
	json_array_foreach(all, i, e) {
		const char *when = json_string_value(json_object_get(e, "at"));

		FUZZ_ASSERT(when && when_parse(when, &at));
		FUZZ_ASSERT(json_is_string(json_object_get(e, "event")));
	}
	for (i = 0; i < m; i++)
		FUZZ_ASSERT(json_equal(json_array_get(some, i), json_array_get(all, n - m + i)));
	json_decref(all);
	json_decref(some);
	return 0;
}
