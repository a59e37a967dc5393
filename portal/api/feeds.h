/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls about feeds and about their entries share. */
#ifndef SUTURE_PORTAL_API_FEEDS_H
#define SUTURE_PORTAL_API_FEEDS_H

#include "feed/flow.h"

/* The feed of this name that the caller sees: his tenant's, or one of the portal. 0 and *ret; what
 * web_not_found() returned; < 0. */
int feed_find(struct web_req *q, struct web_resp *r, const char *name, struct flow_feed *ret,
	      struct sut_err *err) _must_check_;

/* Feeds of the portal are for its staff to change: 0, or what web_problem() returned. */
int feed_may_change(struct web_req *q, struct web_resp *r, const struct flow_feed *f) _must_check_;

#endif
