/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of feeds, and how they go down from feed to feed. What becomes active or held in a feed becomes so in
 * the feeds that follow it with auto, in the same transaction, unless they have a decision of their own about
 * that patchset. What is withdrawn is withdrawn in all of them that have it.
 *
 * Followers may belong to other tenants than the feed: these functions are the only ones that write there.
 */
#ifndef SUTURE_PORTAL_FEED_FLOW_H
#define SUTURE_PORTAL_FEED_FLOW_H

#include "feed/decide.h"
#include "web/web.h"

enum {
	/* Feeds above a feed. Of those of the portal a tenant's counts one, so that neither can take the
	 * other's room. */
	FLOW_DEPTH_MAX = 4,
	FLOW_STEPS_MAX = 2 * FLOW_DEPTH_MAX, /* so no way is longer than that */
};

struct flow_feed {
	int64_t id, tenant;
	char name[WEB_NAME_MAX + 1];
	int64_t follows; /* 0: none */
	bool automatic;
};

struct flow_entry {
	enum decide_state state; /* DECIDE_ABSENT: there is none */
	int64_t entered, until;
	bool inherited;
	char reason[WEB_TEXT_MAX + 1];
};

/* Before anything is read that a change of feeds or entries depends on: changes by other portals wait, so that
 * what is withdrawn above and what is promoted below see each other. Until the transaction ends. */
int flow_lock(struct sut_db *db, struct sut_err *err) _must_check_;

/* 1 and *ret, or 0. By row id. */
int flow_feed_get(struct sut_db *db, int64_t id, struct flow_feed *ret,
		  struct sut_err *err) _must_check_;
int flow_entry_get(struct sut_db *db, int64_t feed, int64_t patchset, struct flow_entry *ret,
		   struct sut_err *err) _must_check_;

/* Writes the entry of the feed, and what follows from it. With events; the audit is the caller's. */
int flow_set(struct web_req *q, const struct flow_feed *feed, int64_t patchset, const char *name,
	     const struct flow_entry *entry, struct sut_err *err) _must_check_;

/* The feed gets what the one it follows has (auto, no follows: what the repository has), with the time
 * it entered there. For feeds that are new, or follow another one now. */
int flow_catch_up(struct web_req *q, const struct flow_feed *feed,
		  struct sut_err *err) _must_check_;

/* A patchset has come into the repository: into feeds with auto that follow none. */
int flow_released(struct web_req *q, int64_t patchset, const char *name,
		  struct sut_err *err) _must_check_;

#endif
