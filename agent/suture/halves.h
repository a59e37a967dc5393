/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both halves of the agent know, read without changing anything, and what follows from it: is this machine
 * protected? Works without either of them, and says what is missing.
 */
#ifndef SUTURE_AGENT_HALVES_H
#define SUTURE_AGENT_HALVES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum {
	HALVES_GRACE_S = 7 * 86400
}; /* so long a silent portal is no error, unless agent.conf says otherwise */

struct halves {
	json_t *network; /* suture-agent-state; NULL: sutured did not answer */
	json_t *apply;	 /* suture-apply-state; NULL: not known */
	bool live; /* apply was said by suture-apply just now, not read from AGENT_APPLY_STATE */
	struct sut_err network_err, apply_err; /* why not (code 0: nothing is wrong) */
};

void halves_release(struct halves *h);

/* Asks sutured, and suture-apply when we are root; else, or when it does not answer, reads AGENT_APPLY_STATE. */
void halves_read(const char *root, struct halves *ret);

/* Only what suture-apply knows: -errno when there is nothing at all. */
int halves_read_apply(const char *root, struct halves *ret, struct sut_err *err) _must_check_;

/* "agent" of suture-status: both documents, where they are from, and what is missing. NULL: no memory. */
json_t *halves_json(const struct halves *h);

struct protection {
	const char *state; /* a word of docs/formats/status.md */
	char text[512], advice[512];
	int exit; /* for --exit-code */
};

/*
 * A pure function. patch: what the engine says is applied ({"id", "level"}), or NULL; it counts where suture-apply's
 * word is missing. grace_s: so long a silent portal is no error.
 */
void protection_find(const struct halves *h, const json_t *patch, int64_t now, int64_t grace_s,
		     struct protection *ret);

/* "protection" of suture-status. */
json_t *protection_json(const struct protection *p);

#endif
