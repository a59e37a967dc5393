// SPDX-License-Identifier: Apache-2.0
/* Signature-Input and Signature, a line each: what is accepted is the one form that is written. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "job/httpsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *signature;
	struct sut_httpsig s;
	struct sut_err err = {0};
	int r;

	FUZZ_ASSERT(text);
	memcpy(text, data, size);
	text[size] = 0;
	signature = strchr(text, '\n');
	if (signature)
		*signature++ = 0;
	else
		signature = text + strlen(text);
	signature[strcspn(signature, "\n")] = 0;
	r = sut_httpsig_parse(text, signature, &s, &err);
	FUZZ_ASSERT(r == 0 || (r == -EBADMSG && sut_streq(err.reason, "signature-input")));
	if (r == 0) {
		FUZZ_ASSERT(s.n <= SUT_HTTPSIG_COMPONENTS && s.inner[0] == '(');
		FUZZ_ASSERT(!strpbrk(s.inner, "\r\n"));
		FUZZ_ASSERT(s.params.created >= -1 && s.params.expires >= -1);
		for (size_t i = 0; i < s.n; i++)
			for (size_t j = 0; j < i; j++)
				FUZZ_ASSERT(!sut_streq(s.names[i], s.names[j]));
	}
	free(text);
	return 0;
}
