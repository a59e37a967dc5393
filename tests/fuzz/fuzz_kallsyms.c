// SPDX-License-Identifier: Apache-2.0
/* The read-only data of a kernel image, searched for its symbol table. */
#include <string.h>

#include "fuzz.h"
#include "target/kallsyms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sut_kallsyms k = {0};

	if (sut_kallsyms_decode(data, len, &k, NULL) < 0)
		return 0;
	for (size_t i = 0; i < k.n; i++) {
		FUZZ_ASSERT(strlen(k.syms[i].name) <= SUT_KALLSYMS_NAME_MAX);
		FUZZ_ASSERT(*k.syms[i].name);
		FUZZ_ASSERT(i == 0 || k.syms[i - 1].addr <= k.syms[i].addr);
	}
	sut_kallsyms_release(&k);
	return 0;
}
