/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C files that are compiled a second time, as a part of another one
 * (fs/compat_binfmt_elf.c has #include "binfmt_elf.c"). The code of both
 * copies runs, so a fix of one file has to reach both.
 */
#ifndef SUTURE_BUILDER_INCLUDERS_H
#define SUTURE_BUILDER_INCLUDERS_H

#include "base/err.h"
#include "base/str.h"

/* Adds those of the sources (paths in src_dir) that include the file `source`.
 * Conditions around the #include are not looked at. */
int sut_compile_includers(const char *src_dir, const struct sut_strv *sources, const char *source,
			  struct sut_strv *ret, struct sut_err *err) _must_check_;

#endif
