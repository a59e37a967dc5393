/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verbs of agent.sock: a row each in verb.c. docs/internals/agent.md has what they take and give.
 */
#ifndef SUTURE_AGENT_SUTURED_VERB_H
#define SUTURE_AGENT_SUTURED_VERB_H

#include <jansson.h>
#include <stdbool.h>

#include "sutured/net.h"

struct verb {
	const char *name;
	bool all; /* everybody may; else root alone (and in tests, with --root: the user we run as) */
	/* Either this, in the main thread: from what is in memory (state.h), at once. 0 with *ret (an object, the caller's). */
	int (*now)(struct net *n, const json_t *request, json_t **ret, struct sut_err *err);
	/* … or this, as a task of the worker. */
	task_fn run;
};

/* NULL: there is none of this name. */
const struct verb *verb_find(const char *name);

/* The functions of the rows. */
int verb_status(struct net *n, const json_t *request, json_t **ret, struct sut_err *err);
void verb_register(struct net *n, struct task *t);
void verb_unregister(struct net *n, struct task *t);
void verb_reload(struct net *n, struct task *t);

#endif
