/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of /v1/systems share. */
#ifndef SUTURE_PORTAL_API_SYSTEMS_H
#define SUTURE_PORTAL_API_SYSTEMS_H

#include "fleet/system.h"
#include "web/web.h"

/* The system that the path names: 0; what web_not_found() returned; < 0. */
int systems_find(struct web_req *q, struct web_resp *r, struct fleet_system *ret,
		 struct sut_err *err) _must_check_;

/* Routes in files of their own. */
int systems_list(struct web_req *q, struct web_resp *r, struct sut_err *err);
int systems_summary(struct web_req *q, struct web_resp *r, struct sut_err *err);
int systems_transfer(struct web_req *q, struct web_resp *r, struct sut_err *err);

#endif
