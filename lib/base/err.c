// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* By way of a copy, so that the arguments may point into *e itself. Names and texts of others are in
 * many messages, and messages go to terminals and logs: here is the one place that none can pass by. */
_printf_(4, 0) static void set(struct sut_err *e, int code, const char *reason, const char *fmt,
			       va_list ap)
{
	char msg[SUT_ERR_MSG_MAX];

	vsnprintf(msg, sizeof(msg), fmt, ap);
	sut_make_printable(msg, "\n\t");
	memcpy(e->msg, msg, sizeof(msg));
	if (reason != e->reason)
		snprintf(e->reason, sizeof(e->reason), "%s", reason);
	e->code = code;
}

int sut_err_set(struct sut_err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e) {
		va_start(ap, fmt);
		set(e, code, "", fmt, ap);
		va_end(ap);
	}
	return -code;
}

int sut_err_errno(struct sut_err *e, const char *fmt, ...)
{
	int code = errno ? errno : EIO;
	va_list ap;
	size_t n;

	if (e) {
		va_start(ap, fmt);
		set(e, code, "", fmt, ap);
		va_end(ap);
		n = strlen(e->msg);
		snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", strerror(code));
	}
	return -code;
}

int sut_err_reason(struct sut_err *e, int code, const char *reason, const char *fmt, ...)
{
	va_list ap;

	if (e) {
		va_start(ap, fmt);
		set(e, code, reason, fmt, ap);
		va_end(ap);
	}
	return -code;
}

int sut_err_prefix(struct sut_err *e, const char *fmt, ...)
{
	char old[SUT_ERR_MSG_MAX];
	va_list ap;
	size_t n;

	if (!e)
		return -EIO;
	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	set(e, e->code ? e->code : EIO, e->reason, fmt, ap);
	va_end(ap);
	n = strlen(e->msg);
	snprintf(e->msg + n, sizeof(e->msg) - n, ": %s", old);
	return -e->code;
}

int sut_err_oom(struct sut_err *e)
{
	return sut_err_set(e, ENOMEM, "out of memory");
}
