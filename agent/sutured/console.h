/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A console's jobs, when agent.conf names one: a thread of its own waits for them by long polling
 * (docs/formats/console-agent.md), gives them to the worker as tasks, and sends the results. It touches nothing of the
 * worker's: it has an HTTP handle and copies of what it needs.
 */
#ifndef SUTURE_AGENT_SUTURED_CONSOLE_H
#define SUTURE_AGENT_SUTURED_CONSOLE_H

#include "sutured/net.h"

/* Starts the thread, when a console is configured and this machine is registered; does nothing when it runs. By the main
 * thread before the others start, or by the worker after a registration or a reload of agent.conf. */
int console_start(struct net *n, struct sut_err *err) _must_check_;
/* Ends it at once, in the middle of a request too, and waits for that. Results that were not sent stay in AGENT_JOBS. */
void console_stop(struct net *n);

#endif
