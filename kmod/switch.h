/* SPDX-License-Identifier: GPL-2.0-only */
/* From one set of redirected functions to another, in one pause. */
#ifndef SUTURE_SWITCH_H
#define SUTURE_SWITCH_H

#include <linux/mutex.h>
#include <linux/types.h>

#include "payload.h"
#include "table.h"

/* Everything the engine knows and does is under this one lock. */
extern struct mutex suture_mutex;

/* One redirected function. */
struct suture_site {
	unsigned long addr; /* of the original, as it runs */
	u32 redirect;	    /* SUTURE_REDIRECT_* */
	u32 off;	    /* JUMP: of the jump, from addr */
	unsigned long target;
	u8 orig[SUTURE_JUMP_SIZE]; /* JUMP: what the jump replaced */
	u8 jump[SUTURE_JUMP_SIZE];
	char name[SUTURE_NAME_MAX];
};

/* What is applied. The engine's own memory: it outlives any payload. */
struct suture_set {
	struct suture_loaded *payload;
	u64 applied_at; /* CLOCK_REALTIME, seconds */
	u64 pause_ns, stop_ns;
	u32 n;
	struct suture_site sites[]; /* ascending by addr */
};

/* What is applied now; NULL: nothing. Under suture_mutex. */
const struct suture_set *suture_active(void);

/* The site of the function at addr, or NULL. set may be NULL. */
const struct suture_site *suture_set_find(const struct suture_set *set, unsigned long addr);

/*
 * Switches to the payload, from whatever is applied; NULL: to the original
 * functions. All functions change in one pause or none does. May sleep long.
 * flags: SUTURE_SWITCH_*. Fills res; returns 0 or -errno.
 */
int suture_switch_to(struct suture_loaded *payload, u32 flags, struct suture_result *res);

#endif
