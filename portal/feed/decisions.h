/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a feed has for a kernel, read from the database once and kept until the generation changes, for
 * the thousands of systems that ask for the same. Thread-safe, bounded: the least recently used go first.
 */
#ifndef SUTURE_PORTAL_FEED_DECISIONS_H
#define SUTURE_PORTAL_FEED_DECISIONS_H

#include "feed/decide.h"

struct portal;
struct sut_db;
struct decisions;

/* Of one feed and one build id. Never changes once it is made. */
struct feed_view {
	struct decide_entry *v; /* for decide_in */
	size_t n;
	char feed[64];	     /* its name */
	int64_t delay_sec;   /* of the feed */
	struct feed_pin pin; /* of the feed */
};

/* For portal_open() and portal_free(). */
int decisions_new(struct decisions **ret, struct sut_err *err) _must_check_;
void decisions_free(struct decisions *d);

/* A reference, to be given back. feed: row id. db: in a transaction; what that has changed itself need not
 * show. p->decisions may be NULL: then nothing is kept. -ENOENT: no such feed. */
int decisions_get(struct portal *p, struct sut_db *db, int64_t feed, const char *build_id,
		  const struct feed_view **ret, struct sut_err *err) _must_check_;
/* The same for a library that a system names. *ret is NULL when nothing is known of it: systems may name what they like, so
 * that is not kept, and when *fresh, how many may still be read from the database, is 0 it is not looked for. */
int decisions_get_library(struct portal *p, struct sut_db *db, int64_t feed, const char *build_id,
			  unsigned int *fresh, const struct feed_view **ret,
			  struct sut_err *err) _must_check_;
void decisions_put(const struct feed_view *v);
void decisions_putp(const struct feed_view **v);

/* The policy of one system beside its feed: what is not given (has_delay false, pin NULL) is the
 * feed's. A system's own goes before its key's: that is the caller's to choose. */
struct decide_policy {
	bool has_delay;
	int64_t delay_hours;
	const char *pin; /* text of feed_pin_parse(), or NULL */
	bool library;	 /* pins to a level are for kernels: then there is none */
	bool hold;
	int64_t hold_until;
	const char *hold_reason;
	uint32_t running;
	const char *running_patchset;
	int64_t now;
};

/* decide() with a view and a policy. A pin to a patchset that has nothing for this kernel is looked up in
 * db. *ret_in is what was decided from (for decide_detail()); it points into view and policy. */
int decide_for(struct sut_db *db, const struct feed_view *view, const struct decide_policy *policy,
	       struct decide_in *ret_in, struct decide_out *ret, struct sut_err *err) _must_check_;

#endif
