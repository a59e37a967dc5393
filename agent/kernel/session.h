/* SPDX-License-Identifier: Apache-2.0 */
/* What apply, revert and verify have in common: rights, the lock, signals, repeated attempts. */
#ifndef SUTURE_AGENT_SESSION_H
#define SUTURE_AGENT_SESSION_H

#include <stdbool.h>

#include "engine.h"
#include "report.h"

#define SUT_LOCK_FILE "/run/suture.lock"

enum { SUT_ATTEMPTS_DEFAULT = 10, SUT_ATTEMPTS_MAX = 1000 };

/* -EPERM unless root. what: "applying a patch". */
int sut_session_need_root(const char *what, struct sut_err *err) _must_check_;

/* One suture at a time changes the kernel. -EBUSY (reason "locked") at once when
 * another one is at it; held until the descriptor is closed. */
int sut_session_lock(const char *path, int *ret_fd, struct sut_err *err) _must_check_;

/* From now on SIGINT, SIGTERM and SIGHUP only end the waiting between two
 * attempts, so that what was begun is cleaned up. */
void sut_session_catch_signals(void);

/* The signal that came since then, 0 without one. */
int sut_session_interrupted(void);

/* How long to wait after attempt n (1 …), in milliseconds: it doubles from a
 * quarter of a second to 15 seconds; 9 waits are about a minute. */
unsigned int sut_session_backoff_ms(unsigned int n);

/* One attempt; fills result and err as sut_engine_apply() does. */
typedef int sut_attempt_fn(const struct sut_engine *e, const void *arg, struct suture_result *ret,
			   struct sut_err *err);

/* Calls once() until it does not say BUSY or UNRELIABLE, at most `attempts` times;
 * counts in r->attempts, leaves the last answer in r->result and r->err. */
int sut_session_switch(struct sut_report *r, const struct sut_engine *e, unsigned int attempts,
		       sut_attempt_fn *once, const void *arg) _must_check_;

/* The value of --attempts; false when it is not 1 … SUT_ATTEMPTS_MAX. */
bool sut_session_parse_attempts(const char *s, unsigned int *ret);

#endif
