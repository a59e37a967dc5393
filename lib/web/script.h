/* SPDX-License-Identifier: Apache-2.0 */
/* Shell scripts that a server hands out, with what it knows filled in. */
#ifndef SUTURE_WEB_SCRIPT_H
#define SUTURE_WEB_SCRIPT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { WEB_SCRIPT_CA_MAX = 64 << 10 /* bytes of a file of certificates */ };

struct web_script_value {
	const char *name, *value; /* value: any text; NULL is "" */
};

/*
 * Adds the script to *b. Its lines between "# --- settings" and "# --- end of settings ---" are replaced by NAME='VALUE' of
 * each, quoted so that a shell takes the value for what it is, whatever it holds.
 */
int web_script_fill(const void *script, size_t len, const struct web_script_value *v, size_t n,
		    struct sut_buf *b, struct sut_err *err) _must_check_;

/*
 * The certificates that a client has to have to believe a server, in PEM: those of `given`; when that is
 * empty, the last one of the file cert_file (NULL: no file) if it signed itself. Nothing but certificates is
 * added, whatever else lies in these files.
 */
int web_script_ca(const struct sut_buf *given, const char *cert_file, struct sut_buf *b,
		  struct sut_err *err) _must_check_;

#endif
