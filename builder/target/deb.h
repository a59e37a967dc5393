/* SPDX-License-Identifier: Apache-2.0 */
/* A Debian package file, through dpkg-deb. */
#ifndef SUTURE_BUILDER_DEB_H
#define SUTURE_BUILDER_DEB_H

#include "base/err.h"

struct sut_deb {
	char *path;
	char *package, *version, *arch; /* control fields, never NULL */
	char *source,
		*source_version; /* the source package; the package's own name and version when it does not say */
};

/* Reads the control fields. -EBADMSG for what is no package. */
int sut_deb_open(const char *path, struct sut_deb *ret, struct sut_err *err) _must_check_;
void sut_deb_release(struct sut_deb *d);

/* Unpacks the package's files below dest, which is created. */
int sut_deb_unpack(const struct sut_deb *d, const char *dest, struct sut_err *err) _must_check_;

#endif
