/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the walk. Each prints what is wrong; the caller counts. */
#ifndef SUTURE_TESTS_OPENAPI_WALK_H
#define SUTURE_TESTS_OPENAPI_WALK_H

#include "world.h"

struct walk {
	struct client c;
	struct world w;
	struct operation *ops;
	size_t nops;
};

/* A valid body for an operation, with what exists in the tenant; NULL: it takes none. New reference.
 * values may be changed: it may name a fresh one to work on. */
json_t *walk_body(struct walk *k, struct world_tenant *t, const struct operation *op,
		  json_t *values);

/* Who may call it with the token of a role ("agent": a system's): is it one of x-suture-roles? */
bool walk_allowed(const struct operation *op, const char *role, bool staff);

/* Every operation with valid input: the answer is what the document says. */
void walk_valid(struct walk *k);
/* Every operation with each role, a system, a wrong token, and none: 401 and 403 exactly as x-suture-roles say. */
void walk_roles(struct walk *k);
/* Every operation with tokens of another tenant: nothing of the first one comes out, nothing in it changes. */
void walk_tenants(struct walk *k);
/* Every operation with unknown, missing, wrong, oversized and malformed input: always a problem that is documented. */
void walk_invalid(struct walk *k);

#endif
