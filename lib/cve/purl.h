/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Package URLs of the packages of distributions, as scanners and VEX documents name them:
 * pkg:deb/debian/linux-image-6.1.0-47-amd64@6.1.170-3?arch=amd64&distro=debian-12
 */
#ifndef SUTURE_CVE_PURL_H
#define SUTURE_CVE_PURL_H

#include "base/buf.h"

enum { SUT_PURL_MAX = 1024 }; /* bytes of one; more is -ENOBUFS when the buffer says so */

struct sut_purl {
	const char *type; /* "deb", "rpm" */
	const char
		*os; /* ID of os-release: "debian". "rhel" is written as purls have it: "redhat" */
	const char *package, *version;
	const char *arch;	/* as the package has it: "amd64"; "" or NULL: not known */
	const char *os_version; /* "12", "12.11"; "" or NULL: not known */
};

/* Adds it, percent-encoded where it has to be. Errors as sut_buf_add(). */
int sut_purl_add(struct sut_buf *b, const struct sut_purl *p) _must_check_;

/* What packages of that type call a machine of `uname -m`: x86_64 is "amd64" in deb. Others stay as they are. */
const char *sut_purl_arch(const char *type, const char *machine);

#endif
