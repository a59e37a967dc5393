// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

static const struct admin_arg token_arg[] = {{"TOKEN_ID"}, {0}},
			      name_arg[] = {{"NAME", "name"}, {0}};

static const struct admin_column columns[] = {
	{"ID", "id"},
	{"NAME", "name"},
	{"USER", "user"},
	{"BEGINS", "hint"},
	{"ROLES", "roles"},
	{"EXPIRES", "expires", ADMIN_AGE},
	{"LAST USED", "last_used", ADMIN_AGE},
	{0},
};
static const struct admin_opt create_opts[] = {
	{"roles", "roles", ADMIN_LIST, ADMIN_REQUIRED, "ROLE,...", "some of the user's own"},
	{"expires", "expires", ADMIN_TIME, ADMIN_NULL, "TIME", "such as +90d, or 2027-01-31"},
	{"user", "user", ADMIN_TEXT, 0, "USER", "whose; default: one's own"},
	{0},
};
static const struct admin_verb verbs[] = {
	{"list", "one's own; an admin and an auditor see those of all", "GET", "/v1/tokens",
	 .columns = columns, .flags = ADMIN_PAGED},
	{"show", "one token", "GET", "/v1/tokens/{token}", token_arg},
	{"create", "make an API token; it is shown once", "POST", "/v1/tokens", name_arg,
	 create_opts, .flags = ADMIN_REPEAT, .secret = "token"},
	{"delete", "revoke it", "DELETE", "/v1/tokens/{token}", token_arg, .done = "revoked"},
	{0},
};
const struct admin_noun admin_token = {"token", "API tokens", verbs, NULL};
