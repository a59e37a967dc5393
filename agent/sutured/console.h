/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A console's jobs, when agent.conf names one: a thread of its own waits for them by long polling
 * (docs/formats/console-agent.md), gives them to the worker as tasks, and sends the results. It touches nothing of the
 * worker's: it has an HTTP handle and copies of what it needs.
 */
#ifndef SUTURE_AGENT_SUTURED_CONSOLE_H
#define SUTURE_AGENT_SUTURED_CONSOLE_H

#include "sutured/net.h"

enum {
	CONSOLE_WAIT_S = 300, /* so long a poll is kept open */
	CONSOLE_AGAIN_S = 30, /* after an answer that brought nothing new */
	CONSOLE_RETRY_MAX_S = 300,
	CONSOLE_JOBS_MAX = 16,		/* of one answer; and that wait for the worker */
	CONSOLE_OUTBOX_MAX = 256,	/* results that were not sent yet; the oldest goes */
	CONSOLE_ANSWER_MAX = 128 << 10, /* bytes */
};

/* Results that are to be sent, an envelope in each file. Written by the worker, removed by the thread. */
#define CONSOLE_OUTBOX AGENT_JOBS "/outbox"

/*
 * A result goes to the console: durable in CONSOLE_OUTBOX, and sent as soon as it answers. The worker's. Without memory or
 * disk it is said in the log: the console gives the job again, and gets the stored result.
 */
void console_result(struct net *n, const char *envelope);

/* Ends the thread at once, in the middle of a request too, and waits for that. Does nothing when there is none. The part
 * starts and stops it by itself; the main thread calls this when the program ends. */
void console_stop(struct net *n);

/* The part of the agent (parts.c): the thread runs while a console is configured and this machine is registered. */
extern const struct net_part console_part;

#endif
