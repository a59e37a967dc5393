/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suture-apply: what its parts share while one call, or one boot, is dealt with. Nothing runs beside anything
 * else here: there is one thread and one call at a time.
 */
#ifndef SUTURE_AGENT_APPLY_APPLY_H
#define SUTURE_AGENT_APPLY_APPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "common/paths.h"
#include "machine.h"

enum {
	APPLY_LOCK_WAIT_MS = 5000,	 /* of a verb, for `suture apply FILE` at the same time */
	APPLY_LOCK_WAIT_BOOT_MS = 60000, /* of a boot */
	APPLY_LOCK_WAIT_LIBRARIES_MS =
		300000,	      /* of feeding suture-process: whoever holds it may be doing so */
	APPLY_STEPS_MAX = 64, /* steps of one call that are told */
};

struct apply {
	const char *root; /* "" but in tests and images */
	struct machine machine;
	int64_t (*now)(void); /* seconds since the epoch */
	int lock;	      /* SUT_LOCK_FILE while the kernel may be changed; -1 */
	int client;	      /* progress is told to it; -1: nobody asks */
	json_t *steps; /* of this call: {"step", "state", "text", "at"}, in their order; may be NULL */
	json_t *errors; /* errors.h; NULL: not read yet */
};

/* The real machine and clock. root: may be NULL, and stays the caller's. */
void apply_init(struct apply *a, const char *root);
void apply_release(struct apply *a);

/*
 * The lock that `suture apply FILE` takes too. Whoever changes the kernel, the guard, the choice or staged
 * files holds it; to take it twice is once. -EBUSY (reason "locked") after wait_ms.
 */
int apply_lock(struct apply *a, unsigned int wait_ms, struct sut_err *err) _must_check_;
void apply_unlock(struct apply *a);

/* Tells the client and keeps it for the result: step "preflight", "switch", …; state "begin", "end", "note". */
void apply_step(struct apply *a, const char *step, const char *state, const char *fmt, ...)
	_printf_(4, 5);
/* The steps so far as a list of its own, [] when there are none. The caller's; NULL when memory is short. */
json_t *apply_steps(const struct apply *a);

/* A line for the journal: level as of syslog(3), "<4>text" on stderr. */
void apply_log(int level, const char *fmt, ...) _printf_(2, 3);

#endif
