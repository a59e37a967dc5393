// SPDX-License-Identifier: Apache-2.0
/* Manifests of jobs: what is accepted keeps every limit, and names a system and an end. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "job/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_job j = {0};
	struct sut_err err = {0};
	int r = sut_job_parse(data, size, &j, &err);
	bool wanted;

	if (r < 0) {
		FUZZ_ASSERT((r == -EBADMSG && sut_streq(err.reason, "format")) ||
			    (r == -EPROTONOSUPPORT && sut_streq(err.reason, "version")));
		FUZZ_ASSERT(!j.targets && !j.systems.v);
		return 0;
	}
	FUZZ_ASSERT(size <= SUT_JOB_MANIFEST_MAX && *j.id && !strchr(j.id, '/'));
	FUZZ_ASSERT(j.systems.n + j.external_ids.n >= 1);
	FUZZ_ASSERT(j.systems.n <= SUT_JOB_SYSTEMS_MAX && j.windows.n <= SUT_JOB_WINDOWS_MAX);
	FUZZ_ASSERT(j.expires > j.created &&
		    j.expires - j.created <= (int64_t)SUT_JOB_DAYS_MAX * 86400);
	FUZZ_ASSERT(j.kernel || j.library);
	wanted = j.action == SUT_JOB_APPLY || j.action == SUT_JOB_PREFLIGHT;
	FUZZ_ASSERT(wanted ? j.ntargets >= 1 && j.ntargets <= SUT_JOB_TARGETS_MAX : !j.ntargets);
	for (size_t i = 0; i < j.ntargets; i++) {
		FUZZ_ASSERT((j.targets[i].goal == SUT_JOB_LEVEL) == (j.targets[i].level > 0));
		FUZZ_ASSERT((j.targets[i].goal == SUT_JOB_PATCHSET) ==
			    (*j.targets[i].patchset != 0));
		FUZZ_ASSERT(sut_job_target(&j, j.targets[i].build_id) == &j.targets[i]);
	}
	FUZZ_ASSERT(!sut_job_names(&j, NULL, NULL) && !sut_job_names(&j, "", ""));
	FUZZ_ASSERT(sut_job_fresh(&j, j.expires, NULL) == -ETIME);
	FUZZ_ASSERT(sut_job_fresh(&j, j.expires - 1, NULL) == 0 || j.not_before >= j.expires);
	sut_job_release(&j);
	return 0;
}
