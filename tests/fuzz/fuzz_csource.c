// SPDX-License-Identifier: Apache-2.0
/* A C source file, searched for its functions. */
#include <string.h>

#include "fix/csource.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sut_csource s = {0};
	uint32_t lines = 1;

	if (sut_csource_scan((const char *)data, len, &s) < 0)
		return 0;
	for (size_t i = 0; i < len; i++)
		lines += data[i] == '\n';
	for (size_t i = 0; i < s.n; i++) {
		const struct sut_cfunction *f = &s.functions[i];

		FUZZ_ASSERT(*f->name);
		FUZZ_ASSERT(f->first >= 1 && f->first <= f->body && f->body <= f->last);
		FUZZ_ASSERT(f->last <= lines);
		FUZZ_ASSERT(i == 0 || s.functions[i - 1].last <= f->first);
		FUZZ_ASSERT(sut_csource_function_at(&s, f->last));
	}
	sut_csource_release(&s);
	return 0;
}
