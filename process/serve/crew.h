/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many processes, by one thread per CPU, none of which keeps the others waiting.
 *
 * Whoever looks at the memory of a process waits for the page to be there. Where that comes from a file system in user space, or from a server,
 * it may never come, and no signal ends the wait. So a thread that is not back in time is left behind, with what it holds, until it comes
 * back by itself; its process is not looked at meanwhile, and a user who has several of that kind is not waited for any more at all.
 */
#ifndef SUTURE_PROCESS_SERVE_CREW_H
#define SUTURE_PROCESS_SERVE_CREW_H

#include "serve/glance.h"

enum {
	CREW_SLOW_MS = 1000, /* then another thread does its share */
	CREW_LEFT_MS = 5000, /* then it is left behind */
	CREW_USER_MAX =
		8, /* processes of one user (root has no limit) that threads are left behind with */
	CREW_LEFT_MAX = 256, /* … of all of them: then only those of root are looked at */
};

/* What several threads use is counted: the last one may let go of it long after crew_run(). */
struct crew_work {
	/* true: again, later. g belongs to the thread, which blocks all signals. *ret_stuck: it holds somebody who is let go when it ends, which it
	 * does then; another one takes its place. */
	bool (*each)(void *ctx, pid_t pid, struct glance *g, bool *ret_stuck);
	/* It is not dealt with, because it does not let itself be looked at; by the thread that called crew_run(), or one of its. NULL. */
	void (*left)(void *ctx, pid_t pid);
	void (*hold)(void *ctx), (*drop)(void *ctx);
	void *ctx;
};

/*
 * Each of pids once. Returns how many of them are to be done again, which come first in pids then. tick: called now and then; NULL.
 * -ENOMEM when not even one thread can be started.
 */
int crew_run(const struct crew_work *work, pid_t *pids, size_t n,
	     void (*tick)(void *ctx, size_t done, size_t total), void *tick_ctx,
	     size_t *ret_again) _must_check_;

#endif
