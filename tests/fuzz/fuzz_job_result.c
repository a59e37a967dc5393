// SPDX-License-Identifier: Apache-2.0
/* Results of jobs, as a console gets them from systems that may say anything. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "job/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_job_result got = {0};
	struct sut_err err = {0};
	int r = sut_job_result_parse(data, size, &got, &err);

	if (r < 0) {
		FUZZ_ASSERT((r == -EBADMSG && sut_streq(err.reason, "format")) ||
			    (r == -EPROTONOSUPPORT && sut_streq(err.reason, "version")));
		FUZZ_ASSERT(!got.root);
		return 0;
	}
	FUZZ_ASSERT(size <= SUT_JOB_RESULT_MAX && json_is_object(got.root));
	FUZZ_ASSERT(*got.system_id && *got.outcome && strlen(got.outcome) <= 40);
	FUZZ_ASSERT(got.exit >= 0 && got.exit <= 255 && (!got.job || *got.job));
	sut_job_result_release(&got);
	return 0;
}
