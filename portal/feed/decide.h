/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one system should run: a pure function of what its feed has for its kernel, its policy, the time,
 * and what it runs now. docs/internals/feeds.md has the rules in words.
 *
 * Levels are cumulative, so the answer is the highest level that is allowed. Allowed is what is in the
 * feed, still in the repository, neither held nor withdrawn, older than the delay, and not beyond the pin.
 * What runs and is above that stays (a patch is not taken away because a feed is slower), unless it was
 * withdrawn or is beyond the pin: then it gives way to the highest allowed level, or is unloaded.
 * A system on hold changes nothing, except that it gives up what was withdrawn, downwards only.
 */
#ifndef SUTURE_PORTAL_FEED_DECIDE_H
#define SUTURE_PORTAL_FEED_DECIDE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "feed/pin.h"

enum {
	DECIDE_HELD_MAX = 16, /* listed: the highest levels */
	DECIDE_DETAIL_MAX = 512,
};

enum decide_state {
	DECIDE_ABSENT, /* not in this feed: never chosen, but it may be what runs */
	DECIDE_ACTIVE,
	DECIDE_HELD,
	DECIDE_WITHDRAWN,
};

/* One patch for one kernel. Strings belong to whoever made the entry. */
struct decide_entry {
	uint32_t level;
	const char *patchset;
	int64_t created; /* of the patchset, by its builder */
	enum decide_state state;
	int64_t entered;    /* into the feed; the delay counts from here */
	int64_t until;	    /* of HELD: active again from then on; 0: until somebody ends it */
	const char *reason; /* of HELD and WITHDRAWN; "" */
	bool gone;	    /* no longer a target of the repository */
	const char *path, *sha256;
	int64_t length;
	const char *const *cves;
	size_t ncves;
};

struct decide_in {
	const struct decide_entry *v; /* all of one build id, in any order */
	size_t n;
	int64_t now;
	uint32_t running;	      /* level; 0: none */
	const char *running_patchset; /* NULL or "": not known */
	int64_t delay_sec;
	struct feed_pin pin;
	bool hold;	    /* of the system */
	int64_t hold_until; /* 0: until somebody ends it */
	const char *hold_reason;
};

enum decide_action {
	DECIDE_NONE,  /* nothing runs, there is nothing to run */
	DECIDE_KEEP,  /* what runs is right */
	DECIDE_APPLY, /* run the target, whatever runs now */
	DECIDE_UNLOAD,
};

/* Of several reasons the one that lasts longest is told; of equally long ones the first here. */
enum decide_why {
	DECIDE_WHY_WITHDRAWN,
	DECIDE_WHY_HELD,
	DECIDE_WHY_PIN,
	DECIDE_WHY_SYSTEM_HOLD,
	DECIDE_WHY_DELAY,
};

struct decide_held {
	const struct decide_entry *entry;
	enum decide_why why;
	int64_t until; /* nothing stands against it from then on, if nobody does anything; 0: never */
};

struct decide_out {
	enum decide_action action;
	/* APPLY: what to run. KEEP: what runs, NULL when the portal does not know it. Else NULL. */
	const struct decide_entry *target;
	uint32_t level; /* that runs when the answer was obeyed */
	/* What the feed has above that level, and why it is not to be run; highest first. */
	struct decide_held held[DECIDE_HELD_MAX];
	size_t nheld;
	/* The first moment at which another answer may be due although nobody did anything; INT64_MAX. */
	int64_t valid_until;
};

/* Entries in the answer point into in->v. */
void decide(const struct decide_in *in, struct decide_out *ret);

const char *decide_action_name(enum decide_action a); /* "none", "keep", "apply", "unload" */
const char *
decide_why_name(enum decide_why w); /* "withdrawn", "held", "pin", "system-hold", "delay" */

/* One sentence for people, into buf. */
void decide_detail(const struct decide_in *in, const struct decide_held *h, char *buf, size_t size);

/* The parts of the answer to a check-in: {"action", "level", "patchset", "path", "sha256", "length"}, the
 * last four only with a target, and [{"patchset", "level", "cves", "reason", "until", "detail"}]. */
int decide_json(const struct decide_in *in, const struct decide_out *out, json_t **ret_kernel,
		json_t **ret_held, struct sut_err *err) _must_check_;

#endif
