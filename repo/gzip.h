/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) that is the same for the same bytes: no name, no time. */
#ifndef SUTURE_REPO_GZIP_H
#define SUTURE_REPO_GZIP_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Adds the compressed data to *out. */
int sut_gzip(const void *data, size_t len, struct sut_buf *out, struct sut_err *err) _must_check_;

/* Adds the contents of one gzip file with nothing behind it. -EBADMSG; -EFBIG when out->max would be passed. */
int sut_gunzip(const void *data, size_t len, struct sut_buf *out, struct sut_err *err) _must_check_;

#endif
