/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply.sock: takes calls, one at a time, until nobody has asked for a while. Whoever says nothing holds nobody up, and
 * root is served before sutured.
 */
#ifndef SUTURE_AGENT_APPLY_SERVER_H
#define SUTURE_AGENT_APPLY_SERVER_H

#include <sys/types.h>

#include "apply.h"

enum {
	SERVER_IDLE_MS = 10000,	  /* without a call it ends */
	SERVER_REQUEST_MS = 5000, /* a peer that says nothing is not listened to */
	SERVER_WAITING = 32,	  /* that have not said yet what they want; */
	SERVER_WAITING_AGENT = 8, /* and that are not root */
	SERVER_CALL_S =
		900, /* a call that takes longer ends the program; the next one mends that */
};

struct server {
	int listener;
	unsigned int idle_ms;
	int request_ms; /* so long a peer may take to say what it wants */
	uid_t agent; /* who sutured is; (uid_t)-1: there is no such user, so only root is served */
};

/* Returns 0 when nobody asked for idle_ms, or after the call during which a signal came (session.h). */
int server_run(struct apply *a, const struct server *s, struct sut_err *err) _must_check_;

/* One connection. fd stays the caller's. */
void server_call(struct apply *a, const struct server *s, int fd);

#endif
