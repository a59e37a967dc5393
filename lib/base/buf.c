// SPDX-License-Identifier: Apache-2.0
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int sut_buf_reserve(struct sut_buf *b, size_t extra)
{
	size_t need, cap;
	uint8_t *p;

	if (extra > b->max || b->len > b->max - extra)
		return -ENOBUFS;
	if (__builtin_add_overflow(b->len, extra, &need) || need >= SIZE_MAX / 2)
		return -ENOMEM;
	need++;
	if (need <= b->cap)
		return 0;
	cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap *= 2;
	p = realloc(b->data, cap);
	if (!p)
		return -ENOMEM;
	b->data = p;
	b->cap = cap;
	b->data[b->len] = 0;
	return 0;
}

int sut_buf_add(struct sut_buf *b, const void *data, size_t len)
{
	int r = sut_buf_reserve(b, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = 0;
	return 0;
}

int sut_buf_addstr(struct sut_buf *b, const char *s)
{
	return sut_buf_add(b, s, strlen(s));
}

int sut_buf_vaddf(struct sut_buf *b, const char *fmt, va_list ap)
{
	va_list ap2;
	int n, r;

	va_copy(ap2, ap);
	n = vsnprintf(NULL, 0, fmt, ap2);
	va_end(ap2);
	if (n < 0)
		return -ENOBUFS; /* more than INT_MAX bytes */
	r = sut_buf_reserve(b, (size_t)n);
	if (r < 0)
		return r;
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

int sut_buf_addf(struct sut_buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = sut_buf_vaddf(b, fmt, ap);
	va_end(ap);
	return r;
}

int sut_buf_addzero(struct sut_buf *b, size_t len)
{
	int r = sut_buf_reserve(b, len);

	if (r < 0)
		return r;
	memset(b->data + b->len, 0, len + 1);
	b->len += len;
	return 0;
}

int sut_buf_align(struct sut_buf *b, size_t align)
{
	size_t over = b->len & (align - 1);

	return over ? sut_buf_addzero(b, align - over) : 0;
}

const char *sut_buf_str(const struct sut_buf *b)
{
	return b->data ? (const char *)b->data : "";
}

void sut_buf_release(struct sut_buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}
