// SPDX-License-Identifier: Apache-2.0
#include "api/api.h"

const struct web_table api_tables[] = {
	/* One line each, in the order of the alphabet. */
	{"audit", api_audit},
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
	{"sessions", api_sessions},
	{"sources", api_sources},
	{"system_wide", api_system_wide},
	{"systems", api_systems},
	{"tenants", api_tenants},
	{"tokens", api_tokens},
	{"users", api_users},
	{"webhooks", api_webhooks},
	{0},
};
