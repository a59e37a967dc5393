/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that others chose, on its way to a terminal or a log: UTF-8 (RFC 3629), and which of it may be
 * shown as it is.
 */
#ifndef SUTURE_BASE_UTF8_H
#define SUTURE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The next character; *p (before end) moves behind it. -1 when it is malformed; *p has then moved by at
 * least one byte. */
int32_t sut_utf8_next(const uint8_t **p, const uint8_t *end);

/* No control character (C0, DEL, C1), no line separator, nothing that turns the direction of text
 * around. Of -1: false. */
bool sut_is_printable(int32_t c);

/* Every byte of what is malformed or not printable becomes '?'. keep: ASCII characters that may stay
 * ("\n\t"). */
void sut_make_printable(char *s, const char *keep);

#endif
