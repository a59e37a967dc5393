/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One object in PEM (RFC 7468), read strictly: white space may stand before, between and after
 * the lines, and nothing else: no comments, no headers, no second object.
 */
#ifndef SUTURE_CRYPTO_PEM_H
#define SUTURE_CRYPTO_PEM_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

enum { SUT_PEM_LABEL_MAX = 64 };

/* Writes what stands between BEGIN and the dashes, such as "PUBLIC KEY", and adds the bytes.
 * -EBADMSG says what is wrong. The bytes may be secret, so at most one allocation is made. */
int sut_pem_decode(const char *text, size_t len, char ret_label[static SUT_PEM_LABEL_MAX],
		   struct sut_buf *out, struct sut_err *err) _must_check_;

/* Adds the text. Everything is in *out or in memory that was overwritten. */
int sut_pem_encode(const char *label, const void *data, size_t len, struct sut_buf *out,
		   struct sut_err *err) _must_check_;

#endif
