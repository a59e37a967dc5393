/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the two halves of the agent. When nobody is there, or only root may, the error says so and which unit is
 * to be started.
 */
#ifndef SUTURE_AGENT_ASK_H
#define SUTURE_AGENT_ASK_H

#include <jansson.h>

#include "base/err.h"
#include "wire/wire.h"
#include "progress.h"

enum ask_whom {
	ASK_NETWORK, /* sutured */
	ASK_APPLY,   /* suture-apply */
};

enum {
	ASK_SHORT_MS = 5000,	  /* for what is known already */
	ASK_LONG_MS = 30 * 60000, /* for what fetches or switches: between two messages */
};

struct ask {
	const struct wire_fds *fds;
	int timeout_ms;					 /* 0: ASK_LONG_MS */
	struct progress *progress;			 /* NULL: none; ended when this returns */
	void (*each)(void *ctx, const json_t *progress); /* instead of it; may be NULL */
	void *ctx;
	unsigned int patience_ms; /* so long nobody needs to be there yet */
};

/* What comes before all paths: $SUTURE_ROOT, else "". */
const char *ask_root(void);

/*
 * One call. request is taken over, also when it fails; what it holds under "key" and "token" is wiped. *ret (may be
 * NULL) is the answer, the caller's, also of one that says no; NULL when there was none.
 * opts may be NULL. Reasons of its own: "no-agent" (nobody is there), "not-root", "no-answer".
 */
int ask_call(enum ask_whom whom, json_t *request, const struct ask *opts, json_t **ret,
	     struct sut_err *err) _must_check_;

/*
 * The state document ("suture-agent-state", "suture-apply-state") of an answer: the caller's, NULL when there is none.
 * It stands beside "ok" and "result", which are left out, or is the member "state" or "status".
 */
json_t *ask_state(const json_t *answer);

/*
 * Is what sutured has staged what was asked for (a level, a name, or NULL for anything)? It has no rights; what root forces must not
 * be of its choosing.
 */
bool ask_is_meant(const json_t *staged, const char *to);

/* -EPERM (reason "not-root") unless root, or a root of our own is used. what: "changing the mode" */
int ask_need_root(const char *what, struct sut_err *err) _must_check_;

/* A sealed memfd with these bytes, as suture-apply asks for. */
int ask_memfd(const char *name, const void *data, size_t len, int *ret_fd,
	      struct sut_err *err) _must_check_;

/* When SIGINT or SIGTERM come, the line of progress is ended first. */
void ask_catch_signals(struct progress *p);

#endif
