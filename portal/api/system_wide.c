// SPDX-License-Identifier: Apache-2.0
/* What belongs to no resource: is the portal well? */
#include "api/api.h"
#include "portal.h"

static int healthz(struct web_req *q, struct web_resp *r, struct sut_err *err)
{
	static const char *const none[] = {NULL};

	if (web_only_args(q, r, none) != 0)
		return WEB_NO;
	return web_json(r, 200, json_pack("{s:s}", "status", "ok"), err);
}

const struct web_route api_system_wide[] = {
	{.method = "GET", .path = "/healthz", .allow = WEB_PUBLIC, .run = healthz},
	{0},
};
