// SPDX-License-Identifier: Apache-2.0
#include "web/pages.h"

#include <string.h>

#include "base/str.h"
#include "web/job.h"
#include "web/server.h"

enum { HASH_MIN = 8 /* characters of a hash in a name */ };

/* Scripts, styles and calls are our own only, and nobody shows us in a frame. */
static const char *const headers[] = {
	"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
	"img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; "
	"form-action 'none'; frame-ancestors 'none'",
	"Referrer-Policy: no-referrer",
	"Cross-Origin-Opener-Policy: same-origin",
};

static int no_such(struct web_resp *r)
{
	return web_problem(r, 404, "not-found",
			   "There is nothing at this address. GET /v1/openapi.json lists what "
			   "there is");
}

static bool is_hidden(const char *path)
{
	for (const char *p = path; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (*p == '.')
			return true;
	}
	return false;
}

/* assets/index-BqK2x9aZ.js */
static bool is_immutable(const char *path)
{
	const char *dot = strrchr(path, '.'), *dash = strrchr(path, '-');

	return sut_startswith(path, "assets/") && dot && dash && dot > dash &&
	       dot - dash > HASH_MIN;
}

static int page(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	const char *path = q->params[0] ? q->params[0] : "", *last = strrchr(path, '/');
	const char *file = strchr(last ? last : path, '.') ? path : "index.html";

	if (!strcmp(path, "v1") || sut_startswith(path, "v1/") || is_hidden(path))
		return no_such(r);
	if (q->server->files_fd < 0)
		return web_problem(r, 503, "no-pages",
				   "The pages of this %s are not installed. Its API is there",
				   q->server->program->noun);
	/* A page may have arguments of its own. */
	if (q->job)
		q->job->args_taken = true;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(headers); i++)
		if (sut_strv_add(&r->headers, headers[i]) < 0)
			return sut_err_oom(err);
	r->file = strdup(file);
	r->status = 200;
	r->cache_control = is_immutable(file) ? "public, max-age=31536000, immutable" : "no-cache";
	return r->file ? 0 : sut_err_oom(err);
}

const struct web_route web_pages[] = {
	{.method = "GET", .path = "/", .allow = WEB_PUBLIC, .flags = WEB_NO_TX, .run = page},
	{.method = "GET", .path = "/{*}", .allow = WEB_PUBLIC, .flags = WEB_NO_TX, .run = page},
	{0},
};
