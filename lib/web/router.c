// SPDX-License-Identifier: Apache-2.0
#include "web/router.h"

#include <errno.h>
#include <string.h>

#include "web/job.h"

enum { SEGMENTS_MAX = 8, ROUTES_MAX = 512 };

enum kind { LITERAL, PARAM, REST };

struct entry {
	const struct web_route *route;
	const char *group;
	size_t n;
	struct {
		enum kind kind;
		const char *s;
		size_t len;
	} seg[SEGMENTS_MAX];
};

struct web_router {
	struct entry *v;
	size_t n;
};

/* "/a/b" is a and b. -EINVAL: it does not begin with '/', or has too many. */
static int split(const char *path, struct entry *e)
{
	const char *p = path;

	e->n = 0;
	if (*p != '/')
		return -EINVAL;
	while (*p == '/') {
		size_t len = strcspn(++p, "/");

		if (e->n == SEGMENTS_MAX)
			return -EINVAL;
		e->seg[e->n].s = p;
		e->seg[e->n].len = len;
		e->seg[e->n].kind = len == 3 && !memcmp(p, "{*}", 3) ? REST
				    : len > 2 && *p == '{'	     ? PARAM
								     : LITERAL;
		p += len;
		if (e->seg[e->n++].kind == REST && *p)
			return -EINVAL;
	}
	return 0;
}

static int by_precedence(const void *pa, const void *pb)
{
	const struct entry *a = pa, *b = pb;

	for (size_t i = 0; i < a->n && i < b->n; i++) {
		size_t len = a->seg[i].len < b->seg[i].len ? a->seg[i].len : b->seg[i].len;
		int c;

		if (a->seg[i].kind != b->seg[i].kind)
			return a->seg[i].kind < b->seg[i].kind ? -1 : 1;
		if (a->seg[i].kind != LITERAL)
			continue;
		c = memcmp(a->seg[i].s, b->seg[i].s, len);
		if (c || a->seg[i].len != b->seg[i].len)
			return c ? c : a->seg[i].len < b->seg[i].len ? -1 : 1;
	}
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return strcmp(a->route->method, b->route->method);
}

static int add(struct web_router *r, const char *group, const struct web_route *route,
	       struct sut_err *err)
{
	struct entry *e = &r->v[r->n];
	size_t params = 0;

	if (r->n == ROUTES_MAX)
		return sut_err_set(err, EINVAL, "there are more than %d routes", ROUTES_MAX);
	if (!route->path || !route->run || !route->allow || split(route->path, e) < 0)
		return sut_err_set(err, EINVAL, "the route %s %s is not complete", route->method,
				   route->path ? route->path : "?");
	if ((route->flags & WEB_HOLD) &&
	    ((route->flags & (WEB_WRITE | WEB_NO_TX)) || route->prepare))
		return sut_err_set(err, EINVAL, "the route %s cannot wait", route->path);
	for (size_t i = 0; i < e->n; i++)
		params += e->seg[i].kind != LITERAL;
	if (params > WEB_PARAMS_MAX)
		return sut_err_set(err, EINVAL, "the route %s has more than %d parameters",
				   route->path, WEB_PARAMS_MAX);
	e->route = route;
	e->group = group;
	r->n++;
	return 0;
}

int web_router_new(const struct web_table *tables, struct web_router **ret, struct sut_err *err)
{
	struct web_router *r = calloc(1, sizeof(*r));
	int rc = 0;

	if (r)
		r->v = calloc(ROUTES_MAX, sizeof(*r->v));
	if (!r || !r->v) {
		web_router_free(r);
		return sut_err_oom(err);
	}
	for (const struct web_table *t = tables; rc == 0 && t->name; t++)
		for (const struct web_route *w = t->routes; rc == 0 && w->method; w++)
			rc = add(r, t->name, w, err);
	if (rc == 0 && r->n)
		qsort(r->v, r->n, sizeof(*r->v), by_precedence);
	for (size_t i = 1; rc == 0 && i < r->n; i++)
		if (by_precedence(&r->v[i - 1], &r->v[i]) == 0)
			rc = sut_err_set(err, EINVAL, "the route %s %s is there twice",
					 r->v[i].route->method, r->v[i].route->path);
	if (rc < 0) {
		web_router_free(r);
		return rc;
	}
	*ret = r;
	return 0;
}

