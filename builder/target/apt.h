/* SPDX-License-Identifier: Apache-2.0 */
/* Packages through apt, which verifies them against the archive's keys. Works
 * as root and as an ordinary user, and changes nothing of the system. */
#ifndef SUTURE_BUILDER_APT_H
#define SUTURE_BUILDER_APT_H

#include "base/err.h"
#include "base/str.h"
#include "target/progress.h"

/* Versions of a package that the archive has, highest first; none is no error. */
int sut_apt_versions(const char *package, struct sut_strv *ret, struct sut_err *err) _must_check_;

/* Names of real packages that match a POSIX extended regular expression, sorted. */
int sut_apt_search(const char *regex, struct sut_strv *ret, struct sut_err *err) _must_check_;

/* The first package that package depends on whose name starts with prefix. -ENOENT: none. */
int sut_apt_depends(const char *package, const char *prefix, char **ret,
		    struct sut_err *err) _must_check_;

/*
 * Downloads "package=version" specs into dir, which is created and must not
 * be there. Checks beforehand that there is room for them and for `extra` bytes more.
 */
int sut_apt_download(const char *dir, const struct sut_strv *specs, uint64_t extra,
		     const struct sut_progress *progress, struct sut_err *err) _must_check_;

#endif
