/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one recorded build of a source package: in a build root, or on this machine. Afterwards the target's folder holds the source
 * tree as it was built, what the package's files were built as (made/), the record, and `built`, which is written last: should what
 * follows fail or be killed, the next `add` goes on from there.
 */
#ifndef SUTURE_BUILDER_LIBRARY_RECORDED_H
#define SUTURE_BUILDER_LIBRARY_RECORDED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "target/deb.h"
#include "target/progress.h"

struct sut_recorded {
	const char *cache, *dir;   /* dir: of the target; its shipped/ is there */
	const struct sut_deb *deb; /* the shipped package */
	const char *from;	   /* folder with the source package; NULL: through apt */
	bool here;		   /* on this machine, with what is installed */
	const char *log;	   /* file that gets what the build says */
	const struct sut_progress *progress;
};

/* What a whole build left, read from `built`. */
struct sut_recorded_tree {
	char *root;    /* "root", relative to the target's folder, or "/" */
	char *src_dir; /* as the build saw it */
	char *record;  /* folder of the record, readable from here */
	char *source, *source_version;
};

int sut_recorded_build(const struct sut_recorded *b, struct sut_err *err) _must_check_;

/* -ENOENT: there is none, or not a whole one. */
int sut_recorded_open(const char *dir, struct sut_recorded_tree *ret,
		      struct sut_err *err) _must_check_;
void sut_recorded_release(struct sut_recorded_tree *t);

/* Versions without what only packaging counts: "1:3.0.17-1~deb12u2" is "3.0.17". Caller frees. */
char *sut_recorded_upstream(const char *version);

/*
 * Where the shipped build had its tree: an absolute path that ends with "/NAME-VERSION", found as a string in a file's bytes. NULL
 * when there is none, or no memory. Caller frees.
 */
char *sut_recorded_path(const void *data, size_t len, const char *tree);

#endif
