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

/*
 * The certificates that a client has to have to believe the portal, in PEM: those of `given` (what
 * ca.pem holds); when that is empty, the last one of the file cert_file (NULL: no file) if it signed
 * itself. Nothing but certificates is added, whatever else lies in these files.
 */
int script_ca(const struct sut_buf *given, const char *cert_file, struct sut_buf *b,
	      struct sut_err *err) _must_check_;

#endif
