// SPDX-License-Identifier: Apache-2.0
/* The body of a request: one JSON document within limits. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "web/job.h"
#include "web/server.h"

/* Jansson reports short memory in its lexer as a mistake of the text, so its allocations are watched. */
static _Thread_local bool starved;

static void *watched_malloc(size_t n)
{
	void *p = malloc(n);

	if (!p)
		starved = true;
	return p;
}

void web_body_init(void)
{
	json_set_alloc_funcs(watched_malloc, free);
}

/* Nesting is counted before the parser, which recurses. */
static bool too_deep(const char *s, size_t len)
{
	unsigned int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		if (in_string) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				in_string = false;
		} else if (s[i] == '"') {
			in_string = true;
		} else if (s[i] == '{' || s[i] == '[') {
			if (++depth > WEB_JSON_DEPTH)
				return true;
		} else if (s[i] == '}' || s[i] == ']') {
			depth -= depth > 0;
		}
	}
	return false;
}

/* "application/json" and "application/…+json", with parameters; none is fine as well. */
static bool is_json(const char *type)
{
	size_t n = type ? strcspn(type, "; \t") : 0;

	if (!n)
		return true;
	if (n == 16 && !strncasecmp(type, "application/json", n))
		return true;
	return n > 17 && !strncasecmp(type, "application/", 12) &&
	       !strncasecmp(type + n - 5, "+json", 5);
}

int web_body(struct web_job *j)
{
	const struct web_route *route = j->q.route;
	json_error_t e;

	if (j->q.raw_len > j->body_limit)
		return web_problem(&j->r, 413, "body-too-large",
				   "The body has %zu bytes; at most %zu are taken here",
				   j->q.raw_len, j->body_limit);
	if (!j->q.raw_len || (route->flags & WEB_RAW_BODY))
		return 0;
	if (!strcmp(route->method, "GET") || !strcmp(route->method, "DELETE"))
		return web_problem(&j->r, 400, "unexpected-body",
				   "%s takes no body. Send its arguments in the query",
				   route->method);
	if (!is_json(web_header(&j->q, "Content-Type")))
		return web_problem(&j->r, 415, "not-json",
				   "The body has to be JSON. Send it with Content-Type: "
				   "application/json");
	if (too_deep(j->q.raw, j->q.raw_len))
		return web_problem(&j->r, 400, "json-too-deep", "The JSON is nested deeper than %d",
				   WEB_JSON_DEPTH);
	starved = false;
	j->q.body = json_loadb(j->q.raw, j->q.raw_len, JSON_REJECT_DUPLICATES, &e);
	if (j->q.body)
		return 0;
	if (starved)
		return web_problem(&j->r, 503, "busy", "There is no memory for it now. Try again");
	/* Where, not what: the text around may be a secret. */
	return web_problem(
		&j->r, 400, "bad-json",
		"The body is no JSON, or an object has a name twice, at line %d, column %d", e.line,
		e.column);
}

/* A body that is in memory, of a call without a socket, or a small one. */
static int write_body(struct web_req *q, const char *name)
{
	int fd = openat(q->server->spool_fd, name,
			O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
	const char *p = q->raw;
	size_t left = q->raw_len;
	int rc = fd < 0 ? -errno : 0;

	while (rc == 0 && left) {
		ssize_t n = write(fd, p, left);

		if (n < 0 && errno != EINTR)
			rc = -errno;
		if (n > 0) {
			p += n;
			left -= (size_t)n;
		}
	}
	if (fd >= 0 && close(fd) < 0 && rc == 0)
		rc = -errno;
	if (fd >= 0 && rc < 0)
		(void)!unlinkat(q->server->spool_fd, name, 0);
	return rc;
}

int web_spool_keep(struct web_req *q, const char *name, uint64_t *ret_len, struct sut_err *err)
{
	int rc;

	if (q->server->spool_fd < 0)
		return sut_err_set(err, ENOENT, "there is no folder for large bodies");
	rc = q->job && q->job->keep ? q->job->keep(q->job, name) : write_body(q, name);
	if (rc < 0)
		return sut_err_set(err, -rc, "cannot keep the body as %s: %s", name, strerror(-rc));
	*ret_len = q->body_fd >= 0 ? q->body_len : q->raw_len;
	return 0;
}
