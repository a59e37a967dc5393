/* SPDX-License-Identifier: Apache-2.0 */
/* Routes that misbehave on demand, in place of the portal's own, for tests of the frame. */
#ifndef SUTURE_TESTS_SAMPLE_FRAME_H
#define SUTURE_TESTS_SAMPLE_FRAME_H

#include "sample_server.h"
#include "web/job.h"

/*
 * POST /t/note     {"text", "mode"}: writes a row into the table notes, and then, by mode:
 *                    "" answers 201; "no" a problem; "io" fails with -EIO; "again" fails with -EAGAIN as often
 *                    as frame.again says; "orphan" breaks a constraint that is looked at in the commit;
 *                    "break" makes a statement fail; "touch"; "event"; "full" fails with -ENOSPC;
 *                    "cut" has the server end the connection (PostgreSQL)
 * POST /t/open     the same, for nobody in particular, and without idempotency for users
 * POST /t/many     the same with .many, for nobody in particular
 * POST /t/prepared the same for operators, with a prepare that counts
 * GET  /t/allow/WHO                one for each kind of caller
 * GET  /t/list ?limit ?cursor      the notes
 * GET  /t/etag, /t/big, /t/raw
 */
struct frame {
	int again;	/* how often "again" fails */
	int runs, many; /* calls of run, of many */
	int prepared, freed;
	int many_fails; /* .many fails with this */
};
extern struct frame frame;

/* Puts the routes in place and makes the tables. */
void sample_frame(struct sample_server *s);
extern const struct web_route sample_frame_routes[];

#endif
