/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of apply.sock: who may call which, and what each does. docs/internals/agent.md is their contract. */
#ifndef SUTURE_AGENT_APPLY_VERB_H
#define SUTURE_AGENT_APPLY_VERB_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "act.h"
#include "apply.h"
#include "wire/wire.h"

struct verb_call {
	const json_t *request;
	struct wire_fds fds; /* a verb may take descriptors out (-1 in their place) */
	uid_t uid;	     /* of the peer, from the kernel */
	bool root;	     /* it is root */
	/* "by" of the request when it is well-formed, else "root" or "sutured". What is not root's word says so. */
	const char *by;
	char by_text[128];
};

/* Fills answer (an object), also when it fails: members beside "ok" and "error". */
typedef int verb_fn(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err);

struct verb {
	const char *name;
	bool root_only;
	bool changes; /* is called with the lock held */
	size_t nfds;  /* descriptors it takes; all others are refused */
	verb_fn *run;
};

/* NULL when there is no such verb. */
const struct verb *verb_find(const char *name);

/* One request: finds the verb, checks who asks, takes the lock, runs it. *answer is filled in any case. */
int verb_run(struct apply *a, struct verb_call *c, json_t *answer, struct sut_err *err);

/* The state, as "state" of an answer. What cannot be had is left out. */
void verb_state(struct apply *a, json_t *answer);

/* Members of a request. -EINVAL (reason "request") when one is of another type. */
int verb_flag(const struct verb_call *c, const char *name, bool *ret,
	      struct sut_err *err) _must_check_;
/* 64 lower-case hexadecimal digits; optional: "" when it is not there. */
int verb_sha256(const struct verb_call *c, bool optional, char ret[static SUT_SHA256_HEX],
		struct sut_err *err) _must_check_;

/* by, reason, dry_run, down and force. -EACCES: force is root's. */
int verb_act_options(const struct verb_call *c, struct act_opts *ret,
		     struct sut_err *err) _must_check_;

#endif
