// SPDX-License-Identifier: Apache-2.0
/* agent/suture/redact.h */
#include <ctype.h>
#include <string.h>

#include "fuzz.h"
#include "redact.h"

/* A key of ours at the beginning of a word. */
static void no_keys(const char *s)
{
	static const char tail[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	for (const char *p = s; (p = strstr(p, "sutsys_")); p++)
		FUZZ_ASSERT((p > s && (isalnum((unsigned char)p[-1]) || strchr("._%+-", p[-1]))) ||
			    strspn(p + 7, tail) < 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct sut_buf once = SUT_BUF_INIT(1 << 24);

	FUZZ_ASSERT(redact(data, size, &once) == 0);
	for (size_t i = 0; i < once.len; i++)
		FUZZ_ASSERT(once.data[i] >= ' ' || once.data[i] == '\n' || once.data[i] == '\t');
	no_keys(sut_buf_str(&once));
	FUZZ_ASSERT(!strstr(sut_buf_str(&once), "-----BEGIN "));
	return 0;
}
