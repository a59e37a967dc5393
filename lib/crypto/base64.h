/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648 section 4), with padding, in its one canonical form. */
#ifndef SUTURE_CRYPTO_BASE64_H
#define SUTURE_CRYPTO_BASE64_H

#include <stddef.h>

#include "base/buf.h"

/* Adds the text, without line breaks. Errors as sut_buf_add(). */
int sut_base64_encode(const void *data, size_t len, struct sut_buf *out) _must_check_;

/* Adds the bytes. -EINVAL, and nothing added, for anything that sut_base64_encode() does not
 * write: other characters (also line breaks), missing padding, bits after the end. */
int sut_base64_decode(const char *text, size_t len, struct sut_buf *out) _must_check_;

#endif
