/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a build root gets Debian from: the mirrors and proxies that this machine's apt is told to use; for what it has none of,
 * deb.debian.org.
 */
#ifndef SUTURE_BUILDER_LIBRARY_MIRROR_H
#define SUTURE_BUILDER_LIBRARY_MIRROR_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

/* Zero-initialise. */
struct sut_mirrors {
	struct sut_strv
		lines; /* of sources.list: deb and deb-src of the release, its updates and its security fixes */
	struct sut_strv proxies; /* of apt.conf */
	bool own;		 /* one of the lines is not of deb.debian.org */
	bool tls;		 /* one of them is https */
};

/*
 * The lines for a release ("bookworm") out of what apt lists: "CODENAME URI" per line; others than http and https are left out, because
 * a build root cannot see them. The first of a codename counts. "": only deb.debian.org. -ENOMEM.
 */
int sut_mirrors_parse(struct sut_mirrors *m, const char *text, const char *suite) _must_check_;

/* The lines about proxies out of `apt-config dump`. -ENOMEM. */
int sut_mirrors_parse_proxies(struct sut_mirrors *m, const char *text) _must_check_;

/* Asks apt; a machine without apt has no mirrors. Release the result in every case. */
int sut_mirrors_of_host(struct sut_mirrors *m, const char *suite, struct sut_err *err) _must_check_;
void sut_mirrors_release(struct sut_mirrors *m);

#endif
