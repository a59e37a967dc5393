// SPDX-License-Identifier: Apache-2.0
#include "kernel/kind.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"

/* 1: a C source to compile; 0: of no meaning to the kernel's code; refusals get the rest. */
static int file_kind(void *ctx, const char *path, const char *src_dir,
		     struct sut_refusals *refusals)
{
	_cleanup_(sut_freep) char *full = sut_sprintf("%s/%s", src_dir, path);
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	int r;

	(void)ctx;
	if (!full)
		return -ENOMEM;
	if (sut_startswith(path, "Documentation/") || sut_startswith(path, "tools/") ||
	    sut_startswith(path, "samples/") || sut_endswith(path, ".rst") ||
	    sut_endswith(path, ".txt") || sut_streq(base, "MAINTAINERS"))
		return 0;
	if (!sut_exists(full))
		r = sut_refuse(refusals, "new-file", path, path, 0,
			       "the target's source has no such file: new source files cannot come "
			       "with a patch yet. Put the new code into a file that exists.");
	else if (sut_endswith(path, ".h"))
		r = sut_refuse(
			refusals, "header-change", path, path, 0,
			"a change in a header reaches every file that includes it, which is "
			"not supported yet: move the change into the .c files that need it.");
	else if (sut_endswith(path, ".S"))
		r = sut_refuse(
			refusals, "assembly", path, path, 0,
			"assembly files cannot be patched live: change the C code that calls "
			"this instead.");
	else if (sut_startswith(base, "Kconfig") || sut_startswith(base, "Makefile") ||
		 sut_startswith(base, "Kbuild"))
		r = sut_refuse(refusals, "build-file", path, path, 0,
			       "a change of the build configuration cannot be applied to a running "
			       "kernel: leave this file out of the fix.");
	else if (sut_endswith(path, ".c"))
		return 1;
	else
		r = sut_refuse(
			refusals, "unsupported-file", path, path, 0,
			"only .c files can be patched live: leave this file out of the fix.");
	return r;
}

const struct sut_fixset_rules sut_kernel_fixset_rules = {.kind = file_kind, .line_names = true};
