// SPDX-License-Identifier: Apache-2.0
/* Arguments and headers of a request. */
#include <errno.h>
#include <string.h>

#include "web/job.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int web_unquote(const char *s, size_t len, bool plus, char **ret)
{
	char *out = malloc(len + 1), *p = out;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		int hi, lo;

		if (s[i] != '%') {
			*p++ = plus && s[i] == '+' ? ' ' : s[i];
			continue;
		}
		hi = len - i > 2 ? digit(s[i + 1]) : -1;
		lo = hi >= 0 ? digit(s[i + 2]) : -1;
		if (lo < 0 || !(hi | lo)) {
			free(out);
			return -EINVAL;
		}
		*p++ = (char)(hi << 4 | lo);
		i += 2;
	}
	*p = '\0';
	*ret = out;
	return 0;
}

int web_args_parse(const char *query, struct web_args *ret)
{
	struct web_args a = {0};
	int rc = 0;

	for (const char *p = query; rc == 0 && *p;) {
		size_t len = strcspn(p, "&");
		const char *eq = memchr(p, '=', len);
		size_t name = eq ? (size_t)(eq - p) : len;

		if (len && a.n == WEB_ARGS_MAX) {
			rc = -EINVAL;
		} else if (len) {
			rc = web_unquote(p, name, true, &a.v[a.n].name);
			if (rc == 0)
				rc = web_unquote(p + name + (eq ? 1 : 0), len - name - (eq ? 1 : 0),
						 true, &a.v[a.n].value);
			a.n++;
		}
		p += len + (p[len] == '&');
	}
	if (rc < 0)
		web_args_release(&a);
	else
		*ret = a;
	return rc;
}

void web_args_release(struct web_args *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].name);
		free(a->v[i].value);
	}
	a->n = 0;
}

const char *web_arg(const struct web_req *q, const char *name)
{
	for (size_t i = 0; q->job && i < q->job->args.n; i++)
		if (!strcmp(q->job->args.v[i].name, name))
			return q->job->args.v[i].value;
	return NULL;
}

const char *web_header(const struct web_req *q, const char *name)
{
	return q->job && q->job->header ? q->job->header(q->job, name) : NULL;
}

int web_only_args(struct web_req *q, struct web_resp *r, const char *const *names)
{
	if (q->job)
		q->job->args_taken = true;
	for (size_t i = 0; q->job && i < q->job->args.n; i++) {
		const char *name = q->job->args.v[i].name;
		const char *const *n = names;

		while (*n && strcmp(*n, name) != 0)
			n++;
		if (!*n)
			return web_problem(r, 400, "unknown-argument",
					   "There is no argument '%.60s' here. Remove it", name);
		/* Of two equal ones only the first would count. */
		for (size_t k = 0; k < i; k++)
			if (!strcmp(q->job->args.v[k].name, name))
				return web_problem(r, 400, "bad-argument",
						   "The argument '%s' is there twice", name);
	}
	return 0;
}

int web_arg_int(struct web_req *q, struct web_resp *r, const char *name, int64_t min, int64_t max,
		int64_t *ret)
{
	const char *s = web_arg(q, name);
	char *end;
	long long v;

	if (!s)
		return 0;
	errno = 0;
	v = strtoll(s, &end, 10);
	/* strtoll() takes space and '+' before the number; a number has neither. */
	if ((*s != '-' && (*s < '0' || *s > '9')) || *end || errno || v < min || v > max)
		return web_problem(r, 400, "bad-argument",
				   "The argument '%s' is no number from %lld to %lld", name,
				   (long long)min, (long long)max);
	*ret = v;
	return 0;
}
