// SPDX-License-Identifier: Apache-2.0
/* tuf/json.h: any bytes. The canonical form is a fixed point. */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "tuf/json.h"

static bool has_control(const struct sut_buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] < 32)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct sut_buf once = SUT_BUF_INIT(size), twice = SUT_BUF_INIT(size);
	_cleanup_json_ json_t *j = NULL, *again = NULL;
	struct sut_err err = {0};

	if (sut_json_parse(data, size, "x", &j, &err) < 0) {
		FUZZ_ASSERT(!j && err.code && err.msg[0]);
		return 0;
	}
	FUZZ_ASSERT(json_is_object(j));
	/* It is never longer than what was read. */
	FUZZ_ASSERT(sut_json_canonical(j, &once, &err) == 0);
	FUZZ_ASSERT(once.len >= 2 && !memchr(once.data, 0, once.len));
	if (sut_json_parse(once.data, once.len, "x", &again, &err) < 0) {
		/* It has control characters as they are, which JSON has not. */
		FUZZ_ASSERT(has_control(&once));
		return 0;
	}
	FUZZ_ASSERT(json_equal(j, again));
	FUZZ_ASSERT(sut_json_canonical(again, &twice, &err) == 0);
	FUZZ_ASSERT(once.len == twice.len && !memcmp(once.data, twice.data, once.len));
	return 0;
}
