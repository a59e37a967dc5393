/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte buffer that grows up to a maximum given at initialisation.
 *
 * Invariants: len <= max; when data is not NULL, data[len] is a NUL byte that
 * is not counted, so a buffer of text is also a C string.
 *
 * Every adding function returns 0, -ENOMEM, or -ENOBUFS when the maximum
 * would be passed; the buffer then holds what it held before.
 */
#ifndef SUTURE_BASE_BUF_H
#define SUTURE_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct sut_buf {
	uint8_t *data; /* NULL while nothing was added */
	size_t len;    /* bytes in use */
	size_t cap;    /* bytes allocated */
	size_t max;    /* never more than this */
};

#define SUT_BUF_INIT(maximum) ((struct sut_buf){.max = (maximum)})

int sut_buf_add(struct sut_buf *b, const void *data, size_t len) _must_check_;
int sut_buf_addstr(struct sut_buf *b, const char *s) _must_check_;
int sut_buf_addf(struct sut_buf *b, const char *fmt, ...) _printf_(2, 3) _must_check_;
int sut_buf_vaddf(struct sut_buf *b, const char *fmt, va_list ap) _printf_(2, 0) _must_check_;

/* Adds len zero bytes. */
int sut_buf_addzero(struct sut_buf *b, size_t len) _must_check_;

/* Pads with zero bytes to a multiple of align (a power of two). */
int sut_buf_align(struct sut_buf *b, size_t align) _must_check_;

/* Makes room for at least extra more bytes without changing len. */
int sut_buf_reserve(struct sut_buf *b, size_t extra) _must_check_;

/* The text in the buffer; "" when empty. Valid until the next change. */
const char *sut_buf_str(const struct sut_buf *b);

/* Frees the memory; the buffer is empty afterwards and keeps its maximum. */
void sut_buf_release(struct sut_buf *b);

#define _cleanup_buf_ _cleanup_(sut_buf_release)

#endif
