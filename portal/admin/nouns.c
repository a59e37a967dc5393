// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>

#include "admin.h"
#include "base/utf8.h"

const struct admin_noun *const admin_nouns[] = {
	&admin_login,	 &admin_logout, &admin_whoami, &admin_password,	  &admin_status,
	&admin_system,	 &admin_key,	&admin_feed,   &admin_patchset,	  &admin_patch,
	&admin_coverage, &admin_cve,	&admin_source, &admin_repository, &admin_webhook,
	&admin_user,	 &admin_token,	&admin_tenant, &admin_audit,	  NULL,
};

void admin_say(const char *fmt, ...)
{
	char text[2500];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sut_make_printable(text, "\n\t");
	fprintf(stderr, "suture-admin: %s\n", text);
}

int admin_fail(const struct sut_err *err)
{
	admin_say("%s", err->msg);
	return ADMIN_ERROR;
}
