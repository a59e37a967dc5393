// SPDX-License-Identifier: Apache-2.0
#include "crypto/ossl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int sut_ossl_err(struct sut_err *err, int code, const char *fmt, ...)
{
	unsigned long e = ERR_peek_last_error();
	const char *why = e ? ERR_reason_error_string(e) : NULL;
	char msg[SUT_ERR_MSG_MAX];
	va_list ap;

	if (e && ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
		return sut_err_oom(err);
	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return why ? sut_err_set(err, code, "%s (%s)", msg, why)
		   : sut_err_set(err, code, "%s", msg);
}
