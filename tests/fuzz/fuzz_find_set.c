// SPDX-License-Identifier: Apache-2.0
/* What is read as a find set is one, and is written as the same. */
#include <string.h>

#include "find/set.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_find_set_ struct find_set s = {0}, back = {0};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(FIND_SET_BLOB_MAX);
	uint8_t hash[FIND_SET_HASH];

	if (find_set_read(data, size, &s, NULL) < 0) {
		FUZZ_ASSERT(!s.v);
		return 0;
	}
	FUZZ_ASSERT(s.n <= FIND_SET_MAX);
	if (find_set_write(&s, &b, hash, NULL) < 0)
		return 0;
	FUZZ_ASSERT(find_set_read(b.data, b.len, &back, NULL) == 0);
	FUZZ_ASSERT(back.n == s.n && (!s.n || !memcmp(back.v, s.v, s.n * sizeof(*s.v))));
	return 0;
}
