/* SPDX-License-Identifier: Apache-2.0 */
/* Making the target of a library or executable: package, recorded build, placement, proof, profile. */
#ifndef SUTURE_BUILDER_LIBRARY_ADD_H
#define SUTURE_BUILDER_LIBRARY_ADD_H

#include <stdbool.h>

#include "base/err.h"
#include "target/progress.h"

struct sut_lib_add_opts {
	const char *from; /* folder with the .deb and the source package; NULL: through apt */
	bool here;	  /* build on this machine, with what is installed, instead of in a root */
	const struct sut_progress *progress;
};

/*
 * target: "debian/libssl3=3.0.17-1~deb12u2". *ret_existed (may be NULL): it was there, and nothing was done. -ENOENT names the
 * versions that there are; -EPERM (reason "root"); -ECHILD: the build failed, with its last lines.
 */
int sut_lib_target_add(const char *cache, const char *target, const struct sut_lib_add_opts *opts,
		       bool *ret_existed, struct sut_err *err) _must_check_;

#endif
