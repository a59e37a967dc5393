/* SPDX-License-Identifier: Apache-2.0 */
/* The portal behind its sockets. */
#ifndef SUTURE_WEB_SERVE_H
#define SUTURE_WEB_SERVE_H

#include <stddef.h>

#include "web/server.h"

enum { SERVE_DRAIN_SEC = 30 };

/* Listens as the configuration says, or on fds (sockets that listen already; none: 0). Without TLS beyond
 * loopback only with plain-http: -EPERM (reason "conf"). */
int serve_start(struct server *p, const int *fds, size_t nfds, struct sut_err *err) _must_check_;

/* Takes nothing new, answers what is there, for at most SERVE_DRAIN_SEC, and ends. */
void serve_stop(struct server *p);

#endif
