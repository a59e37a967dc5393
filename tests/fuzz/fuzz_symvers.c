// SPDX-License-Identifier: Apache-2.0
/* Module.symvers, and two .config files (the halves of the input). */
#include <string.h>

#include "fuzz.h"
#include "target/prepare.h"
#include "target/symvers.h"

static void compare_configs(const uint8_t *data, size_t len)
{
	_cleanup_buf_ struct sut_buf a = SUT_BUF_INIT(1 << 20), b = SUT_BUF_INIT(1 << 20),
				     diff = SUT_BUF_INIT(1 << 22);

	if (sut_buf_add(&a, data, len / 2) < 0 ||
	    sut_buf_add(&b, data + len / 2, len - len / 2) < 0)
		return;
	FUZZ_ASSERT(sut_config_compare(sut_buf_str(&a), sut_buf_str(&b), &diff) == 0);
	FUZZ_ASSERT(diff.len <= 2 * len + 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sut_symvers s = {0};

	compare_configs(data, len);
	if (sut_symvers_parse(data, len, &s, NULL) < 0)
		return 0;
	for (size_t i = 0; i < s.n; i++) {
		FUZZ_ASSERT(*s.exports[i].name && *s.exports[i].module);
		FUZZ_ASSERT(i == 0 || strcmp(s.exports[i - 1].name, s.exports[i].name) <= 0);
		FUZZ_ASSERT(sut_symvers_find(s.exports, s.n, s.exports[i].name));
	}
	sut_symvers_release(&s);
	return 0;
}
