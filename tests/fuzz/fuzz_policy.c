// SPDX-License-Identifier: Apache-2.0
/* /etc/suture/suture.conf: only a text that says so, or says nothing, allows. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "kernel/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_policy p = {0}, again = {0};
	struct sut_err err = {0};
	int r = sut_policy_parse(data, size, &p, &err);

	if (r < 0) {
		FUZZ_ASSERT(r == -EBADMSG && sut_streq(err.reason, "policy"));
		FUZZ_ASSERT(!p.insecure_local);
		for (const char *c = err.msg; *c; c++)
			FUZZ_ASSERT((*c >= ' ' && *c <= '~') || *c == '\t');
		return 0;
	}
	FUZZ_ASSERT(size <= SUT_POLICY_MAX && err.code == 0);
	/* A text that is accepted and has the word outside of comments is one setting. */
	if (size && p.insecure_local && !memchr(data, '#', size))
		FUZZ_ASSERT(!memmem(data, size, "refuse", 6));
	if (!p.insecure_local)
		FUZZ_ASSERT(memmem(data, size, "refuse", 6) != NULL);
	FUZZ_ASSERT(sut_policy_parse(data, size, &again, NULL) == 0);
	FUZZ_ASSERT(again.insecure_local == p.insecure_local);
	return 0;
}
