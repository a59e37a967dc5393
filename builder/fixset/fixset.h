/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source fixes of one patch: which files they touch, and the patched text.
 *
 * The patched text keeps the line numbers of the original: after each hunk
 * that adds or removes lines a #line directive puts the count right, so that
 * __LINE__ does not change in code the fix does not touch.
 */
#ifndef SUTURE_BUILDER_FIXSET_H
#define SUTURE_BUILDER_FIXSET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "report/refusal.h"

enum { SUT_FIX_MAX = 16 << 20, SUT_SOURCE_MAX = 32 << 20, SUT_FIX_FILES_MAX = 256 };

/* The files a unified diff changes (paths without the a/ b/ prefix), in order
 * of appearance, each once. A pure parser of hostile text. -EBADMSG when it is
 * no unified diff, or a path leaves the tree. */
int sut_fix_files(const char *text, size_t len, struct sut_strv *ret,
		  struct sut_err *err) _must_check_;

struct sut_fixed_file {
	char *path;	    /* "net/unix/af_unix.c" */
	char *patched_path; /* the file with the patched text, in the scratch folder */
	char *plain_path;   /* the same before #line directives were added */
};

/* What differs between the kernel and a library. */
struct sut_fixset_rules {
	/* What becomes of a file: 1 it is patched and compiled, 0 it has no meaning to the code; *refusals gets the rest. */
	int (*kind)(void *ctx, const char *path, const char *src_dir,
		    struct sut_refusals *refusals);
	void *ctx;
	bool line_names; /* #line directives name the file: the compiler sees it under that very path */
};

struct sut_fixset {
	struct sut_strv fixes;	      /* paths of the .patch files, as given */
	struct sut_buf *texts;	      /* their contents, fixes.n of them */
	struct sut_fixed_file *files; /* those to compile */
	size_t nfiles;
};

/* Reads the fixes and applies them, in order, to copies of the source files in
 * scratch. What cannot be patched by its kind (headers, assembly, new files,
 * …) goes to *refusals. A fix that does not apply: -EINVAL, reason
 * "does-not-apply", with what patch(1) said. */
int sut_fixset_apply(const struct sut_fixset_rules *rules, const char *const *fixes, size_t n,
		     const char *src_dir, const char *scratch, struct sut_fixset *ret,
		     struct sut_refusals *refusals, struct sut_err *err) _must_check_;
void sut_fixset_release(struct sut_fixset *f);

/* Adds the #line directives: orig and patched texts in, the compilable text out. name: NULL for directives without one. */
int sut_fix_keep_lines(const char *orig_path, const char *patched_path, const char *name,
		       struct sut_buf *out, struct sut_err *err) _must_check_;

/* Where a name is defined in a text: a line that begins in the first column and has it; else its first use; 0: nowhere. */
unsigned int sut_fix_line_of(const char *text, const char *name);

#endif
