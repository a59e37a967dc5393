/* SPDX-License-Identifier: Apache-2.0 */
/* For the files of this folder: a coverage document is cut into targets, so that it is never a tree as a whole. */
#ifndef SUTURE_CONSOLE_MAP_INDEX_READ_H
#define SUTURE_CONSOLE_MAP_INDEX_READ_H

#include <stddef.h>

#include "base/err.h"

/* Calls fn with the text of each object of the list "targets". -EBADMSG with the byte; or what fn returned (< 0). */
int index_split(const char *text, size_t len,
		int (*fn)(void *ctx, const char *target, size_t len, struct sut_err *err),
		void *ctx, struct sut_err *err) _must_check_;

#endif
