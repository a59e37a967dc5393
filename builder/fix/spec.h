/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to name a version of a source: "SRC" of `suture-build fix`. */
#ifndef SUTURE_BUILDER_SPEC_H
#define SUTURE_BUILDER_SPEC_H

#include "base/err.h"
#include "target/progress.h"

/*
 * spec is a folder; a Debian source package such as linux-source-6.1 (.deb
 * file); a tar archive; or "debian/linux-source-6.1=6.1.187-1", fetched
 * through apt. All but folders are unpacked into the cache once.
 * *ret: the folder with the tree; caller frees.
 */
int sut_spec_resolve(const char *cache, const char *spec, const struct sut_progress *progress,
		     char **ret, struct sut_err *err) _must_check_;

#endif
