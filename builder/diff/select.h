/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From differences to a patch: which functions are replaced, what has to come
 * with them, and what stands in the way.
 */
#ifndef SUTURE_BUILDER_SELECT_H
#define SUTURE_BUILDER_SELECT_H

#include "diff/diff.h"
#include "report/refusal.h"

struct sut_selection {
	bool *include; /* per patched atom: its patched form goes into the payload */
	bool *replace; /* per patched atom: a function whose original gets redirected */
	uint32_t nreplace;
};

struct sut_select_opts {
	const char *source; /* for the refusals */
	/* Can the original (atom of d->orig) be redirected? When not, says why in *why. */
	bool (*redirectable)(void *ctx, uint32_t orig, char why[static SUT_WHY_MAX]);
	/* Line of a name in the patched source; 0 when it is not found. */
	unsigned int (*line_of)(void *ctx, const char *name);
	/* Does another file of the fix refer to a global of that name? */
	bool (*wanted)(void *ctx, const char *name);
	void *ctx;
};

/*
 * Marks changed functions, pulls in callers of those whose entry cannot be
 * redirected, and then all that is new and referred to. What cannot be done
 * live is added to *refusals; the caller looks there. May change verdicts:
 * read-only data without pointers become a new copy, and code that uses them
 * changed.
 */
int sut_select(struct sut_diff *d, const struct sut_select_opts *opts, struct sut_selection *ret,
	       struct sut_refusals *refusals, struct sut_err *err) _must_check_;
void sut_selection_release(struct sut_selection *s);

/* A reference that means "call", as against "take the address of". */
bool sut_ref_is_call(const struct sut_ref *r);

#endif
