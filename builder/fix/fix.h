/* SPDX-License-Identifier: Apache-2.0 */
/* A fix: some of the changes between two source trees, as a patch. */
#ifndef SUTURE_BUILDER_FIX_H
#define SUTURE_BUILDER_FIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { SUT_FIX_MAX = 256 << 20 }; /* bytes of a patch */

struct sut_fix_hunks {
	uint32_t *v;
	size_t n;
};

/* Adds the number in s (from 1). */
int sut_fix_hunks_add(struct sut_fix_hunks *h, const char *s, struct sut_err *err) _must_check_;
void sut_fix_hunks_release(struct sut_fix_hunks *h);

struct sut_fix_opts {
	const struct sut_strv *files;	   /* empty: all that differ */
	const struct sut_strv *functions;  /* empty: changes anywhere */
	const struct sut_fix_hunks *hunks; /* empty: all */
	bool list;			   /* write a list of the hunks, not the patch */
};

/*
 * Adds to *out a unified diff (a/… b/…) of what opts select. A change counts as
 * within a function when all its lines are, on each side that has lines; a
 * function that only one version has is looked at on that side.
 * -ENOENT when nothing is selected; the message lists what there is.
 */
int sut_fix_cut(const char *from, const char *to, const struct sut_fix_opts *opts,
		struct sut_buf *out, struct sut_err *err) _must_check_;

#endif
