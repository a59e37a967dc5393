/* SPDX-License-Identifier: Apache-2.0 */
/* The main thread: waits, and hands on. */
#ifndef SUTURE_AGENT_SUTURED_LOOP_H
#define SUTURE_AGENT_SUTURED_LOOP_H

#include "sutured/net.h"

enum {
	LOOP_CONNECTIONS = 16, /* that have not said yet what they want; the others wait outside */
	LOOP_OTHERS = 8,       /* of these, others than root: the one that waits for longest goes */
	LOOP_PATIENCE_S = 10,  /* so long one may take to say it */
};

struct loop {
	struct net *n;
	int listener; /* agent.sock; the caller's */
	int signals;  /* signalfd: SIGTERM, SIGINT (ends), SIGHUP (reload) */
	int notify;   /* inotify of AGENT_RUN; -1: none */
	struct {
		int fd;	    /* -1: free */
		bool other; /* than root */
		int64_t until;
	} peers[LOOP_CONNECTIONS];
};

/* Blocks the signals it listens to in the calling thread, so call it before any other is started. */
int loop_init(struct loop *l, struct net *n, int listener, struct sut_err *err) _must_check_;
/* Until SIGTERM or SIGINT. */
int loop_run(struct loop *l, struct sut_err *err) _must_check_;
void loop_release(struct loop *l);

/* What is due is queued. */
void loop_due(struct net *n);

#endif
