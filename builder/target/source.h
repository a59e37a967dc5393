/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacked kernel source trees, <cache>/sources/linux-<version>/. Several
 * targets and `fix` share one. A tree is unpacked under another name and then
 * renamed, so one that is there is whole; nothing writes to it afterwards.
 */
#ifndef SUTURE_BUILDER_SOURCE_H
#define SUTURE_BUILDER_SOURCE_H

#include <stdbool.h>

#include "base/err.h"
#include "target/deb.h"
#include "target/progress.h"

/* Bytes of disk that unpacking one needs at most: tree, archive, package. */
#define SUT_SOURCE_SPACE (2200ULL << 20)

enum { SUT_SOURCE_TAR_MAX = 1 << 30 }; /* bytes of an archive */

/* The folder of a version, whether it is there or not. NULL: no memory. */
char *sut_source_dir(const char *cache, const char *version);

/* Unpacks a linux-source package, unless its tree is there already; the
 * caller holds the cache's lock. *ret_new (may be NULL): it was not there. */
int sut_source_add(const char *cache, const struct sut_deb *deb,
		   const struct sut_progress *progress, bool *ret_new,
		   struct sut_err *err) _must_check_;

/* The same for a tar archive with one folder at the top; the tree is named
 * after the archive's content. *ret: its folder; caller frees. */
int sut_source_add_tar(const char *cache, const char *path, const struct sut_progress *progress,
		       char **ret, struct sut_err *err) _must_check_;

#endif
