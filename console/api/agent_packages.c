// SPDX-License-Identifier: Apache-2.0
/* PUT /v1/agent/packages: docs/formats/console-agent.md. Read in `prepare`, outside the writer. */
#include <errno.h>

#include "agent/request.h"
#include "api/api.h"
#include "fleet/packages.h"

static const char *const no_args[] = {NULL};

static void free_list(void *data)
{
	packages_release(data);
	free(data);
}

static int prepare(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct packages *p;
	struct sut_err why = {0};
	struct agent_who who;
	int x = web_only_args(q, r, no_args);

	/* Nobody but a system has us read two megabytes. */
	if (x == 0)
		x = agent_request(q, r, NULL, &who, err);
	if (x)
		return x;
	p = q->prepared = calloc(1, sizeof(*p));
	if (!p)
		return sut_err_oom(err);
	x = packages_parse(q->raw, q->raw_len, p, &why);
	if (x == -EFBIG)
		return web_problem(r, 413, "body-too-large", "%s", why.msg);
	if (x == -EBADMSG)
		return web_problem(r, 422, "packages", "%s", why.msg);
	return x < 0 ? sut_err_oom(err) : 0;
}

static int put(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct agent_who who;
	int x = agent_request(q, r, NULL, &who, err);

	if (x == 0)
		x = agent_fresh(q, r, &who, err);
	if (x == 0)
		x = packages_keep(q, who.host, q->prepared, err);
	return x ? x : web_no_content(r);
}

const struct web_route api_agent_packages[] = {
	{"PUT", "/v1/agent/packages", WEB_PUBLIC, WEB_WRITE | WEB_RAW_BODY | WEB_BIG_BODY, put,
	 prepare, free_list, NULL},
	{0},
};
