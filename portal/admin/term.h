/* SPDX-License-Identifier: Apache-2.0 */
/* The terminal: its width, how wide a text is on it, and passwords typed at it. */
#ifndef SUTURE_PORTAL_ADMIN_TERM_H
#define SUTURE_PORTAL_ADMIN_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

/* Columns of standard output; 0 when it is no terminal. */
size_t term_width(void);
/* Columns that a printable text takes. */
size_t term_columns(const char *s);
/* How many bytes of s fit into so many columns. */
size_t term_fit(const char *s, size_t columns);

/* The first line of a file, or (file NULL) asked on the terminal without echo; confirm: twice. */
int term_password(const char *file, const char *prompt, bool confirm, struct sut_buf *ret,
		  struct sut_err *err) _must_check_;

#endif
