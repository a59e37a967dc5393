/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that runs the tasks. */
#ifndef SUTURE_AGENT_SUTURED_WORKER_H
#define SUTURE_AGENT_SUTURED_WORKER_H

#include "sutured/net.h"

int worker_start(struct net *n, pthread_t *ret, struct sut_err *err) _must_check_;

/* Takes no more tasks and waits for the one that runs. false: it did not end in time; the process may end all the same, since
 * what is on the disk is good at every moment. */
bool worker_stop(struct net *n, pthread_t thread);

/* One task after the other, in this thread, until none waits. */
void worker_drain(struct net *n);

#endif
