/* SPDX-License-Identifier: Apache-2.0 */
/* What a try needs from outside the virtual machine: the kernel image of the
 * target, the engine built for it, and the suture program. */
#ifndef SUTURE_BUILDER_TRY_SUBJECT_H
#define SUTURE_BUILDER_TRY_SUBJECT_H

#include "base/err.h"

struct sut_subject_opts {
	const char *patch;  /* NULL: none */
	const char *target; /* NULL: the one the patch names */
	const char *image;  /* NULL: the target's */
	const char *engine; /* NULL: built for the target; "none" */
	const char *suture; /* NULL: the one beside this program */
	const char *cache;  /* NULL: the default */
};

struct sut_subject {
	char *name;   /* of the target, or the image's path */
	char *image;  /* bzImage */
	char *engine; /* suture.ko; NULL: none */
	char *suture; /* NULL: none */
};

/* -ENOENT says what is missing and how to get it. */
int sut_subject_find(const struct sut_subject_opts *o, struct sut_subject **ret,
		     struct sut_err *err) _must_check_;
void sut_subject_freep(struct sut_subject **s);

#endif
