/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of ours that are calls of the portal's: asked in `prepare`, outside the writer, and written down in `run`. What the
 * portal refuses is refused by us in its own words.
 */
#ifndef SUTURE_CONSOLE_LINK_RELAY_H
#define SUTURE_CONSOLE_LINK_RELAY_H

#include "link/link.h"

enum { RELAY_KEY_MAX = 72 };

/*
 * Value of the Idempotency-Key of the call to the portal: the same when our caller repeats his, and when the frame runs a call
 * of his again. part: which of several calls to the portal.
 */
void relay_key(const struct web_req *q, const char *part, char ret[static RELAY_KEY_MAX]);

/* Asks. 0: *ret is an answer of 2xx. WEB_NO: r has the problem. < 0. */
int relay(struct web_req *q, struct web_resp *r, const struct link *l, const struct link_call *call,
	  struct link_answer *ret, struct sut_err *err) _must_check_;
/* link_load(), and WEB_NO when there is no portal. */
int relay_link(struct web_req *q, struct web_resp *r, struct link *ret,
	       struct sut_err *err) _must_check_;

#endif
