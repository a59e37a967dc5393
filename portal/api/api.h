/* SPDX-License-Identifier: Apache-2.0 */
/* The resources of the API. Each is a table of routes in a file of its own, ended by a zeroed route, and one
 * line in api.c. */
#ifndef SUTURE_PORTAL_API_API_H
#define SUTURE_PORTAL_API_API_H

#include "web/web.h"

struct web_table {
	const char *name; /* the group in metrics */
	const struct web_route *routes;
};

/* Ended by one without name. */
extern const struct web_table api_tables[];

extern const struct web_route api_audit[];
extern const struct web_route api_checkin[];
extern const struct web_route api_coverage[];
extern const struct web_route api_cves[];
extern const struct web_route api_enroll[];
extern const struct web_route api_install[]; /* with the packages of the agent */
extern const struct web_route api_keys[];
extern const struct web_route api_sessions[]; /* with whoami and password */
extern const struct web_route api_sources[];
extern const struct web_route api_system_wide[]; /* healthz, metrics, openapi.json */
extern const struct web_route api_systems[];
extern const struct web_route api_tenants[];
extern const struct web_route api_tokens[];
extern const struct web_route api_users[];
extern const struct web_route api_webhooks[];
extern const struct web_route api_distribution[]; /* /repo, and by kernel */
extern const struct web_route api_feed_entries[];
extern const struct web_route api_feeds[];
extern const struct web_route api_patchsets[];
extern const struct web_route api_repository[];

#endif
