/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The differ: which functions and variables of a source file a fix changes.
 *
 * Both objects are compiled with one section per function and datum. Parts
 * are correlated by name (without the compiler's numbers) and by who refers
 * to them, then compared by bytes, by what their relocations mean, and by
 * their records in the special sections. docs/internals/differ.md.
 */
#ifndef SUTURE_BUILDER_DIFF_H
#define SUTURE_BUILDER_DIFF_H

#include "diff/atoms.h"

enum sut_verdict {
	SUT_SAME,    /* has a twin with the same meaning */
	SUT_CHANGED, /* has a twin, and differs */
	SUT_NEW,     /* has no twin, or is copied rather than shared */
};

enum { SUT_WHY_MAX = 256 };

struct sut_diff {
	const struct sut_atoms *orig, *patched; /* not owned */
	uint32_t *twin;		   /* per patched atom: the orig atom, or SUT_NO_ATOM */
	uint32_t *twin_back;	   /* per orig atom: the patched atom, or SUT_NO_ATOM */
	enum sut_verdict *verdict; /* per patched atom */
	char (*why)[SUT_WHY_MAX];  /* per patched atom: the first difference, "" when none */
};

/* Fails with reason "ambiguous-static" when a static variable could be one of
 * several and guessing would give it the wrong memory. */
int sut_diff_new(const struct sut_atoms *orig, const struct sut_atoms *patched,
		 struct sut_diff **ret, struct sut_err *err) _must_check_;
void sut_diff_free(struct sut_diff *d);
void sut_diff_freep(struct sut_diff **d);

#endif
