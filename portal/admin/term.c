// SPDX-License-Identifier: Apache-2.0
#include "term.h"

#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

#include "base/str.h"
#include "base/utf8.h"

size_t term_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	if (columns && sut_parse_u64(columns, 1000, &n) == 0 && n)
		return n;
	return 80;
}

static size_t one(int32_t c)
{
	int w = c < 0x80 ? 1 : wcwidth((wchar_t)c);

	return w < 0 ? 1 : (size_t)w;
}

size_t term_columns(const char *s)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);
	size_t n = 0;

	while (p < end)
		n += one(sut_utf8_next(&p, end));
	return n;
}

size_t term_fit(const char *s, size_t columns)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);

	while (p < end) {
		const uint8_t *next = p;
		size_t w = one(sut_utf8_next(&next, end));

		if (w > columns)
			break;
		columns -= w;
		p = next;
	}
	return (size_t)(p - (const uint8_t *)s);
}

int term_password(const char *file, const char *prompt, bool confirm, struct sut_buf *ret,
		  struct sut_err *err)
{
	const struct sut_secret_ask a = {
		.word = "password",
		.prompt = prompt,
		.file = file,
		.advice = "give it in a file, as --help says",
		.confirm = confirm,
	};

	if (sut_buf_reserve(ret, SUT_SECRET_MAX) < 0)
		return sut_err_oom(err);
	return sut_secret_get(&a, ret, err);
}
