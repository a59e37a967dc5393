/* SPDX-License-Identifier: Apache-2.0 */
/* install.sh with what it needs of this portal. */
#ifndef SUTURE_PORTAL_INSTALL_SCRIPT_H
#define SUTURE_PORTAL_INSTALL_SCRIPT_H

#include "base/buf.h"
#include "base/err.h"
#include "install/packages.h"

struct script {
	const char *portal; /* its URL */
	const struct package *packages;
	size_t npackages;
	const char *ca;	  /* certificates in PEM; "" for none */
	const char *root; /* root.json of the repository; "" for none */
	const char *keys; /* struct anchors.keys */
	const char *key;  /* registration key; "" for none */
};

/* Adds the script to *b. */
int script_write(const struct script *s, struct sut_buf *b, struct sut_err *err) _must_check_;

#endif
