// SPDX-License-Identifier: Apache-2.0
/* tuf/filename.h: whatever a role or a target is called, its file is harmless and its own. */
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "tuf/filename.h"

/* Undoes percent-encoding; s holds nothing else than that. */
static void decode(const char *s, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = (uint8_t)s[i];

		if (s[i] == '%') {
			char hex[3] = {s[i + 1], s[i + 2], 0};

			FUZZ_ASSERT(sut_unhex(hex, &byte, 1) == 0);
			i += 2;
		}
		*out++ = (char)byte;
	}
	*out = 0;
}

static void check(const char *name, const char *suffix)
{
	_cleanup_(sut_freep) char *file = sut_tuf_file_name(name, suffix), *again = NULL;
	size_t len;

	if (!file)
		return;
	len = strlen(file);
	FUZZ_ASSERT(len <= SUT_TUF_FILE_MAX && sut_endswith(file, suffix));
	FUZZ_ASSERT(!strpbrk(file, "/\\\n \x7f"));
	FUZZ_ASSERT(*suffix || (*file != '.' && !sut_endswith(file, ".part")));
	if (sut_startswith(file, "sha256="))
		return;
	again = malloc(len + 1);
	if (!again)
		return;
	decode(file, len - strlen(suffix), again);
	FUZZ_ASSERT(!strcmp(again, name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1);

	if (!name)
		return 0;
	if (size)
		memcpy(name, data, size);
	name[size] = 0;
	if (*name) {
		check(name, "");
		check(name, ".json");
	}
	free(name);
	return 0;
}
