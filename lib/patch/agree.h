/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The patch of a library, as a whole: people and tools read its manifest, the engine does what its payload says, and both
 * say the same.
 */
#ifndef SUTURE_PATCH_AGREE_H
#define SUTURE_PATCH_AGREE_H

#include "patch/container.h"
#include "patch/library.h"
#include "patch/manifest.h"

/*
 * Parses the payload of p, whose manifest m is (sut_manifest_is_library()), and compares: build-id; every replaced function
 * with its address, sizes and redirect; the pieces that were split off and the further functions that nobody may be inside;
 * imports. p must outlive *ret. -EBADMSG (reason "payload", or "disagree" with the name that differs), -EPROTONOSUPPORT (reason
 * "version").
 */
int sut_library_of_patch(const struct sut_patch *p, const struct sut_manifest *m,
			 struct sut_library **ret, struct sut_err *err) _must_check_;

/* The second half: are they the same? */
int sut_library_agrees(const struct sut_manifest *m, const struct sut_library *l,
		       struct sut_err *err) _must_check_;

#endif
