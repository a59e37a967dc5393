/* SPDX-License-Identifier: Apache-2.0 */
/* Getting the packages of one kernel build: from a folder, or through apt. */
#ifndef SUTURE_BUILDER_ACQUIRE_H
#define SUTURE_BUILDER_ACQUIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "target/deb.h"
#include "target/progress.h"

struct sut_packages {
	struct sut_deb image;	/* linux-image-<release>, or …-unsigned */
	struct sut_deb headers; /* linux-headers-<release>, of the same version */
	struct sut_deb source;	/* linux-source-<x.y>, of the same version; path NULL when not
				   asked for */
	bool verified;		/* apt checked them against the archive's keys */
	char *download;		/* folder they were downloaded to; NULL for sut_acquire_dir() */
};

/* Removes the download, too. */
void sut_packages_release(struct sut_packages *p);

/* Takes them from the .deb files in dir. -ENOENT names what is missing. */
int sut_acquire_dir(const char *dir, const char *release, struct sut_packages *ret,
		    struct sut_err *err) _must_check_;

/*
 * Fetches them through apt into the cache, whose lock the caller holds; the
 * source only when its tree is not in the cache. When the archive does not
 * have all of them, -ENOENT names the kernels it has. extra: bytes of disk
 * that will be needed besides the download and SUT_SOURCE_SPACE.
 */
int sut_acquire_apt(const char *cache, const char *release, uint64_t extra,
		    const struct sut_progress *progress, struct sut_packages *ret,
		    struct sut_err *err) _must_check_;

/* The release that the archive's meta package for this flavour stands for:
 * "cloud-amd64" gives e.g. "6.1.0-56-cloud-amd64". Caller frees. */
int sut_acquire_newest(const char *flavour, char **ret_release, struct sut_err *err) _must_check_;

/* Fetches one source package of one version into *ret->source; the rest stays empty. */
int sut_acquire_source(const char *cache, const char *package, const char *version,
		       const struct sut_progress *progress, struct sut_packages *ret,
		       struct sut_err *err) _must_check_;

#endif
