/* SPDX-License-Identifier: Apache-2.0 */
/* Looking into the repository: when, and what is noted of it ("check", "_repository", "_check", "_clock"). */
#ifndef SUTURE_AGENT_SUTURED_LOOK_H
#define SUTURE_AGENT_SUTURED_LOOK_H

#include "sutured/repository.h"
#include "sutured/update.h"

/*
 * Now. ask (may be NULL): what is asked for by name is looked for, too. *ret stays open, the caller's. When the next look
 * is due is set in any case. Reasons: "not-registered", "root-half", "no-root", "repository-unreachable", those of
 * tuf/trusted.h.
 */
int look(struct net *n, struct task *t, const struct update_ask *ask, struct repository *ret,
	 struct sut_err *err) _must_check_;

/* Is there a repository that this machine goes by: its portal's, or, without a portal, the one that agent.conf names? */
bool look_where(const struct net *n);

/* May it be looked for something that was just heard of? Not more than once in a while. */
bool look_may(struct net *n);

/* Seconds: between two looks, and to the first one. */
int64_t look_interval(struct net *n);
int64_t look_first(struct net *n);

#endif
