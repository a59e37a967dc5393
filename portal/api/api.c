// SPDX-License-Identifier: Apache-2.0
#include "api/api.h"

#include "account/account.h"
#include "web/system_wide.h"

const struct web_table api_tables[] = {
	/* One line each, in the order of the alphabet. */
	{"audit", account_audit},
	{"checkin", api_checkin},
	{"coverage", api_coverage},
	{"cves", api_cves},
	{"distribution", api_distribution},
	{"enroll", api_enroll},
	{"feed_entries", api_feed_entries},
	{"feeds", api_feeds},
	{"install", api_install},
	{"keys", api_keys},
	{"patchsets", api_patchsets},
	{"repository", api_repository},
	{"sessions", account_sessions},
	{"sources", api_sources},
	{"system_wide", web_system_wide},
	{"systems", api_systems},
	{"tenants", account_tenants},
	{"tokens", account_tokens},
	{"users", account_users},
	{"webhooks", account_webhooks},
	{0},
};
