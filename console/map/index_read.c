// SPDX-License-Identifier: Apache-2.0
#include "map/index_read.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

struct cut {
	const char *begin, *p, *end;
	struct sut_err *err;
};

static int bad(const struct cut *c, const char *why)
{
	return sut_err_reason(
		c->err, EBADMSG, "coverage",
		"the coverage document is malformed at byte %zu: %s. Ask the portal again",
		(size_t)(c->p - c->begin), why);
}

static void space(struct cut *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\t' || *c->p == '\r'))
		c->p++;
}

static bool take(struct cut *c, char ch)
{
	space(c);
	if (c->p == c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

/* The string at p, between its quotation marks; escapes stay. */
static int string(struct cut *c, const char **ret, size_t *ret_len)
{
	const char *from;

	if (!take(c, '"'))
		return bad(c, "a string was expected");
	from = c->p;
	while (c->p < c->end && *c->p != '"')
		c->p += *c->p == '\\' && c->end - c->p > 1 ? 2 : 1;
	if (c->p >= c->end)
		return bad(c, "a string does not end");
	*ret = from;
	*ret_len = (size_t)(c->p++ - from);
	return 0;
}

/* Any value. Whether it is right inside is for whoever parses it. */
static int value(struct cut *c)
{
	unsigned int depth = 0;
	const char *s;
	size_t n;
	int r;

	do {
		space(c);
		if (c->p == c->end)
			return bad(c, "it ends in the middle");
		if (*c->p == '"') {
			r = string(c, &s, &n);
			if (r < 0)
				return r;
			continue;
		}
		if (*c->p == '{' || *c->p == '[') {
			if (++depth > DEPTH_MAX)
				return bad(c, "it is nested too deeply");
			c->p++;
		} else if (*c->p == '}' || *c->p == ']') {
			if (!depth--)
				return bad(c, "a value is missing");
			c->p++;
		} else if (*c->p == ',' || *c->p == ':') {
			if (!depth)
				return bad(c, "a value is missing");
			c->p++;
		} else {
			for (s = c->p; c->p < c->end && !strchr(" \n\t\r\"{}[],:", *c->p);)
				c->p++;
			if (c->p == s)
				return bad(c, "there is a byte that JSON does not have");
		}
	} while (depth);
	return 0;
}

static int targets(struct cut *c,
		   int (*fn)(void *ctx, const char *target, size_t len, struct sut_err *err),
		   void *ctx)
{
	int r;

	if (!take(c, '['))
		return bad(c, "\"targets\" is no list");
	if (take(c, ']'))
		return 0;
	do {
		const char *from;

		space(c);
		from = c->p;
		if (c->p == c->end || *c->p != '{')
			return bad(c, "a target is no object");
		r = value(c);
		if (r == 0)
			r = fn(ctx, from, (size_t)(c->p - from), c->err);
		if (r < 0)
			return r;
	} while (take(c, ','));
	return take(c, ']') ? 0 : bad(c, "the list of targets does not end");
}

int index_split(const char *text, size_t len,
		int (*fn)(void *ctx, const char *target, size_t len, struct sut_err *err),
		void *ctx, struct sut_err *err)
{
	struct cut c = {text, text, text + len, err};
	bool seen = false, coverage = false;

	if (!take(&c, '{'))
		return bad(&c, "it is no object");
	do {
		const char *name;
		size_t n;
		int r = string(&c, &name, &n);

		if (r == 0 && !take(&c, ':'))
			r = bad(&c, "a colon was expected");
		if (r < 0)
			return r;
		if (n == 7 && !memcmp(name, "targets", 7)) {
			if (seen)
				return bad(&c, "there are two lists of targets");
			seen = true;
			r = targets(&c, fn, ctx);
		} else if (n == 6 && !memcmp(name, "format", 6)) {
			r = string(&c, &name, &n);
			coverage = r == 0 && n == 15 && !memcmp(name, "suture-coverage", 15);
		} else {
			r = value(&c);
		}
		if (r < 0)
			return r;
	} while (take(&c, ','));
	if (!take(&c, '}'))
		return bad(&c, "it does not end");
	space(&c);
	if (c.p != c.end)
		return bad(&c, "something follows its end");
	return seen && coverage ? 0 : bad(&c, "it is no coverage document");
}
