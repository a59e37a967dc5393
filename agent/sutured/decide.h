/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be done to this kernel, or to one library, now: a pure function of what is known. docs/internals/agent.md has the rules in
 * words, docs/formats/explain.md the reasons.
 *
 * With a portal, what it tells is what is to run, and nothing else: the local policy, a pin and a hold can only keep it
 * back. A pin of root to one level or patchset names that one, too. Without a portal it is the highest level
 * of the repository that the local policy allows. Nothing leads to a lower level but the portal's word, a pin, or who asks
 * for one by name. What is quarantined is never chosen.
 */
#ifndef SUTURE_AGENT_SUTURED_DECIDE_H
#define SUTURE_AGENT_SUTURED_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "common/choice.h"
#include "common/conf.h"
#include "crypto/sha256.h"
#include "uapi/suture.h"

enum {
	DECIDE_REASONS_MAX = 24,
	DECIDE_TEXT_MAX = 512,
	DECIDE_CODE_MAX = SUT_ERR_REASON_MAX,
	DECIDE_QUARANTINED_MAX = 32,
};

/* The state of the root half, as far as it matters here (sutured/half.h reads it). */
enum decide_switch { DECIDE_SWITCH_NORMAL, DECIDE_SWITCH_NO_APPLY, DECIDE_SWITCH_OFF };
enum decide_engine {
	DECIDE_ENGINE_LOADED,
	DECIDE_ENGINE_AVAILABLE,
	DECIDE_ENGINE_MISSING,
	DECIDE_ENGINE_REFUSED,
};

struct decide_half {
	bool known; /* it has answered */
	enum decide_switch mode;
	char mode_by[16]; /* "choice", "cmdline", "file" */
	char support[16]; /* "supported", or why not: "container", "arch", "foreign" */
	char support_text[256];
	enum decide_engine engine;
	char engine_text[256];
	char release[65], arch[65], build_id[2 * SUTURE_BUILD_ID_LEN + 1];
	struct {
		char id[SUTURE_ID_MAX]; /* "": nothing is applied */
		uint32_t level;
		char sha256[SUT_SHA256_HEX]; /* "": applied by hand, not known */
	} patch;
	bool unloaded; /* somebody took the patch out on purpose */
	bool residue;
	/* Why the root half applies nothing until an administrator says a word: "guard" or "choice" cannot be read. */
	char broken[16], broken_text[512]; /* "": neither */
	struct {
		char id[SUTURE_ID_MAX];
		uint32_t level;
		char sha256[SUT_SHA256_HEX];
		char why[16];
	} quarantined[DECIDE_QUARANTINED_MAX];
	size_t nquarantined;
};

/* One level of the verified repository for this build. Strings are the caller's. */
struct decide_level {
	const char *id;
	uint32_t level;
	const char *path;   /* of the target */
	const char *sha256; /* 64 digits */
	int64_t length;
	int64_t created; /* when it was made; 0: not said */
	int64_t seen;	 /* when this machine first saw it, by its clock of then */
	const char *const *cves;
	size_t ncves;
};

enum decide_told {
	DECIDE_TOLD_NOTHING, /* nothing was heard since the registration */
	DECIDE_TOLD_NONE,
	DECIDE_TOLD_KEEP,
	DECIDE_TOLD_APPLY,
	DECIDE_TOLD_UNLOAD,
};

/* What the portal holds back. Strings are the caller's. */
struct decide_told_held {
	const char *id;
	uint32_t level;
	const char *reason; /* "delay", "held", "withdrawn", "pin", "system-hold" */
	const char *detail; /* for people; "" */
	int64_t until;	    /* 0: nobody knows */
	const char *const *cves;
	size_t ncves;
};

enum decide_stop { DECIDE_STOP_NONE, DECIDE_STOP_HALT, DECIDE_STOP_UNLOAD };

/* The metadata of the repository. */
enum decide_repository {
	DECIDE_REPO_NEVER, /* nothing was ever fetched */
	DECIDE_REPO_GOOD,  /* fetched, and not expired */
	DECIDE_REPO_EXPIRED, /* what it says is too old to be believed: nothing new is applied by it */
};

