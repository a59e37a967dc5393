// SPDX-License-Identifier: Apache-2.0
/* Jobs as a table, and evidence for auditors. */
#include <errno.h>

#include "api/api.h"
#include "export/evidence.h"
#include "export/jobs_csv.h"
#include "web/job.h"

enum { CSV_MAX = 64 << 20, EVIDENCE_DAYS = 31 };

static int take_time(struct web_req *q, struct web_resp *r, const char *name, int64_t *ret)
{
	const char *s = web_arg(q, name);

	if (s && web_time_parse(s, ret) < 0)
		return web_problem(r, 400, "bad-argument", "%s is a time, as 2026-11-22T12:00:00Z",
				   name);
	return 0;
}

static int too_large(struct web_resp *r)
{
	return web_problem(r, 422, "too-large",
			   "This is more than is given at once. Ask for less: ?from=TIME&to=TIME");
}

static int jobs_csv(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const args[] = {"from", "to", "job", NULL};
	int64_t from = 0, to = q->now + 1;
	int rc = web_only_args(q, r, args);

	if (rc == 0)
		rc = take_time(q, r, "from", &from);
	if (rc == 0)
		rc = take_time(q, r, "to", &to);
	if (rc)
		return rc;
	r->raw.max = CSV_MAX;
	rc = export_jobs_csv(q, web_arg(q, "job"), from, to, &r->raw, err);
	if (rc == -ENOBUFS)
		return too_large(r);
	r->type = "text/csv; charset=utf-8";
	r->status = 200;
	if (rc == 0 &&
	    web_add_header(r, "Content-Disposition: attachment; filename=\"jobs.csv\"") < 0)
		rc = sut_err_oom(err);
	return rc;
}

static int evidence_of(struct web_req *q, struct web_resp *r, int64_t *from, int64_t *to)
{
	static const char *const args[] = {"from", "to", NULL};
	int rc = web_only_args(q, r, args);

	*from = q->now - EVIDENCE_DAYS * 24 * 3600;
	*to = q->now + 1;
	if (rc == 0)
		rc = take_time(q, r, "from", from);
	return rc ? rc : take_time(q, r, "to", to);
}

/* The portal is asked outside the transaction. */
static int evidence_prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct vendor *v = NULL;
	int64_t from, to;
	int rc = evidence_of(q, r, &from, &to);

	if (rc == 0)
		rc = vendor_read(q, from, to, &v, err);
	if (rc == 0)
		q->prepared = v;
	return rc;
}

static int evidence(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	int64_t from, to;
	int rc = evidence_of(q, r, &from, &to);

	if (rc)
		return rc;
	r->raw.max = EVIDENCE_MAX;
	rc = export_evidence(q, from, to, q->prepared, &r->raw, err);
	if (rc == -ENOBUFS)
		return too_large(r);
	r->type = "application/gzip";
	r->status = 200;
	if (rc == 0 &&
	    web_add_header(r, "Content-Disposition: attachment; filename=\"evidence.tar.gz\"") < 0)
		rc = sut_err_oom(err);
	return rc;
}

const struct web_route api_exports_jobs[] = {
	{"GET", "/v1/exports/jobs.csv", API_READERS, WEB_COMPRESS, jobs_csv},
	{"GET", "/v1/evidence", SUT_ROLE_AUDITOR | SUT_ROLE_OPERATOR, 0, evidence, evidence_prepare,
	 vendor_free, NULL},
	{0},
};
