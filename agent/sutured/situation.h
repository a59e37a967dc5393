/* SPDX-License-Identifier: Apache-2.0 */
/* All that is known at one moment, and what follows from it. The worker's. */
#ifndef SUTURE_AGENT_SUTURED_SITUATION_H
#define SUTURE_AGENT_SUTURED_SITUATION_H

#include "sutured/half.h"
#include "sutured/net.h"
#include "sutured/published.h"
#include "sutured/update.h"

/* So long what failed is let alone, in seconds: the first time, and at most. */
enum { SITUATION_RETRY_FIRST = 15 * 60, SITUATION_RETRY_MAX = 4 * 3600 };

/*
 * What an update has to remember, as hidden parts of the state. They may be lost: then it is tried again sooner, and a
 * patch that was taken out waits for `suture update`.
 *
 *   _attempt   {"sha256", "id", "code", "text", "tries", "boot_id", "boot_s"}  the last failure; {} when there is none
 *   _unloaded  {"by_us": true}
 *   _clock     {"date", "boot_id", "boot_s"}  another machine's clock
 *   _check     {"code", "text"}  of the last look into the repository, when it failed
 */
struct situation {
	struct half half;
	struct published published;
	struct decide_told_held *held;
	const char **cves; /* of what is held */
	json_t *told, *told_held, *attempt, *check;
	struct decide_in in;
	struct decide_out out;
};

/* ask_half: its state is asked for, not read from its file. Decides, too. Never fails but for -ENOMEM: what cannot be read
 * is not known, and that is a situation. */
int situation_new(struct net *n, const struct update_ask *ask, bool ask_half,
		  struct situation **ret, struct sut_err *err) _must_check_;
void situation_free(struct situation *s);
void situation_freep(struct situation **s);

/* The state of the network half from it (state, why, available, stop, check.expires), and the moment when to look
 * again. */
void situation_publish(struct net *n, const struct situation *s);

/* [{"code", "text", "advice", "until", "patchset", "level", "cves", "blocks"}] */
json_t *situation_reasons(const struct situation *s);
json_t *situation_reasons_of(const struct decide_out *out);
/* {"code", "text", "advice"}: the reason that counts, or empty texts. */
json_t *situation_why(const struct decide_out *out);
json_t *situation_cves(const char *const *cves, size_t n);

/* What failed, for the next decisions: 15 minutes, doubled each time, at most 4 hours. e->reason may be "". */
void situation_failed(struct net *n, const struct situation *s, const struct decide_level *l,
		      const char *code, const char *text);
void situation_mended(struct net *n);

#endif
