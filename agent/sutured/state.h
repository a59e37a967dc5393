/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of the network half: the document suture-agent-state of docs/internals/agent.md, which `status` gives.
 * Kept in memory as its members ("parts"), each with one owner; any thread may read it.
 *
 *   part                          who sets it
 *   registered, system_id, portal,
 *   feed, registered_at, trouble  state_identity(), whenever the identity was changed
 *   checkin, told, held, notices  checkin.c
 *   state, why, check, available,
 *   stop                          update (decide)
 *   busy                          the worker
 *   sandbox                       main
 *   hidden parts, named "_…"      who made them: not in the status, but kept like told
 *
 * told, held, notices, check, available, stop, state, why and the hidden parts are kept in AGENT_NET_STATE too, by
 * state_save(). It may be lost: then they are what they are when nothing was heard yet.
 */
#ifndef SUTURE_AGENT_SUTURED_STATE_H
#define SUTURE_AGENT_SUTURED_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct net;

enum { NET_STATE_MAX = 256 << 10 }; /* bytes of AGENT_NET_STATE */

struct net_state {
	json_t *parts; /* an object; under net.lock */
	bool dirty;    /* something that is kept has changed since it was written */
};

/* All parts as when nothing was heard yet. */
int state_init(struct net *n, struct sut_err *err) _must_check_;
/* Back to that, but for "sandbox". */
int state_forget(struct net *n, struct sut_err *err) _must_check_;
void state_release(struct net *n);

/* value is taken over (NULL, when memory was short: the part stays as it was). */
void state_set(struct net *n, const char *part, json_t *value);
/* Several members of a part that is an object: {"failures": 2}. Taken over likewise. */
void state_update(struct net *n, const char *part, json_t *members);
/* A copy, the caller's. NULL when there is none, or memory is short. */
json_t *state_get(struct net *n, const char *part);
/* The text of a member of a part ("" when it is not there or no text), e.g. ("told", "action"); member NULL: the part itself. */
void state_text(struct net *n, const char *part, const char *member, char *ret, size_t size);
int64_t state_int(struct net *n, const char *part, const char *member, int64_t otherwise);

/* From net.id. */
void state_identity(struct net *n);

/* The whole document, the caller's; NULL when memory is short. */
json_t *state_document(struct net *n);

/* From and to AGENT_NET_STATE. A file that is damaged or of another version is as none. state_save() writes only
 * what has changed; that it cannot is said in the log, once. */
void state_load(struct net *n);
void state_save(struct net *n);

/* "2026-11-21T20:15:00Z"; "" for 0 (and json null by state_time_json()). */
void state_time(int64_t t, char ret[static sizeof("2026-11-21T20:15:00Z")]);
json_t *state_time_json(int64_t t);

#endif
