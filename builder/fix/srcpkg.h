/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source packages other than the kernel's: fetched by apt, which verifies them against the archive's keys, and unpacked with the
 * distribution's patches as <cache>/sources/SOURCE-VERSION/. The sources of packages that this machine uses are asked for
 * deb-src too, whether or not it has them in its own lists; nothing of the system is changed.
 */
#ifndef SUTURE_BUILDER_FIX_SRCPKG_H
#define SUTURE_BUILDER_FIX_SRCPKG_H

#include <stdbool.h>

#include "base/err.h"
#include "target/progress.h"

/* "0123456789abcdefghijklmnopqrstuvwxyz+-." beginning with a letter or digit, at least two. */
bool sut_srcpkg_name_ok(const char *name);

/* The caller holds the cache's lock. *ret: the tree; caller frees. -ENOENT names the versions that there are. */
int sut_srcpkg_add(const char *cache, const char *name, const char *version,
		   const struct sut_progress *progress, char **ret,
		   struct sut_err *err) _must_check_;

#endif
