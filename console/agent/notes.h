/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process remembers of agents' calls until a task writes it down: calls that only wait do not write, so
 * thousands of agents may wait. Lost with the process: then an agent that fetched a manifest counts as one that did
 * not, until its result comes.
 */
#ifndef SUTURE_CONSOLE_AGENT_NOTES_H
#define SUTURE_CONSOLE_AGENT_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "db/db.h"

enum {
	AGENT_CLOCK_SEC = 300,		       /* a request's time may be off by so much */
	AGENT_NONCE_SEC = 2 * AGENT_CLOCK_SEC, /* so long it could come again */
	AGENT_NOTES_MAX = 500000, /* nonces in memory; more calls than that are put off */
};

struct agent_notes;

int agent_notes_new(struct agent_notes **ret, struct sut_err *err) _must_check_;
void agent_notes_free(struct agent_notes *n);

/* 0; -EEXIST: this system used it before; -EAGAIN: there are too many calls; -ENOMEM. */
int agent_notes_nonce(struct agent_notes *n, const char *system_id, const char *nonce, int64_t now);

/* That system of a job (job_systems.id) was given its manifest. */
void agent_notes_given(struct agent_notes *n, int64_t job_system);

/* Writes it down: in transactions of its own. */
int agent_notes_flush(struct agent_notes *n, struct sut_db *db, int64_t now,
		      struct sut_err *err) _must_check_;

#endif
