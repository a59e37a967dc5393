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

/* What "debian/newest-<flavour>" stands for in the archive, as a name of a
 * target; any other name is returned as it is. Caller frees. */
int sut_target_resolve(const char *target, char **ret, struct sut_err *err) _must_check_;

/*
 * Adds target ("debian/<release>") to the cache. On any error the cache holds
 * what it held before. *ret_existed (may be NULL): it was there already.
 */
int sut_target_add(const char *cache, const char *target, const struct sut_add_opts *opts,
		   bool *ret_existed, struct sut_err *err) _must_check_;

#endif
