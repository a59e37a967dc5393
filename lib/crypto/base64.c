// SPDX-License-Identifier: Apache-2.0
#include "crypto/base64.h"

#include <errno.h>
#include <stdbool.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int sut_base64_encode(const void *data, size_t len, struct sut_buf *out)
{
	const uint8_t *p = data;
	int r = sut_buf_reserve(out, (len + 2) / 3 * 4);

	/* Cannot fail from here on: there is room. */
	for (size_t i = 0; r >= 0 && i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16;
		char c[4];

		if (n > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (n > 2)
			v |= p[i + 2];
		for (size_t j = 0; j < 4; j++)
			c[j] = j <= n ? digits[v >> (18 - 6 * j) & 63] : '=';
		r = sut_buf_add(out, c, sizeof(c));
	}
	return r;
}

static int value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The bytes in four characters: 1 to 3, or -EINVAL. Padding is for the last four only. */
static int decode_four(const char *s, bool last, uint8_t out[static 3])
{
	size_t pad = last && s[3] == '=' ? 1 + (s[2] == '=') : 0;
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		int d = i < 4 - pad ? value(s[i]) : 0;

		if (d < 0)
			return -EINVAL;
		v = v << 6 | (uint32_t)d;
	}
	if (v & ((1U << 8 * pad) - 1))
		return -EINVAL;
	out[0] = (uint8_t)(v >> 16);
	out[1] = (uint8_t)(v >> 8);
	out[2] = (uint8_t)v;
	return 3 - (int)pad;
}

int sut_base64_decode(const char *text, size_t len, struct sut_buf *out)
{
	size_t before = out->len;
	int r;

	if (len % 4)
		return -EINVAL;
	if (!len)
		return 0;
	/* One allocation at most: what is decoded may be secret. */
	r = sut_buf_reserve(out, len / 4 * 3 - (text[len - 1] == '=') - (text[len - 2] == '='));
	if (r < 0)
		return r;
	for (size_t i = 0; i < len; i += 4) {
		uint8_t b[3];

		r = decode_four(text + i, i + 4 == len, b);
		if (r >= 0)
			r = sut_buf_add(out, b, (size_t)r);
		if (r < 0) {
			out->len = before;
			if (out->data)
				out->data[before] = 0;
			return r;
		}
	}
	return 0;
}
