/* SPDX-License-Identifier: Apache-2.0 */
/* Two tenants, each with users of every role and one of everything. All names of a tenant hold its mark. */
#ifndef SUTURE_TESTS_OPENAPI_WORLD_H
#define SUTURE_TESTS_OPENAPI_WORLD_H

#include "client.h"

enum { WORLD_ROLES = 6 };
extern const char *const world_roles[WORLD_ROLES + 1];

struct world_tenant {
	char *name;	  /* "zebra", "quagga": the mark */
	json_t *tokens;	  /* role to API token */
	json_t *values;	  /* parameter of a path to what the tenant has: "key", "system", … */
	json_t *ids;	  /* every id of it: object of names */
	char *key;	  /* the registration key itself */
	char *credential; /* of its system */
};

struct world {
	char *staff; /* token: staff, admin */
	struct world_tenant a, b;
	json_t *common; /* patchset, kernel_id, level, cve, …: what belongs to nobody */
	unsigned int count;
	char machine[64]; /* machine_id of the last one that was enrolled */
};

void world_make(struct client *c, const char *staff, const char *mark_a, const char *mark_b,
		struct world *ret);
void world_release(struct world *w);

/* A user of this role in the tenant, and a token of his with the same. */
void world_role(struct client *c, struct world *w, struct world_tenant *t, const char *role);
/* A fresh one for the parameter ("key", "system", "user", "token", "webhook", "feed", "tenant"): its id or name;
 * NULL when there is nothing to be made. To be freed. */
char *world_fresh(struct client *c, struct world *w, struct world_tenant *t, const char *parameter);
/* A system, registered: *ret_credential and its id (to be freed). */
char *world_enroll(struct client *c, struct world *w, struct world_tenant *t,
		   char **ret_credential);
/* The token of a role; NULL. */
const char *world_token(const struct world_tenant *t, const char *role);
/* Values of the tenant and what belongs to nobody. New reference. */
json_t *world_values(const struct world *w, const struct world_tenant *t);
/* Makes anew what is no longer there or good: users, tokens, the system … */
void world_mend(struct client *c, struct world *w, struct world_tenant *t);

#endif
