// SPDX-License-Identifier: Apache-2.0
/* Windows of a job: the console takes just what agents take, which would refuse the whole manifest else. */
#include <stdlib.h>
#include <string.h>

#include "common/conf.h"
#include "fuzz.h"
#include "job/make.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent_window w;
	struct sut_err err = {0};
	char *text;

	if (size > SUT_JOB_WINDOW_MAX)
		return 0;
	text = strndup((const char *)data, size);
	FUZZ_ASSERT(text);
	FUZZ_ASSERT(job_window_ok(text) == (agent_window_parse(text, &w, &err) == 0));
	free(text);
	return 0;
}
