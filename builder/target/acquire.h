/* SPDX-License-Identifier: Apache-2.0 */
/* Getting the packages of one kernel build: from a folder, or through apt. */
#ifndef SUTURE_BUILDER_ACQUIRE_H
#define SUTURE_BUILDER_ACQUIRE_H

#include <stdbool.h>

#include "base/err.h"
#include "target/deb.h"
#include "target/progress.h"

struct sut_packages {
	struct sut_deb image;	/* linux-image-<release>, or …-unsigned */
	struct sut_deb headers; /* linux-headers-<release>, of the same version */
	struct sut_deb source;	/* linux-source-<x.y>, of the same version; path NULL when not
				   asked for */
	bool verified;		/* apt checked them against the archive's keys */
};

void sut_packages_release(struct sut_packages *p);

/* Takes them from the .deb files in dir. -ENOENT names what is missing. */
int sut_acquire_dir(const char *dir, const char *release, struct sut_packages *ret,
		    struct sut_err *err) _must_check_;

#endif
