/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between two versions of a file: groups of changed lines
 * without context, and unified diffs made from a selection of them.
 *
 * The context of a hunk is taken from the old file, so a change that was left
 * out beside one that was selected does not get in the way, and the result
 * applies to the old file as it is.
 */
#ifndef SUTURE_BUILDER_CHANGE_H
#define SUTURE_BUILDER_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "fix/csource.h"
#include "fix/text.h"

enum { SUT_CHANGES_MAX = 1 << 20, SUT_CHANGE_CONTEXT = 3 };

/* Lines old_first … old_first+old_n-1 became new_first … new_first+new_n-1.
 * With old_n 0 (or new_n 0) the first is the line before which they would be. */
struct sut_change {
	uint32_t old_first, old_n, new_first, new_n;
	bool selected;
	uint32_t hunk; /* number of the hunk it is in, from 1; 0: not selected */
};

struct sut_changes {
	struct sut_change *v;
	size_t n;
};

/* Reads the output of `diff -U0`: the lines "@@ -a,b +c,d @@" count. Pure
 * function; changes must ascend and stay within the two files. -EBADMSG. */
int sut_changes_parse(const char *text, size_t len, uint32_t old_lines, uint32_t new_lines,
		      struct sut_changes *ret) _must_check_;
/* Compares two files with diff(1); either may be missing. */
int sut_changes_between(const char *old_path, const char *new_path, const struct sut_text *old,
			const struct sut_text *new_text, struct sut_changes *ret,
			struct sut_err *err) _must_check_;
void sut_changes_release(struct sut_changes *c);

/* Numbers the hunks of the selected changes, from *next on; those whose
 * contexts touch share one. */
void sut_changes_number(struct sut_changes *c, uint32_t *next);

/* Adds the file's diff ("--- a/path" …) with the selected changes; nothing when none is. */
int sut_changes_write(const struct sut_changes *c, const char *path, const struct sut_text *old,
		      const struct sut_text *new_text, const struct sut_csource *functions,
		      struct sut_buf *out) _must_check_;

#endif
