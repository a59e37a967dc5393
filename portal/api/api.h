/* SPDX-License-Identifier: Apache-2.0 */
/* The resources of the API. Each is a table of routes in a file of its own, ended by a zeroed route, and one
 * line in api.c. Those of lib/web and lib/account are beside them there. */
#ifndef SUTURE_PORTAL_API_API_H
#define SUTURE_PORTAL_API_API_H

#include "web/router.h"

/* Ended by one without name. */
extern const struct web_table api_tables[];

extern const struct web_route api_checkin[];
extern const struct web_route api_coverage[];
extern const struct web_route api_cves[];
extern const struct web_route api_enroll[];
extern const struct web_route api_install[]; /* with the packages of the agent */
extern const struct web_route api_keys[];
extern const struct web_route api_sources[];
extern const struct web_route api_systems[];
extern const struct web_route api_distribution[]; /* /repo, and by kernel */
extern const struct web_route api_feed_entries[];
extern const struct web_route api_feeds[];
extern const struct web_route api_patchsets[];
extern const struct web_route api_repository[];

#endif
