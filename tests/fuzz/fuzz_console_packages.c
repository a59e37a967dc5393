// SPDX-License-Identifier: Apache-2.0
/* Package lists, as agents send them to a console. */
#include <string.h>

#include "fleet/packages.h"
#include "fuzz.h"
#include "pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packages p = {0}, again = {0};
	struct sut_err err = {0};

	if (packages_parse(data, size, &p, &err) < 0) {
		FUZZ_ASSERT(err.msg[0]);
		return 0;
	}
	FUZZ_ASSERT(json_array_size(p.list) <= PACKAGES_MAX);
	for (size_t i = 0; i < json_array_size(p.list); i++) {
		const json_t *e = json_array_get(p.list, i);

		FUZZ_ASSERT(json_array_size(e) == 4);
		for (size_t k = 0; k < 4; k++) {
			size_t n = json_string_length(json_array_get(e, k));

			FUZZ_ASSERT(n && n <= PACKAGES_TEXT_MAX);
		}
	}
	/* What is kept is a list itself, and the same one. */
	{
		_cleanup_buf_ struct sut_buf text = SUT_BUF_INIT(16 << 20);

		FUZZ_ASSERT(unpack(p.packed.data, p.packed.len, &text, &err) == 0);
		if (text.len <= PACKAGES_BYTES_MAX) {
			FUZZ_ASSERT(packages_parse(text.data, text.len, &again, &err) == 0);
			FUZZ_ASSERT(strcmp(p.hash, again.hash) == 0);
			packages_release(&again);
		}
	}
	packages_release(&p);
	return 0;
}
