/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables for spreadsheets (RFC 4180). What a spreadsheet would take for a formula gets an apostrophe in front: much of what
 * is in these tables was written by scanners and by hosts.
 */
#ifndef SUTURE_CONSOLE_EXPORT_CSV_H
#define SUTURE_CONSOLE_EXPORT_CSV_H

#include <stdint.h>

#include "base/buf.h"

#define CSV_TYPE "text/csv; charset=utf-8; header=present"

/* Each adds a field and what separates it from the next. Errors as sut_buf_add(). NULL is "". */
int csv_text(struct sut_buf *b, const char *s) _must_check_;
int csv_int(struct sut_buf *b, int64_t n) _must_check_;
/* RFC 3339 in UTC; "" for 0. */
int csv_time(struct sut_buf *b, int64_t t) _must_check_;
/* Ends the line, which has a field at least. */
int csv_end(struct sut_buf *b) _must_check_;

#endif
