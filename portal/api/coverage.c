// SPDX-License-Identifier: Apache-2.0
/* GET /v1/coverage (docs/formats/coverage.md) */
#include "cve/coverage.h"

#include <string.h>

#include "api/api.h"
#include "cve/zipper.h"
#include "portal.h"
#include "web/job.h"

/* Lower-case hexadecimal digits, so many. */
static int take_hex(struct web_req *q, struct web_resp *r, const char *name, size_t digits,
		    const char **ret)
{
	const char *s = web_arg(q, name);

	if (s && (strlen(s) != digits || strspn(s, "0123456789abcdef") != digits))
		return web_problem(r, 400, "bad-argument",
				   "The argument '%s' is not %zu lower-case hexadecimal digits",
				   name, digits);
	*ret = s;
	return 0;
}

/* As gzip, which is how it is kept, or unpacked for those who do not take that. */
static int put(struct web_req *q, struct web_resp *r, const struct document *d, struct sut_err *err)
{
	bool gzip = web_takes_gzip(web_header(q, "Accept-Encoding"));
	int rc;

	r->type = "application/json";
	r->cache_control = "private, no-cache";
	snprintf(r->etag, sizeof(r->etag), "\"%s%s\"", d->hash, gzip ? "-gzip" : "");
	if (sut_strv_add(&r->headers, "Vary: Accept-Encoding") < 0 ||
	    (gzip && sut_strv_add(&r->headers, "Content-Encoding: gzip") < 0))
		return sut_err_oom(err);
	if (!gzip) {
		sut_buf_release(&r->raw);
		return zipper_open(&d->gz, d->plain, &r->raw, err);
	}
	rc = sut_buf_add(&r->raw, d->gz.data, d->gz.len);
	return rc < 0 ? sut_err_oom(err) : 0;
}

static int get(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"build_id", "kernel_id", NULL};
	const char *build_id = NULL, *kernel_id = NULL;
	const struct document *d = NULL;
	struct document *one = NULL;
	int rc = web_only_args(q, r, args);

	if (rc == 0)
		rc = take_hex(q, r, "build_id", 40, &build_id);
	if (rc == 0)
		rc = take_hex(q, r, "kernel_id", 40, &kernel_id);
	if (rc)
		return rc;
	if (build_id && kernel_id)
		return web_problem(r, 400, "bad-argument",
				   "Give 'build_id' or 'kernel_id', not both");
	if (build_id || kernel_id) {
		rc = document_make(q->db, build_id, kernel_id, &one, err);
		if (rc == 0)
			rc = put(q, r, one, err);
		document_free(one);
		return rc;
	}
	rc = coverage_get(portal_of(q->server)->coverage, q->db, &d, err);
	if (rc == 0)
		rc = put(q, r, d, err);
	coverage_put(portal_of(q->server)->coverage, d);
	return rc;
}

const struct web_route api_coverage[] = {
	{"GET", "/v1/coverage",
	 SUT_ROLE_VIEWER | SUT_ROLE_OPERATOR | SUT_ROLE_RELEASE | SUT_ROLE_KEYS | SUT_ROLE_AUDITOR,
	 .run = get},
	{0},
};
