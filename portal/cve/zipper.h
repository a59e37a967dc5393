/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON document that is written in pieces and kept only as gzip, with the SHA-256 of its plain text. */
#ifndef SUTURE_PORTAL_CVE_ZIPPER_H
#define SUTURE_PORTAL_CVE_ZIPPER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { ZIPPER_PLAIN_MAX = 1 << 30, ZIPPER_GZ_MAX = 64 << 20 };

struct zipper;

int zipper_new(struct zipper **ret, struct sut_err *err) _must_check_;
/* Takes all of b and empties it. -EFBIG beyond ZIPPER_PLAIN_MAX. */
int zipper_add(struct zipper *z, struct sut_buf *b, struct sut_err *err) _must_check_;
/* ret_gz: what the caller has initialised with ZIPPER_GZ_MAX. ret_hash: 32 hexadecimal digits. */
int zipper_end(struct zipper *z, struct sut_buf *ret_gz, size_t *ret_plain,
	       char ret_hash[static 33], struct sut_err *err) _must_check_;
void zipper_free(struct zipper *z);
void zipper_freep(struct zipper **z);

/* The plain text of plain bytes. */
int zipper_open(const struct sut_buf *gz, size_t plain, struct sut_buf *ret,
		struct sut_err *err) _must_check_;

/* A JSON string with its quotation marks. s is UTF-8. */
int json_text(struct sut_buf *b, const char *s) _must_check_;

#endif
