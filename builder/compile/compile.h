/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiling single source files exactly as the target's own build does.
 *
 * The command lines (gcc, then objtool) are taken from the kernel's own build
 * system once per source file and cached in the profile; afterwards gcc and
 * objtool are called directly. Debug information is left out: it takes most
 * of the time and has no influence on the code.
 */
#ifndef SUTURE_BUILDER_COMPILE_H
#define SUTURE_BUILDER_COMPILE_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "target/profile.h"

enum sut_compile_mode {
	SUT_COMPILE_EXACT, /* as shipped: proves identity and gives the layout */
	SUT_COMPILE_SECTIONS, /* one section per function and datum, with BTF: for the differ and the payload */
};

/* One compilation; several run side by side. */
struct sut_compile {
	const char *source; /* path in the source tree, e.g. "net/unix/af_unix.c" */
	/* File with the text to compile in its place; NULL: the tree's own. It is compiled
	 * under the original path (__FILE__, #include "…"). */
	const char *text_path;
	enum sut_compile_mode mode;
	const char *output; /* object file to write */
	double seconds;	    /* written: wall-clock time */
};

/*
 * Runs n compilations. Errors: -ENOENT the tree has no such source;
 * reason "loadable-module": the file belongs to a module, "not-built": the
 * target's configuration does not build it (both -EOPNOTSUPP);
 * -ECHILD the compiler or objtool failed, with its message.
 */
int sut_compile_run(const struct sut_profile *p, struct sut_compile *c, size_t n,
		    struct sut_err *err) _must_check_;

/*
 * Asks the build system for the command line of every source file and keeps
 * the list in the profile's folder (compile/). It takes about ten seconds and
 * is done once; the other functions do it themselves when it is not there.
 */
int sut_compile_prepare(const struct sut_profile *p, struct sut_err *err) _must_check_;

/* Adds the source files that are built into the target's vmlinux, sorted. */
int sut_compile_sources(const struct sut_profile *p, struct sut_strv *ret,
			struct sut_err *err) _must_check_;

#endif
