/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate to begin with: signed by itself, so clients must be given it. */
#ifndef SUTURE_WEB_SELFSIGNED_H
#define SUTURE_WEB_SELFSIGNED_H

#include "base/str.h"

#include "base/err.h"

enum { SELFSIGNED_DAYS = 730, SELFSIGNED_NAMES_MAX = 32 };

/* An EC P-256 key (mode 0600) and a certificate (0644, less the umask) for DNS names and numeric addresses. -EEXIST when
 * one of the files is there; -EINVAL for what is no name. When it fails neither is left. */
int selfsigned_write(const char *cert, const char *key, const struct sut_strv *names,
		     struct sut_err *err) _must_check_;

#endif
