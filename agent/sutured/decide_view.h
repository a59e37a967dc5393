/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of decide() share; only for decide*.c. */
#ifndef SUTURE_AGENT_SUTURED_DECIDE_VIEW_H
#define SUTURE_AGENT_SUTURED_DECIDE_VIEW_H

#include "sutured/decide.h"

#define QUARANTINE_ADVICE                                                                          \
	"'suture history' tells what happened; when it was not the patch, 'suture quarantine "     \
	"release' lets it go"

struct view {
	const struct decide_in *in;
	struct decide_out *out;
	uint32_t running;		  /* level; 0: nothing */
	const struct decide_level *now;	  /* what runs, when the repository has it */
	uint32_t cap;			  /* of the pin: no level above it; UINT32_MAX */
	const struct decide_level *named; /* the one level or patchset a pin names */
	bool blocked;
	bool unmet;	   /* something is to run, and it cannot even be named */
	const char *state; /* of the first reason that blocks; NULL */
};

/* What stands against a level. */
enum {
	AGAINST_QUARANTINE = 1,
	AGAINST_PORTAL = 2,
	AGAINST_PIN = 4,
	AGAINST_STICKY = 8,
	AGAINST_DELAY = 16,
};

/* For people. */
static inline const char *what_it_is(const struct view *v)
{
	return v->in->library ? v->in->library : "this kernel";
}

static inline const char *or_empty(const char *s)
{
	return s ? s : "";
}

static inline bool is_text(const char *s)
{
	return s && *s;
}

/* decide_level.c: what there is, and what stands against it. */
int64_t decide_delay_ends(const struct view *v, const struct decide_level *l);
bool decide_is_running(const struct view *v, const struct decide_level *l);
bool decide_is_quarantined(const struct view *v, const struct decide_level *l);
const struct decide_level *decide_find_level(const struct view *v, uint32_t level);
const struct decide_level *decide_find_id(const struct view *v, const char *id);
const struct decide_told_held *decide_portal_holds(const struct view *v,
						   const struct decide_level *l);
bool decide_beyond_pin(const struct view *v, const struct decide_level *l);
/* A level is asked for by its name. */
bool decide_is_asked(const struct view *v);
/* The portal tells to take out what runs. */
bool decide_told_unload(const struct view *v);
/* What the clock, the policy and the administrator have against a level, as far as who asks is bound by
 * it: AGAINST_…. */
unsigned int decide_against(const struct view *v, const struct decide_level *l);

/* decide_why.c: a reason more. The first one that blocks says what state this is. */
struct decide_reason *decide_add(struct view *v, bool blocks, const char *code,
				 const struct decide_level *l, int64_t until, const char *advice,
				 const char *fmt, ...) _printf_(7, 8);
/* Something is different by the clock alone at `at`, or in so many seconds. */
void decide_again_at(struct view *v, int64_t at);
void decide_again_in(struct view *v, int64_t in_s);
void decide_say_against(struct view *v, unsigned int a, const struct decide_level *l, bool blocks);

/* decide_gates.c: what stands against doing anything: the machine, its portal and its repository; then root's
 * word and policy, and the patch that is wanted. */
void decide_gate_world(struct view *v);
void decide_gate_root(struct view *v);
/* What is only said, in the end. */
void decide_say_rest(struct view *v);
/* Its level; 0: none. */
uint32_t decide_highest_quarantined(const struct view *v);

#endif
