// SPDX-License-Identifier: Apache-2.0
/* Log lines: JSON (RFC 8259), one object each, written at once so that lines of threads do not mix. */
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "web/server.h"

enum { LINE_MAX_BYTES = 8192, VALUE_MAX_BYTES = 2048 };

static int add_string(struct sut_buf *b, const char *s)
{
	char value[VALUE_MAX_BYTES + 1];
	size_t n = strnlen(s, VALUE_MAX_BYTES);
	int rc;

	memcpy(value, s, n);
	value[n] = '\0';
	sut_make_printable(value, "");
	rc = sut_buf_addstr(b, "\"");
	for (char *p = value; rc == 0 && *p; p++) {
		if (*p == '"' || *p == '\\')
			rc = sut_buf_addstr(b, "\\");
		if (rc == 0)
			rc = sut_buf_add(b, p, 1);
	}
	return rc < 0 ? rc : sut_buf_addstr(b, "\"");
}

static int add_field(struct sut_buf *b, const char *name, const char *value)
{
	size_t before = b->len;
	int rc = sut_buf_addf(b, ", \"%s\": ", name);

	if (rc == 0)
		rc = add_string(b, value ? value : "");
	/* A field that has no room is left out whole. */
	if (rc < 0)
		b->len = before;
	return rc;
}

void server_log(const char *level, const char *message, ...)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(LINE_MAX_BYTES);
	struct timespec t;
	struct tm tm;
	char when[40];
	const char *name;
	va_list ap;

	clock_gettime(CLOCK_REALTIME, &t);
	gmtime_r(&t.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	if (sut_buf_reserve(&b, 512) < 0 ||
	    sut_buf_addf(&b, "{\"time\": \"%s.%03ldZ\", \"level\": \"%s\"", when,
			 t.tv_nsec / 1000000, level) < 0)
		return;
	add_field(&b, "message", message);
	va_start(ap, message);
	while ((name = va_arg(ap, const char *)))
		add_field(&b, name, va_arg(ap, const char *));
	va_end(ap);
	if (b.len + 2 > b.max)
		b.len = b.max - 2;
	if (sut_buf_addstr(&b, "}\n") == 0)
		(void)!write(STDERR_FILENO, b.data, b.len);
}
