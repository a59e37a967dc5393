// SPDX-License-Identifier: Apache-2.0
/* The administrator's choice: what is accepted is written and read again as the same. */
#include <string.h>

#include "base/str.h"
#include "common/choice.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct choice c, back;
	struct sut_err err = {0};
	json_t *j, *again;

	if (choice_parse(data, size, &c, &err) < 0) {
		FUZZ_ASSERT(err.code && err.msg[0]);
		return 0;
	}
	FUZZ_ASSERT(c.ntags <= CHOICE_TAGS_MAX);
	for (size_t i = 0; i < c.ntags; i++)
		FUZZ_ASSERT(choice_tag_valid(c.tags[i]));
	j = choice_json(&c);
	FUZZ_ASSERT(choice_from_json(j, &back, NULL) == 0);
	again = choice_json(&back);
	FUZZ_ASSERT(json_equal(j, again));
	FUZZ_ASSERT(!choice_held(&c, INT64_MAX) || c.hold_until == 0);
	json_decref(j);
	json_decref(again);
	return 0;
}
