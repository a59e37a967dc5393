/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer that is too large for memory: written to a file in the spool, compressed when the client takes that, sent from
 * there, and gone when it was sent. At most EXPORT_FILES_MAX are made at a time, so that exports leave readers for pages.
 */
#ifndef SUTURE_CONSOLE_EXPORT_FILE_H
#define SUTURE_CONSOLE_EXPORT_FILE_H

#include "console.h"

#define EXPORT_FILE_MAX ((uint64_t)16 << 30) /* bytes, before compression */
enum { EXPORT_FILES_MAX = 2, EXPORT_FILE_OLD_S = 3600 };

struct export_file;

/* -EBUSY: so many are made already. */
int export_file_new(struct web_req *q, struct export_file **ret, struct sut_err *err) _must_check_;
/* As export_lines of tables.h; ctx is the file. -ENOSPC, -EFBIG. */
int export_file_add(void *ctx, const struct sut_buf *lines, struct sut_err *err) _must_check_;
/* The answer is the file, and f is used up. name: what the client is to call it. */
int export_file_answer(struct export_file *f, struct web_resp *r, const char *type,
		       const char *name, struct sut_err *err) _must_check_;
/* Removes it, unless it was answered. */
void export_file_free(struct export_file *f);
void export_file_freep(struct export_file **f);

#endif
