// SPDX-License-Identifier: Apache-2.0
/* elf/object.h: relocatable objects; what was read can be written, and reads the same again. */
#include <string.h>

#include "elf/object.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_object *o = NULL, *again = NULL;
	struct sut_buf b = SUT_BUF_INIT(64 << 20);
	uint8_t *copy = malloc(size ? size : 1); /* aligned, as a file that was read */

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	if (sut_object_parse(copy, size, &o, NULL) == 0) {
		FUZZ_ASSERT(o->nsections >= 1 && o->nsyms >= 1);
		if (sut_object_write(o, &b, NULL) == 0 &&
		    sut_object_parse(b.data, b.len, &again, NULL) == 0) {
			FUZZ_ASSERT(again->nsections == o->nsections);
			for (uint32_t i = 1; i < o->nsections; i++) {
				FUZZ_ASSERT(!strcmp(o->sections[i].name, again->sections[i].name));
				FUZZ_ASSERT(o->sections[i].size == again->sections[i].size);
				FUZZ_ASSERT(o->sections[i].nrelas == again->sections[i].nrelas);
			}
			FUZZ_ASSERT(again->nsyms == o->nsyms);
		}
	}
	sut_object_free(o);
	sut_object_free(again);
	sut_buf_release(&b);
	free(copy);
	return 0;
}
