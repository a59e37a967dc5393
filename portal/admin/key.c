// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

static const struct admin_arg key_arg[] = {{"KEY_ID"}, {0}};

static const struct admin_column columns[] = {
	{"ID", "id"},
	{"KIND", "kind"},
	{"BEGINS", "hint"},
	{"CUSTOMER", "customer_id"},
	{"NOTE", "note"},
	{"FEED", "feed"},
	{"SYSTEMS", "systems"},
	{"LIMIT", "max_systems"},
	{"EXPIRES", "expires", ADMIN_AGE},
	{"REVOKED", "revoked", ADMIN_AGE},
	{0},
};
#define COMMON                                                                                       \
	{"note", "note", ADMIN_TEXT, 0, "TEXT", "for people"},                                       \
		{"feed", "feed", ADMIN_TEXT, 0, "FEED", "where its systems get patches from"},       \
		{"max-systems", "max_systems", ADMIN_INT, ADMIN_NULL, "N", "how many it may enrol"}, \
		{"limit-kind",	  "limit_kind",                                                      \
		 ADMIN_TEXT,	  0,                                                                 \
		 "hard|advisory", "advisory: more only warn"},                                       \
		{"expires",  "expires", ADMIN_TIME,                                                  \
		 ADMIN_NULL, "TIME",	"such as +90d, or 2027-01-31"},                              \
		{"network", "networks", ADMIN_LIST,                                                  \
		 0,	    "CIDR",	"enrol from there only; may be repeated"},                   \
		{"product", "products", ADMIN_LIST, 0, "kernel|library", "may be repeated"},         \
		{"tag", "tags", ADMIN_MAP, 0, "NAME=VALUE", "onto new systems; may be repeated"},    \
		{"delay-hours", "delay_hours", ADMIN_INT, ADMIN_NULL, "N", "later than the feed"},   \
	{                                                                                            \
		"pin", "pin", ADMIN_TEXT, ADMIN_NULL, "PIN",                                         \
			"level:N, patchset:NAME or date:YYYY-MM-DD: nothing beyond it"               \
	}
static const struct admin_opt create_opts[] = {
	{"customer-id", "customer_id", ADMIN_TEXT, 0, "ID", "with --kind customer: your own name"},
	{"kind", "kind", ADMIN_TEXT, 0, "random|customer", "default: random"},
	COMMON,
	{0},
};
static const struct admin_opt change_opts[] = {COMMON, {0}};
static const struct admin_opt list_opts[] = {
	{"kind", "kind", ADMIN_TEXT, ADMIN_QUERY, "random|customer", "of this kind"},
	{"feed", "feed", ADMIN_TEXT, ADMIN_QUERY, "FEED", "of this feed"},
	{"customer-id", "customer_id", ADMIN_TEXT, ADMIN_QUERY, "ID", "of this customer"},
	{"revoked", "revoked", ADMIN_BOOL, ADMIN_QUERY, "yes|no", "those that are, or are not"},
	{0},
};
static const struct admin_opt delete_opts[] = {
	{"systems", "systems", ADMIN_TEXT, ADMIN_QUERY, "delete",
	 "and the systems that came by it"},
	{0},
};
static const struct admin_verb verbs[] = {
	{"list", "the registration keys", "GET", "/v1/keys", .opts = list_opts, .columns = columns,
	 .flags = ADMIN_PAGED},
	{"show", "one key", "GET", "/v1/keys/{key}", key_arg},
	{"create", "make a key; it is shown once", "POST", "/v1/keys", NULL, create_opts,
	 .flags = ADMIN_REPEAT, .secret = "key"},
	{"change", "change what it gives", "PATCH", "/v1/keys/{key}", key_arg, change_opts,
	 .flags = ADMIN_MATCH},
	{"revoke", "nothing enrols with it any more; its systems stay", "POST",
	 "/v1/keys/{key}/revoke", key_arg, .flags = ADMIN_REPEAT},
	{"delete", "delete one that has no systems", "DELETE", "/v1/keys/{key}", key_arg,
	 delete_opts, .flags = ADMIN_MATCH, .done = "deleted"},
	{0},
};
const struct admin_noun admin_key = {"key", "registration keys", verbs, NULL};
