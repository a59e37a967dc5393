/* SPDX-License-Identifier: Apache-2.0 */
/* A file's text as lines. */
#ifndef SUTURE_BUILDER_TEXT_H
#define SUTURE_BUILDER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct sut_text {
	struct sut_buf bytes;
	uint32_t *start; /* nlines + 1 offsets; the last is the length */
	uint32_t nlines; /* a last line without newline counts */
	bool exists;	 /* the file is there */
};

/* Reads path; a file that is not there gives no lines. -EFBIG above SUT_CSOURCE_MAX. */
int sut_text_read(const char *path, struct sut_text *ret, struct sut_err *err) _must_check_;
/* The same from memory; the bytes are copied. */
int sut_text_set(const void *data, size_t len, struct sut_text *ret) _must_check_;
void sut_text_release(struct sut_text *t);

/* Line no (from 1) with its newline, if it has one. */
const char *sut_text_line(const struct sut_text *t, uint32_t no, size_t *ret_len);

#endif
