// SPDX-License-Identifier: Apache-2.0
#include "api/api.h"

#include "account/account.h"
#include "web/pages.h"
#include "web/system_wide.h"

/* clang-format off: one line each, in the order of the alphabet */
const struct web_table api_tables[] = {
	{"agent_packages", api_agent_packages},
	{"agents", api_agents},
	{"audit", account_audit},
	{"enrolments", api_enrolments},
	{"exports", api_exports},
	{"exports_jobs", api_exports_jobs},
	{"install", api_install},
	{"jobs", api_jobs},
	{"keys", api_keys},
	{"pages", web_pages},
	{"portal", api_portal},
	{"live", api_live},
	{"cves", api_cves},
	{"findings", api_findings},
	{"patches", api_patches},
	{"posture", api_posture},
	{"scans", api_scans},
	{"sessions", account_sessions},
	{"system_wide", web_system_wide},
	{"systems", api_systems},
	{"tenants", account_tenants},
	{"tokens", account_tokens},
	{"users", account_users},
	{"webhooks", account_webhooks},
	{0},
};
/* clang-format on */
