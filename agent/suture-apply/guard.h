/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crash guard: what is written down before the kernel is touched, and what a boot makes of it.
 *
 * For each kernel build AGENT_KERNELS/BUILDID/guard.json holds a struct guard. The rules are pure functions of it;
 * writing is sut_file_write(), so that a power cut leaves the old or the new one. Nobody touches the
 * kernel before the guard that says so is durable.
 *
 *   idle ──begin──► applying ──applied──► probation ──settled──► idle, good = it
 *                      │ failed                │ fell ill, taken back
 *                      ▼                       ▼
 *                     idle                    idle, quarantined
 *
 * At a boot, a guard in applying or probation whose boot did not end in order says that the machine went down
 * with that patch. A patch that never was good is quarantined at once. One that was good before (it was applied
 * again by a boot) may have been hit by a power cut: it is tried again, and quarantined the third time without a
 * probation stood in between.
 *
 * While a patch is applied over one that is itself in probation, the machine may go down by either: both are
 * quarantined then.
 */
#ifndef SUTURE_AGENT_APPLY_GUARD_H
#define SUTURE_AGENT_APPLY_GUARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/sha256.h"
#include "uapi/suture.h"

enum {
	GUARD_MAX = 256 << 10,	    /* bytes of guard.json */
	GUARD_QUARANTINED_MAX = 32, /* the oldest goes */
	GUARD_DETAIL_MAX = 1024,    /* bytes, printable */
	GUARD_TRIES = 2,	    /* unclean ends in a row that a good patch survives */
};

enum guard_phase { GUARD_IDLE, GUARD_APPLYING, GUARD_PROBATION };

struct guard_patch {
	char id[SUTURE_ID_MAX]; /* "": none */
	uint32_t level;
	char sha256[SUT_SHA256_HEX]; /* of kpatch.bin, which lies beside the guard */
};

struct guard_quarantined {
	struct guard_patch patch;
	int64_t at;
	char why[16]; /* "unclean", "panic", "oops", "health" */
	char detail[GUARD_DETAIL_MAX];
};

struct guard {
	enum guard_phase phase;
	struct guard_patch now; /* phase applying, probation: this one */
	char boot_id[37];	/* in which the phase began */
	int64_t since;		/* seconds since the epoch, for people */
	int64_t since_uptime_s; /* seconds of uptime: the clock may jump, this does not */
	int64_t probation_s;	/* so long, from since_uptime_s */
	struct guard_patch
		before;		 /* phase applying: what was in probation when it began; "": none */
	unsigned int tries;	 /* unclean ends of `good` since it last stood a probation */
	struct guard_patch good; /* the last one that stood its probation */
	int64_t good_since;
	bool unloaded; /* somebody took the patch out on purpose: a boot does not bring it back */
	struct guard_quarantined quarantined[GUARD_QUARANTINED_MAX];
	size_t nquarantined;
};

/* -EBADMSG names the member. Pure. */
int guard_parse(const void *text, size_t len, struct guard *ret, struct sut_err *err) _must_check_;
json_t *guard_json(const struct guard *g);
json_t *guard_patch_json(const struct guard_patch *p); /* null when it is none */
const char *guard_phase_word(enum guard_phase phase);  /* "idle", "applying", "probation" */
/* Cuts to size and makes printable. */
void guard_detail(const char *text, char ret[static GUARD_DETAIL_MAX]);

/*
 * Zeroed when there is none. A damaged one is moved aside (guard.json.damaged-TIME) and reported by -EBADMSG
 * (reason "guard"): what it quarantined is lost, so that the caller applies nothing by itself until root says
 * so. As long as a damaged one lies there and no other was written, it is reported again.
 * build_id: 40 lower-case hexadecimal digits, or -EINVAL.
 */
int guard_read(const char *root, const char *build_id, struct guard *ret,
	       struct sut_err *err) _must_check_;
int guard_write(const char *root, const char *build_id, const struct guard *g,
		struct sut_err *err) _must_check_;

/* The same for whatever else is guarded: BELOW/BUILDID/NAME. */
struct guard_home {
	const char *below, *name;
};
int guard_read_in(const struct guard_home *h, const char *root, const char *build_id,
		  struct guard *ret, struct sut_err *err) _must_check_;
int guard_write_in(const struct guard_home *h, const char *root, const char *build_id,
		   const struct guard *g, struct sut_err *err) _must_check_;

/* The rules. Each changes *g only. */
void guard_begin(struct guard *g, const struct guard_patch *p, const char *boot_id, int64_t now,
		 int64_t uptime_s);
void guard_applied(struct guard *g, int64_t uptime_s, int64_t probation_s);
/* The kernel runs what it ran before; what was in probation then is so again, from the beginning. */
void guard_failed(struct guard *g);
void guard_reverted(struct guard *g, bool on_purpose);
bool guard_due(const struct guard *g, const char *boot_id,
	       int64_t uptime_s); /* probation is over */
void guard_settled(struct guard *g, int64_t now);
void guard_quarantine(struct guard *g, const struct guard_patch *p, const char *why,
		      const char *detail, int64_t now);
bool guard_is_quarantined(const struct guard *g, const char *sha256);
/* sha256 NULL: all. How many were let go. */
size_t guard_release(struct guard *g, const char *sha256);

/* What a boot has to do, decided from what the last one left. */
struct guard_boot {
	bool unclean;		   /* the machine went down with g->now */
	bool quarantine;	   /* … and that one is quarantined by this */
	struct guard_patch blamed; /* unclean: what g->now was */
	struct guard_patch apply;  /* "": nothing. To be applied now */
};
/* ended_clean: the boot g->boot_id was ended in order. evidence: of pstore, "" for none. Changes *g. */
void guard_boot(struct guard *g, const char *boot_id, bool ended_clean, const char *evidence,
		int64_t now, struct guard_boot *ret);

#endif
