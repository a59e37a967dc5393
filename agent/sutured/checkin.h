/* SPDX-License-Identifier: Apache-2.0 */
/* Check-ins: docs/formats/checkin.md */
#ifndef SUTURE_AGENT_SUTURED_CHECKIN_H
#define SUTURE_AGENT_SUTURED_CHECKIN_H

#include "sutured/net.h"

/* The tasks: the one of NET_DUE_CHECKIN; and: the state of the root half was published anew, so whoever wants to hear of it
 * does, and the portal when it does not know it yet. */
void checkin_run(struct net *n, struct task *t);
void checkin_look(struct net *n, struct task *t);
/* At the start of the program: at once. */
void checkin_start(struct net *n);

/* One check-in (or split) now, in the worker. When the next one is due is set whatever comes of it. Reasons: "not-registered",
 * "portal-unreachable", "portal-malformed", a code of docs/formats/problems.md. */
int checkin_now(struct net *n, struct sut_err *err) _must_check_;

/* The portal should hear of something now: what runs has changed, or could not be changed. From any thread. Many at a time
 * are one check-in. Nothing happens when this machine is not registered or must not check in. */
void checkin_soon(struct net *n);

/*
 * Something went wrong and is not mended yet: the next check-ins tell it (`errors`), until checkin_mended(). code as in
 * docs/formats/checkin.md; patchset may be "". At most 8 are kept, one of each code. The worker's.
 */
void checkin_error(struct net *n, const char *code, const char *patchset, const char *message);
void checkin_mended(struct net *n, const char *code); /* NULL: all */

#endif
