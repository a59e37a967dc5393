/* SPDX-License-Identifier: Apache-2.0 */
/* Moments in the files of the agent: RFC 3339 in UTC, "2026-11-21T20:15:00Z". */
#ifndef SUTURE_AGENT_COMMON_WHEN_H
#define SUTURE_AGENT_COMMON_WHEN_H

#include <stdbool.h>
#include <stdint.h>

enum { WHEN_MAX = sizeof("2026-11-21T20:15:00Z") };

#define WHEN_LAST INT64_C(253402300799) /* the end of the year 9999 */

/* What lies outside of 1970 to 9999, as a clock that is wrong may have it, becomes the nearer end. */
void when_text(int64_t seconds, char ret[static WHEN_MAX]);

/* Exactly that form, and a moment that there is. */
bool when_parse(const char *text, int64_t *ret);

/* "2026-11-21": a day that there is. *ret_end (may be NULL): its last second, UTC. */
bool when_parse_day(const char *text, int64_t *ret_end);

#endif
