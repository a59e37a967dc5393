/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to no resource: GET /healthz, /metrics, /v1/openapi.json. */
#ifndef SUTURE_WEB_SYSTEM_WIDE_H
#define SUTURE_WEB_SYSTEM_WIDE_H

#include "web/web.h"

extern const struct web_route web_system_wide[];

#endif
