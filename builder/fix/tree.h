/* SPDX-License-Identifier: Apache-2.0 */
/* Which files differ between two source trees. */
#ifndef SUTURE_BUILDER_TREE_H
#define SUTURE_BUILDER_TREE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* Is this a plain path inside a tree: relative, without "..", not empty? */
bool sut_tree_path_ok(const char *path);

/*
 * Adds to *ret the paths of regular files that differ or are in one tree only,
 * sorted: below path (a folder), or path itself (a file), or everywhere
 * (NULL). -ENOENT when neither tree has path.
 */
int sut_tree_compare(const char *from, const char *to, const char *path, struct sut_strv *ret,
		     struct sut_err *err) _must_check_;

#endif
