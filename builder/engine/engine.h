/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suture.ko for one target.
 *
 * Its sources lie in the source tree (kmod/) or, installed, beside the
 * programs in share/suture/kmod. They are copied, so that building leaves no
 * trace there, together with the contract header and the anchors of the
 * target. What was built is kept in <cache>/engines/<digest of everything it
 * was made from>/ and used again.
 */
#ifndef SUTURE_BUILDER_ENGINE_H
#define SUTURE_BUILDER_ENGINE_H

#include <stdbool.h>

#include "base/err.h"
#include "target/profile.h"
#include "target/progress.h"

struct sut_engine_opts {
	bool selftest;			     /* with the tests that run when it is loaded */
	const struct sut_progress *progress; /* may be NULL */
};

/*
 * Builds what is not there yet. *ret_dir: the folder that holds suture.ko and
 * Module.symvers (the versions of its exports, for payloads built by kbuild);
 * free() it. The files belong to the cache: copy, do not change them.
 * -ENOENT: no sources; -ECHILD: make failed, with its last lines.
 */
int sut_engine_build(const struct sut_profile *p, const char *cache,
		     const struct sut_engine_opts *opts, char **ret_dir,
		     struct sut_err *err) _must_check_;

#endif
