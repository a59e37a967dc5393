// SPDX-License-Identifier: Apache-2.0
#include "web/system_wide.h"

#include <errno.h>
#include <string.h>

#include "crypto/sha256.h"
#include "web/metrics.h"
#include "web/pool.h"
#include "web/server.h"
#include "web/tasks.h"
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

static int healthz(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	struct server *s = q->server;
	bool stopping = atomic_load(&s->stopping), ok;
	struct pool_stats stats;
	json_t *answer;
	int database;

	if (web_only_args(q, r, no_args) != 0)
		return WEB_NO;
	pool_stats(s->pool, &stats);
	database = tasks_database(s->tasks);
	if (!database)
		database = stats.reader_rc;
	answer = json_pack("{s:s, s:s, s:s}", "status", "", "database", word(database), "writer",
			   word(stats.writer_rc));
	if (!answer)
		return sut_err_oom(err);
	ok = !database && !stats.writer_rc;
	if (s->program->health)
		ok = s->program->health(s, answer) && ok;
	/* One that is ending answers what it has, and should be sent nothing new. */
	(void)!json_object_set_new(answer, "status",
				   json_string(stopping ? "ending"
					       : ok	? "ok"
							: "failing"));
	return web_json(r, ok && !stopping ? 200 : 503, answer, err);
}

static bool may_see_metrics(const struct web_req *q)
{
	const struct server_conf *c = q->server->conf;

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
	return metrics_write(q->server->metrics, q->server, &r->raw) < 0 ? sut_err_oom(err) : 0;
}

static int openapi(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const struct server_program *p = q->server->program;
	char hash[SUT_SHA256_HEX];

	if (web_only_args(q, r, no_args) != 0)
		return WEB_NO;
	sut_sha256_hex(p->openapi, *p->openapi_len, hash);
	snprintf(r->etag, sizeof(r->etag), "\"%.32s\"", hash);
	r->type = "application/json";
	r->cache_control = "public, max-age=3600";
	r->status = 200;
	return sut_buf_add(&r->raw, p->openapi, *p->openapi_len) < 0 ? sut_err_oom(err) : 0;
}

const struct web_route web_system_wide[] = {
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
