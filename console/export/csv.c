// SPDX-License-Identifier: Apache-2.0
#include "export/csv.h"

#include <inttypes.h>
#include <string.h>

#include "export/host.h"

int csv_text(struct sut_buf *b, const char *s)
{
	bool formula = s && *s && strchr("=+-@\t\r\n", *s);
	int r;

	if (!s)
		s = "";
	/* A fleet has hundreds of millions of fields: no printf() for those that stay as they are. */
	if (!formula) {
		size_t n = strcspn(s, ",\"\r\n");

		if (!s[n]) {
			r = sut_buf_add(b, s, n);
			return r == 0 ? sut_buf_add(b, ",", 1) : r;
		}
	}
	r = sut_buf_addstr(b, formula ? "\"'" : "\"");
	while (r == 0 && *s) {
		size_t n = strcspn(s, "\"");

		r = sut_buf_add(b, s, n);
		s += n;
		if (r == 0 && *s) {
			r = sut_buf_addstr(b, "\"\"");
			s++;
		}
	}
	return r == 0 ? sut_buf_addstr(b, "\",") : r;
}

int csv_int(struct sut_buf *b, int64_t n)
{
	return sut_buf_addf(b, "%" PRId64 ",", n);
}

int csv_time(struct sut_buf *b, int64_t t)
{
	char text[EXPORT_TIME_MAX] = "";

	if (t)
		export_time(t, text);
	return csv_text(b, text);
}

int csv_end(struct sut_buf *b)
{
	b->data[b->len - 1] = '\r';
	return sut_buf_addstr(b, "\n");
}
