/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One machine is one line of check-ins: each brings the serial of the answer before it, so a second machine
 * with a copy of the first one's identity is found out as soon as both have spoken. A pure function of
 * what was remembered and what comes; docs/internals/enrolment.md says why it is as it is.
 *
 *   serial is the current one       the line goes on
 *   older, nonce seen lately        a request that was repeated because its answer was lost, or a late one
 *   older, other nonce              a conflict: this line was left behind by another one.
 *       The first time the newcomer is taken on: a machine may have been set back to a snapshot. What the
 *       line that is now left behind holds is remembered; when that comes, too, both are alive: cloned.
 *       So is whoever makes more than LINE_CONFLICTS_MAX conflicts within LINE_WINDOW_SEC.
 *   newer                           the portal was set back to a backup: the line goes on
 */
#ifndef SUTURE_PORTAL_FLEET_LINE_H
#define SUTURE_PORTAL_FLEET_LINE_H

#include <stdint.h>

enum {
	LINE_WINDOW_SEC = 7 * 86400,
	LINE_NONCE_MIN = 8,
	LINE_NONCE_MAX = 64,
	LINE_NONCES = 4,	/* remembered */
	LINE_CONFLICTS_MAX = 8, /* remembered within the window */
	LINE_NONCES_SIZE = LINE_NONCES * (LINE_NONCE_MAX + 1),
	LINE_DISPLACED_SIZE = LINE_CONFLICTS_MAX * 42,
};
#define LINE_SERIAL_MAX (INT64_C(1) << 53) /* what JSON carries everywhere */

struct line {
	int64_t serial;			     /* that the next check-in brings */
	char nonces[LINE_NONCES_SIZE];	     /* newest first, separated by spaces */
	char displaced[LINE_DISPLACED_SIZE]; /* "SERIAL@TIME", likewise */
	int64_t conflict_at;		     /* 0: never */
	int64_t told_at;		     /* that it is a clone; 0: never */
};

enum line_verdict {
	LINE_ON,       /* goes on */
	LINE_AHEAD,    /* goes on, from a serial this portal has not given */
	LINE_REPEAT,   /* the last one once more */
	LINE_LATE,     /* one before the last, once more: what it reports is old */
	LINE_CONFLICT, /* taken on */
	LINE_CLONED,   /* refused */
};

/* Changes *l as the verdict says; a REPEAT or LATE one leaves it as it is. serial: 0 to LINE_SERIAL_MAX - 1. */
enum line_verdict line_step(struct line *l, int64_t serial, const char *nonce, int64_t now);

/* A new line in place of the old one, whose credential is no longer good. */
void line_restart(struct line *l, int64_t serial, const char *nonce);

/* The identity is used by two for another reason than serials. */
void line_told(struct line *l, int64_t now);

#endif
