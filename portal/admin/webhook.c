// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

static const struct admin_arg webhook_arg[] = {{"WEBHOOK_ID"}, {0}},
			      url_arg[] = {{"URL", "url"}, {0}};

static const struct admin_column columns[] = {
	{"ID", "id"},
	{"URL", "url"},
	{"EVENTS", "events"},
	{"ACTIVE", "active", ADMIN_YES},
	{"NOTE", "note"},
	{"CREATED", "created", ADMIN_WHEN},
	{0},
};
static const struct admin_column delivery_columns[] = {
	{"ID", "id"},
	{"TYPE", "type"},
	{"CREATED", "created", ADMIN_AGE},
	{"TRIES", "attempts"},
	{"STATUS", "status"},
	{"DELIVERED", "delivered", ADMIN_AGE},
	{"NEXT TRY", "next_try", ADMIN_AGE},
	{"ERROR", "error"},
	{0},
};
static const struct admin_opt create_opts[] = {
	{"event", "events", ADMIN_LIST, ADMIN_REQUIRED, "TYPE", "'*': all; may be repeated"},
	{"note", "note", ADMIN_TEXT, 0, "TEXT", "for people"},
	{"active", "active", ADMIN_BOOL, 0, "yes|no", "no: nothing is sent"},
	{0},
};
static const struct admin_opt change_opts[] = {
	{"url", "url", ADMIN_TEXT, 0, "URL", "where events go"},
	{"event", "events", ADMIN_LIST, 0, "TYPE", "'*': all; may be repeated"},
	{"note", "note", ADMIN_TEXT, 0, "TEXT", "for people"},
	{"active", "active", ADMIN_BOOL, 0, "yes|no", "no: nothing is sent"},
	{0},
};
static const struct admin_verb verbs[] = {
	{"list", "where events go", "GET", "/v1/webhooks", .columns = columns,
	 .flags = ADMIN_PAGED},
	{"show", "one webhook", "GET", "/v1/webhooks/{webhook}", webhook_arg},
	{"create", "have events delivered; the signing secret is shown once", "POST",
	 "/v1/webhooks", url_arg, create_opts, .flags = ADMIN_REPEAT, .secret = "secret"},
	{"change", "change it", "PATCH", "/v1/webhooks/{webhook}", webhook_arg, change_opts,
	 .flags = ADMIN_MATCH},
	{"test", "send a test event", "POST", "/v1/webhooks/{webhook}/test", webhook_arg,
	 .flags = ADMIN_REPEAT},
	{"deliveries", "what was delivered, and what failed", "GET",
	 "/v1/webhooks/{webhook}/deliveries", webhook_arg, .columns = delivery_columns,
	 .flags = ADMIN_PAGED},
	{"delete", "delete it", "DELETE", "/v1/webhooks/{webhook}", webhook_arg,
	 .flags = ADMIN_MATCH, .done = "deleted"},
	{0},
};
const struct admin_noun admin_webhook = {"webhook", "events, delivered by POST", verbs, NULL};
