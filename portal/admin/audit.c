// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

static const struct admin_column columns[] = {
	{"AT", "at", ADMIN_WHEN}, {"WHO", "actor"},
	{"ACTION", "action"},	  {"WHAT", "object_kind"},
	{"WHICH", "object"},	  {"FROM", "address"},
	{"DETAIL", "detail"},	  {0},
};
static const struct admin_opt opts[] = {
	{"action", "action", ADMIN_TEXT, ADMIN_QUERY, "ACTION", "such as key.create"},
	{"object", "object", ADMIN_TEXT, ADMIN_QUERY, "NAME", "about this"},
	{"from", "from", ADMIN_TIME, ADMIN_QUERY, "TIME", "not before; such as -7d"},
	{"to", "to", ADMIN_TIME, ADMIN_QUERY, "TIME", "before"},
	{"scope", "scope", ADMIN_TEXT, ADMIN_QUERY, "tenant|portal",
	 "portal: what belongs to no tenant; staff only"},
	{"actor", "actor", ADMIN_TEXT, ADMIN_QUERY, "NAME", "of one user or system"},
	{0},
};
static const struct admin_verb verbs[] = {
	{"", "who did what, newest first", "GET", "/v1/audit", .opts = opts, .columns = columns,
	 .flags = ADMIN_PAGED},
	{0},
};
const struct admin_noun admin_audit = {"audit", "who did what", verbs, NULL};
