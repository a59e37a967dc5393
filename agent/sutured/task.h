/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the worker does: tasks, one after the other, so that nothing changes side by side. Some were asked for by a
 * connection of the control socket, and answer there; the others nobody waits for.
 */
#ifndef SUTURE_AGENT_SUTURED_TASK_H
#define SUTURE_AGENT_SUTURED_TASK_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct net;
struct task;

/* Runs in the worker. One that came by a connection must call task_ok() or task_fail() (else the one who waits is told
 * that it failed). */
typedef void (*task_fn)(struct net *n, struct task *t);

struct task {
	const char *name; /* what `busy` of the status says meanwhile; a constant */
	task_fn run;
	int fd;		 /* who waits for the answer; -1: nobody (any more) */
	json_t *request; /* what he asked for: an object; NULL when fd is -1 */
	uint32_t uid;	 /* of him */
	bool answered;
	/* Hears of progress, too, whether anybody waits or not; NULL: nobody. */
	void (*note)(void *ctx, const char *step, const char *state, const char *text);
	void *note_ctx;
	struct task *next;
};

enum {
	TASK_MAX = 32,	     /* that wait */
	TASK_OTHERS_MAX = 4, /* of these, asked for by others than root: they keep nobody out */
};

struct task_queue {
	struct task *first, *last;
	size_t n;
	struct task *now; /* the one that runs */
	pthread_cond_t some;
	bool stop;
};

/*
 * Puts it at the end, from any thread. Takes fd and request over, also on failure. A task that nobody waits for (fd -1) is
 * not put there twice: 0. -EBUSY (reason "busy") when the queue is full.
 */
int task_add(struct net *n, const char *name, task_fn run, int fd, json_t *request, uint32_t uid,
	     struct sut_err *err) _must_check_;
/* For those that nobody waits for; one that does not fit is due again at the next occasion. */
void task_post(struct net *n, const char *name, task_fn run);

/* What the one who waits sees; nothing happens when nobody does, or when he is gone: the task goes on. */
void task_progress(struct task *t, const char *step, const char *state, const char *text,
		   uint64_t done, uint64_t total);
/* Ends the call: the first one counts. answer and more (may be NULL) are taken over. */
void task_ok(struct task *t, json_t *answer);
void task_fail(struct task *t, const struct sut_err *e, json_t *more);

/* For the worker (worker.c): the next one, of which it says task_done() when it has run. NULL when there is none (wait:
 * when it is to stop). */
struct task *task_take(struct net *n, bool wait);
void task_done(struct net *n, struct task *t);
/* Nothing waits, nothing runs. */
bool task_idle(struct net *n);
/* The worker takes no more. */
void task_stop(struct net *n);
void task_drop_all(struct net *n);

#endif
