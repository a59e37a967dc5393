/* SPDX-License-Identifier: Apache-2.0 */
/* One process: looked at, and brought to what is wanted. */
#ifndef SUTURE_PROCESS_SERVE_DEAL_H
#define SUTURE_PROCESS_SERVE_DEAL_H

#include "serve/serve.h"

/*
 * Brings pid to what w wants: patches that it needs, none that are not wanted (any more). What came of it goes into the table. true: it may help
 * to try again within a second. g belongs to the calling thread. ret_stuck: all of it happens in this thread, which has to end when that says so
 * (proc_options.here); NULL: not in this one.
 */
bool deal(struct serve *s, const struct wanted *w, pid_t pid, struct glance *g, bool *ret_stuck);

/* It was given up, because it does not let itself be looked at: it counts as one that is not patched. */
void deal_left(struct serve *s, const struct wanted *w, pid_t pid);

/* The same for this very process, whose threads another one has to stop: a child does it. true: something was done, and nothing was watched meanwhile. */
bool deal_self(struct serve *s, const struct wanted *w, struct glance *g);

/* Is it a process that is left alone on purpose? */
bool deal_alone(const struct wanted *w, pid_t pid);

#endif