void web_router_free(struct web_router *r)
{
	if (!r)
		return;
	free(r->v);
	free(r);
}

size_t web_router_count(const struct web_router *r)
{
	return r->n;
}

const struct web_route *web_router_at(const struct web_router *r, size_t i)
{
	return r->v[i].route;
}

const char *web_router_group(const struct web_router *r, size_t i)
{
	return r->v[i].group;
}

size_t web_router_index(const struct web_router *r, const struct web_route *route)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].route == route)
			return i;
	return r->n;
}

static bool matches(const struct entry *e, const struct entry *path)
{
	for (size_t i = 0; i < e->n; i++) {
		if (i >= path->n)
			return false;
		if (e->seg[i].kind == REST)
			return path->seg[i].len || path->n > i + 1;
		if (e->seg[i].kind == PARAM) {
			if (!path->seg[i].len)
				return false;
			continue;
		}
		if (e->seg[i].len != path->seg[i].len ||
		    memcmp(e->seg[i].s, path->seg[i].s, e->seg[i].len) != 0)
			return false;
	}
	return e->n == path->n;
}

static int decode(const struct entry *e, const struct entry *path, const char *end,
		  char *ret[static WEB_PARAMS_MAX])
{
	char *v[WEB_PARAMS_MAX] = {0};
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < e->n; i++) {
		const char *s = path->seg[i].s;

		if (e->seg[i].kind == LITERAL)
			continue;
		rc = web_unquote(s, e->seg[i].kind == REST ? (size_t)(end - s) : path->seg[i].len,
				 false, &v[n]);
		n++;
	}
	for (size_t i = 0; i < WEB_PARAMS_MAX; i++)
		if (rc < 0)
			free(v[i]);
		else
			ret[i] = v[i];
	return rc;
}

static void add_allow(char allow[static WEB_ALLOW_MAX], const char *method)
{
	size_t n = strlen(allow);

	snprintf(allow + n, WEB_ALLOW_MAX - n, "%s%s%s", n ? ", " : "", method,
		 !strcmp(method, "GET") ? ", HEAD" : "");
}

/* A path with more segments than a route can have: only the last of them matters, that of {*}. */
static int split_long(const char *path, struct entry *ret)
{
	size_t n = 0;

	if (*path != '/')
		return -ENOENT;
	for (const char *p = path; *p == '/' && n < SEGMENTS_MAX; n++) {
		size_t len = strcspn(++p, "/");

		ret->seg[n].s = p;
		ret->seg[n].len = len;
		p += len;
		/* The rest of a long path lies in its last segment: no route has so many. */
		if (n + 1 == SEGMENTS_MAX && *p)
			ret->seg[n].len = strlen(ret->seg[n].s);
	}
	ret->n = n;
	return 0;
}

int web_route_find(const struct web_router *r, const char *method, const char *path,
		   const struct web_route **ret, char *ret_params[static WEB_PARAMS_MAX],
		   char ret_allow[static WEB_ALLOW_MAX])
{
	const char *want = strcmp(method, "HEAD") != 0 ? method : "GET";
	char allow[WEB_ALLOW_MAX] = "";
	struct entry p;

	if (split_long(path, &p) < 0)
		return -ENOENT;
	for (size_t i = 0; i < r->n; i++) {
		const struct entry *e = &r->v[i];
		int rc;

		if (!matches(e, &p))
			continue;
		if (strcmp(e->route->method, want) != 0) {
			if (!strstr(allow, e->route->method))
				add_allow(allow, e->route->method);
			continue;
		}
		rc = decode(e, &p, path + strlen(path), ret_params);
		if (rc < 0)
			return rc;
		*ret = e->route;
		return 0;
	}
	if (!allow[0])
		return -ENOENT;
	memcpy(ret_allow, allow, sizeof(allow));
	return -EBADRQC;
}
