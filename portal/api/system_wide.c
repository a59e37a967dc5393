// SPDX-License-Identifier: Apache-2.0
/* What belongs to no resource: is the portal well, how much does it do, what can it be asked. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "api/api.h"
#include "api/document.h"
#include "crypto/sha256.h"
#include "metrics.h"
#include "pool.h"
#include "portal.h"
#include "tasks.h"
#include "web/job.h"

static const char *const no_args[] = {NULL};

static const char *word(int rc)
{
	switch (rc) {
	case 0:
		return "ok";
	case -ENOSPC:
		return "full";
	case -EROFS:
		return "read-only";
	case -ECONNRESET:
		return "unreachable";
	default:
		return "failing";
	}
}

/* The folder is there, and has signed metadata. */
static const char *repository(const struct portal *p)
{
	struct stat st;

	if (p->repo_fd < 0)
		return NULL;
	return fstatat(p->repo_fd, "metadata/timestamp.json", &st, 0) == 0 ? "ok" : "missing";
}

static int healthz(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct portal *p = q->portal;
	const char *repo = repository(p);
	struct pool_stats s;
	int database;
	bool ok;

	if (web_only_args(q, r, no_args) != 0)
		return WEB_NO;
	pool_stats(p->pool, &s);
	database = tasks_database(p->tasks);
	if (!database)
		database = s.reader_rc;
	ok = !database && !s.writer_rc && (!repo || !strcmp(repo, "ok"));
	/* One that is ending answers what it has, and should be sent nothing new. */
	ok = ok && !atomic_load(&p->stopping);
	return web_json(r, ok ? 200 : 503,
			json_pack("{s:s, s:s, s:s, s:s*}", "status",
				  atomic_load(&p->stopping) ? "ending"
				  : ok			    ? "ok"
							    : "failing",
				  "database", word(database), "writer", word(s.writer_rc),
				  "repository", repo),
			err);
}

static bool may_see_metrics(const struct web_req *q)
{
	const struct portal_conf *c = &q->portal->conf;

	if (!c->nmetrics_from)
		return !strcmp(q->peer, "unix") || sut_is_loopback(q->peer);
	return sut_cidr_any(c->metrics_from, (unsigned int)c->nmetrics_from, q->peer);
}

static int metrics(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	if (!may_see_metrics(q))
		return web_problem(
			r, 403, "network-not-allowed",
			"Metrics are not for this address. The setting metrics-from names the "
			"networks they are for");
	r->type = "text/plain; version=0.0.4; charset=utf-8";
	r->status = 200;
	return metrics_write(q->portal->metrics, q->portal, &r->raw) < 0 ? sut_err_oom(err) : 0;
}

static int openapi(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	char hash[SUT_SHA256_HEX];

	if (web_only_args(q, r, no_args) != 0)
		return WEB_NO;
	sut_sha256_hex(api_openapi, api_openapi_len, hash);
	snprintf(r->etag, sizeof(r->etag), "\"%.32s\"", hash);
	r->type = "application/json";
	r->cache_control = "public, max-age=3600";
	r->status = 200;
	return sut_buf_add(&r->raw, api_openapi, api_openapi_len) < 0 ? sut_err_oom(err) : 0;
}

const struct web_route api_system_wide[] = {
	{.method = "GET",
	 .path = "/healthz",
	 .allow = WEB_PUBLIC,
	 .flags = WEB_NO_TX,
	 .run = healthz},
	{.method = "GET",
	 .path = "/metrics",
	 .allow = WEB_PUBLIC,
	 .flags = WEB_NO_TX,
	 .run = metrics},
	{.method = "GET",
	 .path = "/v1/openapi.json",
	 .allow = WEB_PUBLIC,
	 .flags = WEB_NO_TX | WEB_COMPRESS,
	 .run = openapi},
	{0},
};
