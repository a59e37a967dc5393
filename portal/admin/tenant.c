// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

static const struct admin_arg tenant_arg[] = {{"TENANT"}, {0}},
			      name_arg[] = {{"NAME", "name"}, {0}};

static const struct admin_column columns[] = {
	{"NAME", "name"},
	{"TITLE", "title"},
	{"CREATED", "created", ADMIN_WHEN},
	{"DISABLED", "disabled", ADMIN_AGE},
	{0},
};
static const struct admin_opt create_opts[] = {
	{"admin", "admin", ADMIN_TEXT, 0, "USER",
	 "make its first user, too, with a password for once"},
	{"title", "title", ADMIN_TEXT, 0, "TEXT", "for people"},
	{0},
};
static const struct admin_opt change_opts[] = {
	{"title", "title", ADMIN_TEXT, 0, "TEXT", "for people"},
	{"disabled", "disabled", ADMIN_BOOL, 0, "yes|no",
	 "yes: none of its users and agents gets in"},
	{0},
};
static const struct admin_verb verbs[] = {
	{"list", "all tenants", "GET", "/v1/tenants", .columns = columns, .flags = ADMIN_PAGED},
	{"show", "one tenant", "GET", "/v1/tenants/{tenant}", tenant_arg},
	{"create", "make a tenant", "POST", "/v1/tenants", name_arg, create_opts,
	 .flags = ADMIN_REPEAT, .secret = "admin.password"},
	{"change", "change or disable it", "PATCH", "/v1/tenants/{tenant}", tenant_arg, change_opts,
	 .flags = ADMIN_MATCH},
	{"delete", "delete one that is empty", "DELETE", "/v1/tenants/{tenant}", tenant_arg,
	 .flags = ADMIN_MATCH, .done = "deleted"},
	{0},
};
const struct admin_noun admin_tenant = {"tenant", "customers, kept apart (staff only)", verbs,
					NULL};
