/* SPDX-License-Identifier: Apache-2.0 */
/* Making a target: packages in, profile out. */
#ifndef SUTURE_BUILDER_ADD_H
#define SUTURE_BUILDER_ADD_H

#include <stdbool.h>

#include "base/err.h"
#include "target/progress.h"

struct sut_add_opts {
	const char *from; /* folder with the .deb files; NULL: through apt */
	const struct sut_progress *progress;
};

/*
 * Adds target ("debian/<release>") to the cache. On any error the cache holds
 * what it held before. *ret_existed (may be NULL): it was there already.
 */
int sut_target_add(const char *cache, const char *target, const struct sut_add_opts *opts,
		   bool *ret_existed, struct sut_err *err) _must_check_;

#endif