/* Who asks, other than the clock. */
enum decide_asks {
	DECIDE_ASKS_NOBODY,
	DECIDE_ASKS_ROOT, /* `suture update`, a job: in spite of manual, window, delay, sticky, retry */
	DECIDE_ASKS_FORCE, /* and of hold, pin, no-apply and what the portal holds back */
};

struct decide_in {
	/* Name of the library that this is about, whose level, patches and quarantine are in half; NULL: the kernel. */
	const char *library;
	struct decide_half half;
	const struct choice *choice;
	const struct agent_policy *policy; /* of the feed */
	/* Of the policy's windows at `now`, by the time zone: agent_window_open(). */
	bool window_open;
	int64_t window_opens; /* 0: never */

	bool registered;     /* with a portal; else what is told is the latest of the repository */
	bool repository_set; /* one is known */
	const char *trouble; /* "", or why the portal does not know us any more: "cloned" … */
	enum decide_told told;
	const char *told_id, *told_path, *told_sha256; /* of APPLY */
	uint32_t told_level;
	int64_t told_length;
	int64_t heard; /* last answer of the portal; 0: none */
	int64_t grace_s;
	const struct decide_told_held *held;
	size_t nheld;

	enum decide_repository repository;
	int64_t expires;		   /* of EXPIRED: since when */
	const char *check_code;		   /* reason of the last check when it failed; "" */
	const char *check_text;		   /* its message */
	const struct decide_level *levels; /* in any order */
	size_t nlevels;
	const char
		*near; /* kernels of this machine's kind that the repository has patches for; "" */

	enum decide_stop stop;
	const char *stop_reason;

	int64_t now;   /* may be wrong by years */
	int64_t clock; /* what another machine's clock said at this moment; 0: not known */
	int64_t floor; /* it was at least this late once, as signed things say; 0 */

	/* What went wrong with a patch, and is not mended; retry_s: so long it is let alone. */
	const char *failed_sha256, *failed_code, *failed_text;
	int64_t retry_s;
	bool unloaded_by_us; /* half.unloaded: it was the portal's word or the stop flag, not root's */

	enum decide_asks asks;
	uint32_t ask_level; /* 0: what is told */
	const char *ask_id; /* "" */
};

enum decide_action { DECIDE_NONE, DECIDE_APPLY, DECIDE_UNLOAD };

struct decide_reason {
	char code[DECIDE_CODE_MAX];
	char text[DECIDE_TEXT_MAX];   /* what is so */
	char advice[DECIDE_TEXT_MAX]; /* what to do; "" */
	int64_t until;		      /* it ends by itself then; 0: not, or nobody knows */
	const char *id;		      /* of the patch that is held back; NULL */
	uint32_t level;
	const char *const *cves;
	size_t ncves;
	bool blocks; /* it is why nothing is done; else it is only said */
};

struct decide_out {
	enum decide_action action;
	const struct decide_level *target; /* APPLY: into in->levels */
	bool down;			   /* … is a lower level than what runs */
	bool engine;			   /* … and there is no engine yet: fetch it first */
	const char *unload_by;		   /* UNLOAD: "stop-flag", "portal" */
	/* What would be applied if nothing held it back; NULL. */
	const struct decide_level *wanted;
	bool wants; /* something is to be done, whether it can be or not */
	/* The highest level of the repository beyond what runs; NULL. */
	const struct decide_level *available;
	char state[16]; /* docs/formats/checkin.md, or "not-registered", "unknown" */
	struct decide_reason reasons[DECIDE_REASONS_MAX]; /* the strongest first; at least one */
	size_t nreasons;
	/* Something changes by the clock alone then (a window opens, a delay ends …); 0: not. */
	int64_t again_s; /* seconds from now */
};

/* Never fails. Strings in *ret point into *in. */
void decide(const struct decide_in *in, struct decide_out *ret);

/* When the patch was seen, for the delay: not before it was made, not in the future. */
int64_t decide_seen(const struct decide_level *l, int64_t now);

/* "none", "apply", "unload" */
const char *decide_action_word(enum decide_action a);

#endif
