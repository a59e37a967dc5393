// SPDX-License-Identifier: Apache-2.0
#include "job/find.h"

#include <stdlib.h>

void job_found_release(struct job_found *f)
{
	free(f->v);
	*f = (struct job_found){0};
}

enum job_found_as job_found_host(const struct job_found *f, int64_t host)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (f->v[mid].host == host)
			return f->v[mid].ready ? JOB_FOUND_READY : JOB_FOUND_DONE;
		if (f->v[mid].host < host)
			lo = mid + 1;
		else
			hi = mid;
	}
	return JOB_FOUND_NOT;
}

int job_find(struct web_req *q _unused_, struct web_resp *r, const json_t *select,
	     struct job_found *ret _unused_, bool *ret_asked, struct sut_err *err _unused_)
{
	*ret_asked = json_object_get(select, "cves") || json_object_get(select, "findings") ||
		     json_object_get(select, "verdicts");
	if (*ret_asked)
		return web_problem(r, 503, "view-missing",
				   "What scans found cannot be selected by yet. Name the systems");
	return 0;
}
