// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

#define ROLES "viewer, operator, release-manager, key-manager, auditor, admin"

static const struct admin_arg user_arg[] = {{"USER"}, {0}}, name_arg[] = {{"NAME", "name"}, {0}};

static const struct admin_column columns[] = {
	{"NAME", "name"},
	{"ID", "id"},
	{"TITLE", "title"},
	{"ROLES", "roles"},
	{"STAFF", "staff", ADMIN_YES},
	{"LAST LOGIN", "last_login", ADMIN_AGE},
	{"DISABLED", "disabled", ADMIN_AGE},
	{0},
};
static const struct admin_opt create_opts[] = {
	{"roles", "roles", ADMIN_LIST, ADMIN_REQUIRED, "ROLE,...", "of " ROLES},
	{"title", "title", ADMIN_TEXT, 0, "TEXT", "for people"},
	{"staff", "staff", ADMIN_BOOL, 0, "yes|no", "of the operator of the portal: all tenants"},
	{"service", "service", ADMIN_BOOL, 0, "yes|no", "a program: no password, API tokens only"},
	{0},
};
static const struct admin_opt change_opts[] = {
	{"roles", "roles", ADMIN_LIST, 0, "ROLE,...", "instead of those it has"},
	{"title", "title", ADMIN_TEXT, 0, "TEXT", "for people"},
	{"disabled", "disabled", ADMIN_BOOL, 0, "yes|no", "yes: gets in no more"},
	{0},
};
static const struct admin_verb verbs[] = {
	{"list", "the users of the tenant", "GET", "/v1/users", .columns = columns,
	 .flags = ADMIN_PAGED},
	{"show", "one user, by name or id", "GET", "/v1/users/{user}", user_arg},
	{"create", "make a user, with a password for once", "POST", "/v1/users", name_arg,
	 create_opts, .flags = ADMIN_REPEAT, .secret = "password"},
	{"change", "change roles or title, or disable", "PATCH", "/v1/users/{user}", user_arg,
	 change_opts, .flags = ADMIN_MATCH},
	{"delete", "delete a user, and all its tokens", "DELETE", "/v1/users/{user}", user_arg,
	 .flags = ADMIN_MATCH, .done = "deleted"},
	{"reset-password", "a fresh password for once; all its sessions end", "POST",
	 "/v1/users/{user}/reset-password", user_arg, .flags = ADMIN_REPEAT, .secret = "password"},
	{0},
};
const struct admin_noun admin_user = {"user", "people and programs", verbs, NULL};
