/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kernel build would run: the list of compiled sources with their
 * command lines, taken from the output of `make -n vmlinux modules`, and the
 * text file it is kept in.
 */
#ifndef SUTURE_BUILDER_KBUILD_H
#define SUTURE_BUILDER_KBUILD_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum sut_unit_kind {
	SUT_UNIT_BUILT_IN, /* linked into vmlinux */
	SUT_UNIT_MODULE,   /* part of a loadable module */
	SUT_UNIT_OTHER,	   /* compiled for something else: the vdso, the boot code, tools */
};

/* One compiled source file. */
struct sut_kbuild_unit {
	enum sut_unit_kind kind;
	char *source;		 /* path in the source tree */
	char *object;		 /* path in the build folder */
	struct sut_strv cc;	 /* the compiler and its options, without -c, -o, the source,
				 * debug information and dependency output */
	struct sut_strv objtool; /* objtool and its options without the object; empty: not run */
};

struct sut_kbuild {
	struct sut_kbuild_unit *units; /* by source, one per source */
	size_t n;
};

/*
 * Reads what make printed. Commands that are not understood are passed over.
 * A source that is compiled more than once is kept as the most important of
 * its uses, in the order of enum sut_unit_kind. Sources outside src_dir
 * (made during the build) are left out.
 */
int sut_kbuild_parse(const char *text, size_t len, const char *src_dir, struct sut_kbuild **ret,
		     struct sut_err *err) _must_check_;

/* As text, one unit a line; the commands of built-in units only. */
int sut_kbuild_format(const struct sut_kbuild *k, struct sut_buf *out) _must_check_;

/*
 * Looks a source up in that text. Returns 1 and fills *ret (release it with
 * sut_kbuild_unit_release), 0 when it is not there, -EBADMSG for a broken
 * line, -ENOMEM.
 */
int sut_kbuild_find(const char *text, size_t len, const char *source,
		    struct sut_kbuild_unit *ret) _must_check_;

/* Adds the sources of that kind to *ret, in the order of the text. */
int sut_kbuild_sources(const char *text, size_t len, enum sut_unit_kind kind,
		       struct sut_strv *ret) _must_check_;

void sut_kbuild_unit_release(struct sut_kbuild_unit *u);
void sut_kbuild_free(struct sut_kbuild *k);
void sut_kbuild_freep(struct sut_kbuild **k);

#endif
