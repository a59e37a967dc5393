/* SPDX-License-Identifier: Apache-2.0 */
/* The resources of the API. Each is a table of routes in a file of its own, ended by a zeroed route, and one
 * line in api.c. Those of lib/web and lib/account are beside them there. */
#ifndef SUTURE_CONSOLE_API_API_H
#define SUTURE_CONSOLE_API_API_H

#include "web/router.h"

/* Who may read: all roles of people. */
enum {
	API_READERS = SUT_ROLE_VIEWER | SUT_ROLE_OPERATOR | SUT_ROLE_KEYS | SUT_ROLE_AUDITOR,
};

extern const struct web_route api_agent_packages[];
extern const struct web_route api_agents[];
extern const struct web_route api_exports[];
extern const struct web_route api_exports_jobs[];
extern const struct web_route api_install[];
extern const struct web_route api_jobs[];
extern const struct web_route api_live[];

extern const struct web_route api_cves[];
extern const struct web_route api_findings[];
extern const struct web_route api_patches[];
extern const struct web_route api_posture[];
extern const struct web_route api_scans[];

/* Ended by one without name. */
extern const struct web_table api_tables[];

extern const struct web_route api_enrolments[];
extern const struct web_route api_keys[];
extern const struct web_route api_portal[];
extern const struct web_route api_systems[];

#endif
