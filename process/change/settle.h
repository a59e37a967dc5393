/* SPDX-License-Identifier: Apache-2.0 */
/* From INTERRUPT to a stop where a thread can stay: what its stops mean. A part of threads.h, as seize.h is. */
#ifndef SUTURE_PROCESS_CHANGE_SETTLE_H
#define SUTURE_PROCESS_CHANGE_SETTLE_H

#include "change/threads.h"

/* The next stop of a thread. 1 with a status; 0 when it can't be waited for any more; -ETIMEDOUT. */
int settle_wait(struct threads *t, const struct thread *v, int *status) _must_check_;

/* Adds the thread or process that parent's stop tells of: it came into the world attached to us. */
int settle_newborn(struct threads *t, const struct thread *parent, bool vfork,
		   struct sut_err *err) _must_check_;

/* Waits until everybody in the list is held, or has ended. */
int settle_all(struct threads *t, struct sut_err *err) _must_check_;

#endif
