// SPDX-License-Identifier: Apache-2.0
#include "api/api.h"

#include "account/account.h"
#include "web/system_wide.h"

const struct web_table api_tables[] = {
	/* One line each, in the order of the alphabet. */
	{"audit", account_audit},	  {"sessions", account_sessions},
	{"system_wide", web_system_wide}, {"tenants", account_tenants},
	{"tokens", account_tokens},	  {"users", account_users},
	{"webhooks", account_webhooks},	  {0},
};
