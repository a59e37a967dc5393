/* SPDX-License-Identifier: Apache-2.0 */
/* Which route a request has. What is written out goes before {name}, and that before {*}. */
#ifndef SUTURE_WEB_ROUTER_H
#define SUTURE_WEB_ROUTER_H

#include "base/err.h"
#include "web/web.h"

/* A resource: a table of routes, ended by a zeroed one. */
struct web_table {
	const char *name; /* the group in metrics */
	const struct web_route *routes;
};

struct web_router;

/* tables: ended by one without name. -EINVAL when two routes are the same, or one has no function,
 * too many parameters or nobody who may use it, or waits and writes. */
int web_router_new(const struct web_table *tables, struct web_router **ret,
		   struct sut_err *err) _must_check_;
void web_router_free(struct web_router *r);

/* All routes, in no order that means anything; index 0 to n - 1. */
size_t web_router_count(const struct web_router *r);
const struct web_route *web_router_at(const struct web_router *r, size_t i);
/* The name of the table that has it, for metrics. */
const char *web_router_group(const struct web_router *r, size_t i);
size_t web_router_index(const struct web_router *r, const struct web_route *route);

/*
 * 0 and *ret with the decoded parameters (the caller's to free()). HEAD finds what GET has.
 * -ENOENT: no such path; -EBADRQC: it has other methods, listed in allow; -EINVAL: %XX is malformed; -ENOMEM.
 */
enum { WEB_ALLOW_MAX = 64 };
int web_route_find(const struct web_router *r, const char *method, const char *path,
		   const struct web_route **ret, char *ret_params[static WEB_PARAMS_MAX],
		   char ret_allow[static WEB_ALLOW_MAX]) _must_check_;

#endif
