/* SPDX-License-Identifier: Apache-2.0 */
/* The shared libraries an ELF program needs, found as the loader of this machine finds them. */
#ifndef SUTURE_BUILDER_TRY_CLOSURE_H
#define SUTURE_BUILDER_TRY_CLOSURE_H

#include "base/err.h"
#include "base/str.h"

enum { SUT_CLOSURE_MAX = 256 }; /* files of one program */

/*
 * Adds to *files the interpreter (PT_INTERP) and every library (DT_NEEDED,
 * recursively) that path needs, as absolute paths, each once. Searched are
 * DT_RUNPATH/DT_RPATH (with $ORIGIN) and the standard folders. A static
 * program, and a file that is not ELF, needs nothing.
 *
 * -ENOENT names a library that was not found; -ENOEXEC an unreadable ELF file.
 */
int sut_closure_add(const char *path, struct sut_strv *files, struct sut_err *err) _must_check_;

#endif
