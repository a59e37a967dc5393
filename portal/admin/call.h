/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the portal. What goes wrong is said on standard error, and becomes an exit status. */
#ifndef SUTURE_PORTAL_ADMIN_CALL_H
#define SUTURE_PORTAL_ADMIN_CALL_H

#include "admin.h"
#include "base/buf.h"

enum {
	CALL_ANSWER_MAX = 64 << 20, /* bytes of an answer */
	CALL_TRIES = 4,
};

struct call {
	const char *method, *target; /* "/v1/keys?limit=3" */
	json_t *body;		     /* borrowed; NULL: none, or: */
	const void *raw;
	size_t len;
	const char *type;      /* of raw */
	bool repeat;	       /* a POST with an Idempotency-Key */
	bool no_token;	       /* works without */
	const char *if_match;  /* NULL */
	const char *not_found; /* NULL: what the problem says */
};

/* *ret: the answer's JSON (new reference), NULL when it has none. */
int admin_call(struct admin *a, const struct call *c, json_t **ret);

/* All items of a list, page after page, at most max (0: all). */
int admin_items(struct admin *a, const char *target, int64_t max, json_t **ret);

/* path with each {…} replaced by the quoted word, and the query behind. NULL: no memory. */
char *admin_target(const char *path, char *const *words, const char *query);

#endif
