// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <string.h>

int32_t sut_utf8_next(const uint8_t **p, const uint8_t *end)
{
	static const int32_t least[] = {0, 0x80, 0x800, 0x10000};
	uint8_t first = *(*p)++;
	size_t more = first < 0x80	       ? 0
		      : (first & 0xe0) == 0xc0 ? 1
		      : (first & 0xf0) == 0xe0 ? 2
		      : (first & 0xf8) == 0xf0 ? 3
					       : SIZE_MAX;
	int32_t c = more == 0 ? first : first & (0x3f >> (more & 3));

	if (more > (size_t)(end - *p))
		return -1;
	for (size_t i = 0; i < more; i++) {
		uint8_t b = *(*p)++;

		if ((b & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (b & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -1;
	return c;
}

bool sut_is_printable(int32_t c)
{
	return (c >= 0x20 && c < 0x7f) ||
	       (c >= 0xa0 && !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069));
}

void sut_make_printable(char *s, const char *keep)
{
	uint8_t *p = (uint8_t *)s, *end = p + strlen(s);

	while (p < end) {
		const uint8_t *next = p;
		int32_t c = sut_utf8_next(&next, end);

		if (sut_is_printable(c) || (c > 0 && c < 0x80 && strchr(keep, c))) {
			p += next - p;
			continue;
		}
		/* Behind a malformed byte something else begins. */
		if (c < 0)
			next = p + 1;
		while (p < next)
			*p++ = '?';
	}
}
