/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pages are told of while they are open (GET /v1/live): that a thing is another than before, never what it is
 * now; the page asks for that. One row for each thing with the number of its last change, so the table does not
 * grow with the changes, and who comes again after a pause gets each thing once.
 */
#ifndef SUTURE_CONSOLE_LIVE_LIVE_H
#define SUTURE_CONSOLE_LIVE_LIVE_H

#include <stdint.h>

#include "base/err.h"
#include "db/db.h"

enum { LIVE_KEEP_SEC = 24 * 3600 };

/* What calls of a tenant wait for (web_wake()): negative, where agents have their rows. */
#define LIVE_KEY(tenant) (-(tenant))

/* In the caller's transaction. type: posture, scan, system, job, portal. id: what GET /v1/… calls it; "" for posture
 * and portal, of which there is one, and for many at once. Numbers grow in the order of commits: who tells waits for others that do. */
int live_tell(struct sut_db *db, int64_t tenant, int64_t now, const char *type, const char *id,
	      struct sut_err *err) _must_check_;

/* The number of the last change of all. */
int live_last(struct sut_db *db, int64_t *ret, struct sut_err *err) _must_check_;

#endif
