/* SPDX-License-Identifier: Apache-2.0 */
/* Long texts in the database: zstd. */
#ifndef SUTURE_CONSOLE_PACK_H
#define SUTURE_CONSOLE_PACK_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Adds the compressed bytes to *out. */
int pack(const void *data, size_t len, struct sut_buf *out, struct sut_err *err) _must_check_;
/* Adds what was packed to *out, whose maximum holds: -EFBIG. -EBADMSG: it is damaged. */
int unpack(const void *data, size_t len, struct sut_buf *out, struct sut_err *err) _must_check_;

#endif
