// SPDX-License-Identifier: Apache-2.0
/* What sutured keeps of a job, as a damaged disk may give it back: what is read is what is written again. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "sutured/job_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct job_record r = {0}, again = {0};
	struct sut_err err = {0};
	json_t *j;
	char *text;

	if (job_record_parse(data, size, &r, &err) < 0) {
		FUZZ_ASSERT(err.code && !r.envelope && !r.result);
		return 0;
	}
	FUZZ_ASSERT(*r.id && strlen(r.digest) == 64 && r.expires > 0 && r.exit >= 0);
	FUZZ_ASSERT(r.state == JOB_DONE || r.envelope);
	j = job_record_json(&r);
	FUZZ_ASSERT(j);
	text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	FUZZ_ASSERT(text);
	if (strlen(text) <= JOB_RECORD_MAX) {
		FUZZ_ASSERT(job_record_parse(text, strlen(text), &again, &err) == 0);
		FUZZ_ASSERT(sut_streq(again.id, r.id) && sut_streq(again.digest, r.digest));
		FUZZ_ASSERT(again.state == r.state && again.expires == r.expires);
	}
	free(text);
	job_record_release(&again);
	job_record_release(&r);
	return 0;
}
