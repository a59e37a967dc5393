// SPDX-License-Identifier: Apache-2.0
#include "api/api.h"

const struct web_table api_tables[] = {
	/* One line each, in the order of the alphabet. */
	{"audit", api_audit},
	{"checkin", api_checkin},
	{"coverage", api_coverage},
	{"cves", api_cves},
	{"enroll", api_enroll},
	{"install", api_install},
	{"keys", api_keys},
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
