/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that wait for news: long polling and server-sent events. A function of a WEB_HOLD route that has nothing to tell
 * returns WEB_WAIT (web.h). Its call is parked here, without a thread and without a connection of the database, and runs
 * once more from the beginning, who asks included, when its key is woken, its time is up, its client has gone or the
 * server ends; but for the first, q->last_try is true then, and it has to answer. Few of those that were woken run at
 * once, so that a thousand of them do not stand in the way of other calls.
 */
#ifndef SUTURE_WEB_HOLD_H
#define SUTURE_WEB_HOLD_H

#include "web/job.h"

struct hold;

enum {
	HOLD_AT_ONCE = 64, /* of them in the queue of the readers or running */
	HOLD_SEC_MAX = 300,
};

/* max: how many may be parked; others are told q->last_try at once. The thread starts with the first. */
int hold_new(struct server *s, unsigned int max, struct hold **ret,
	     struct sut_err *err) _must_check_;
/* Runs all that are parked for the last time, and parks none any more. NULL is fine. */
void hold_stop(struct hold *h);
/* The same, and waits for them. Before the pool ends. NULL is fine. */
void hold_drain(struct hold *h);
/* After the pool has ended, which wakes to its last call. NULL is fine. */
void hold_free(struct hold *h);

/* Before a call runs: what is woken from here on it may have missed. */
void hold_begin(struct hold *h, struct web_job *j);
/* After WEB_WAIT. False: it cannot be parked. Otherwise the call is no more the caller's: it may run already. */
bool hold_park(struct hold *h, struct web_job *j);
/* A call that came from here was parked again or answered. */
void hold_ran(struct hold *h);

/* After a commit: keys of one call. */
void hold_wake(struct hold *h, const int64_t *keys, size_t n);
void hold_wake_all(struct hold *h);

/* Those that are parked now. NULL is fine. */
size_t hold_count(struct hold *h);

#endif
