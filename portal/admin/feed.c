// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

static const struct admin_arg feed_arg[] = {{"FEED"}, {0}}, name_arg[] = {{"NAME", "name"}, {0}},
			      both_args[] = {{"FEED"}, {"PATCHSET", "patchset"}, {0}};

static const struct admin_column columns[] = {
	{"NAME", "name"},
	{"TITLE", "title"},
	{"PORTAL", "portal", ADMIN_YES},
	{"FOLLOWS", "follows"},
	{"AUTO", "auto", ADMIN_YES},
	{"DELAY", "delay_hours"},
	{"PIN", "pin"},
	{0},
};
static const struct admin_column entry_columns[] = {
	{"PATCHSET", "patchset"},
	{"STATE", "state"},
	{"ENTERED", "entered", ADMIN_AGE},
	{"INHERITED", "inherited", ADMIN_YES},
	{"UNTIL", "until", ADMIN_WHEN},
	{"REASON", "reason"},
	{"BY", "changed_by"},
	{0},
};
#define COMMON                                                                                     \
	{"title", "title", ADMIN_TEXT, 0, "TEXT", "for people"}, {"follows",                       \
								  "follows",                       \
								  ADMIN_TEXT,                      \
								  ADMIN_NULL,                      \
								  "FEED",                          \
								  "takes what happens there"},     \
		{"auto", "auto", ADMIN_BOOL, 0, "yes|no", "yes: by itself"},                       \
		{"delay-hours", "delay_hours", ADMIN_INT, 0, "N", "systems get it so much later"}, \
	{                                                                                          \
		"pin", "pin", ADMIN_TEXT, ADMIN_NULL, "PIN",                                       \
			"patchset:NAME or date:YYYY-MM-DD: nothing beyond it"                      \
	}
static const struct admin_opt create_opts[] = {
	{"portal", "portal", ADMIN_BOOL, 0, "yes|no", "yes: every tenant sees it; staff only"},
	COMMON,
	{0},
};
static const struct admin_opt delete_opts[] = {
	{"move-to", "move_to", ADMIN_TEXT, ADMIN_QUERY, "FEED", "where what uses it goes"},
	{0},
};
static const struct admin_opt change_opts[] = {COMMON, {0}};
static const struct admin_opt reason_opts[] = {
	{"reason", "reason", ADMIN_TEXT, 0, "TEXT", "systems and people are told"},
	{0},
};
static const struct admin_opt promote_opts[] = {
	{"from", "from", ADMIN_TEXT, 0, "FEED", "only when it is active there"},
	{"reason", "reason", ADMIN_TEXT, 0, "TEXT", "people are told"},
	{0},
};
static const struct admin_opt withdraw_opts[] = {
	{"reason", "reason", ADMIN_TEXT, ADMIN_REQUIRED, "TEXT", "systems and people are told"},
	{0},
};
static const struct admin_opt entry_opts[] = {
	{"state", "state", ADMIN_TEXT, ADMIN_QUERY, "active|held|withdrawn", "in this state"},
	{0},
};
static const struct admin_opt hold_opts[] = {
	{"reason", "reason", ADMIN_TEXT, ADMIN_REQUIRED, "TEXT", "systems and people are told"},
	{"until", "until", ADMIN_TIME, ADMIN_NULL, "TIME", "ends by itself then; such as +3d"},
	{0},
};
static const struct admin_verb verbs[] = {
	{"list", "the portal's feeds and one's own", "GET", "/v1/feeds", .columns = columns,
	 .flags = ADMIN_PAGED},
	{"show", "one feed", "GET", "/v1/feeds/{feed}", feed_arg},
	{"patchsets", "what it has, and in which state", "GET", "/v1/feeds/{feed}/patchsets",
	 feed_arg, entry_opts, .columns = entry_columns, .flags = ADMIN_PAGED},
	{"promote", "put a patchset into the feed", "POST", "/v1/feeds/{feed}/promote", both_args,
	 promote_opts, .flags = ADMIN_REPEAT},
	{"hold", "no system takes the patchset until it is released", "POST",
	 "/v1/feeds/{feed}/hold", both_args, hold_opts, .flags = ADMIN_REPEAT},
	{"release", "end a hold", "POST", "/v1/feeds/{feed}/release", both_args, reason_opts,
	 .flags = ADMIN_REPEAT},
	{"withdraw", "take it back: systems that run it go to what is below", "POST",
	 "/v1/feeds/{feed}/withdraw", both_args, withdraw_opts, .flags = ADMIN_REPEAT},
	{"create", "make a feed", "POST", "/v1/feeds", name_arg, create_opts,
	 .flags = ADMIN_REPEAT},
	{"change", "change it", "PATCH", "/v1/feeds/{feed}", feed_arg, change_opts,
	 .flags = ADMIN_MATCH},
	{"delete", "delete one", "DELETE", "/v1/feeds/{feed}", feed_arg, delete_opts,
	 .flags = ADMIN_MATCH, .done = "deleted"},
	{0},
};
const struct admin_noun admin_feed = {"feed", "channels that lead patchsets to systems", verbs,
				      NULL};
