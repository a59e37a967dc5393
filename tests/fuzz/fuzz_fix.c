// SPDX-License-Identifier: Apache-2.0
/* fixset/fixset.h: the files a unified diff names; none of them may leave the tree. */
#include <string.h>

#include "fuzz.h"
#include "fixset/fixset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_strv files = {0};

	if (sut_fix_files((const char *)data, size, &files, NULL) == 0) {
		FUZZ_ASSERT(files.n > 0 && files.n <= SUT_FIX_FILES_MAX);
		for (size_t i = 0; i < files.n; i++) {
			FUZZ_ASSERT(*files.v[i] && *files.v[i] != '/');
			FUZZ_ASSERT(strcmp(files.v[i], "..") && strncmp(files.v[i], "../", 3));
			FUZZ_ASSERT(!strstr(files.v[i], "/../"));
		}
	}
	sut_strv_release(&files);
	return 0;
}
