// SPDX-License-Identifier: Apache-2.0
/* What people and programs send to be let in, or to be called: tokens, ids, roles, passwords, URLs of webhooks. */
#include <errno.h>
#include <string.h>

#include "auth/password.h"
#include "auth/role.h"
#include "auth/token.h"
#include "base/str.h"
#include "fuzz.h"
#include "account/webhook.h"

static void roles(const char *s)
{
	struct sut_err err = {0};
	unsigned int mask = 1u << 31, back;
	char text[96];

	if (sut_roles_parse(s, &mask, &err) < 0) {
		FUZZ_ASSERT(mask == 1u << 31 && err.code == EINVAL && err.msg[0]);
		return;
	}
	FUZZ_ASSERT((mask & ~(unsigned int)SUT_ROLE_ALL) == 0);
	sut_roles_format(mask, text);
	FUZZ_ASSERT(sut_roles_parse(text, &back, NULL) == 0 && back == mask);
}

static void token(const char *s)
{
	char hint[16];

	sut_token_hint(s, hint);
	if (sut_token_kind(s)) {
		FUZZ_ASSERT(strlen(s) < SUT_TOKEN_MAX);
		/* No more of it than the hint is for. */
		FUZZ_ASSERT(strlen(hint) <= strcspn(s, "_") + 1 + 4 + strlen("…"));
	} else {
		FUZZ_ASSERT(hint[0] == '\0');
	}
	FUZZ_ASSERT(!sut_uid_ok(s) || strlen(s) == SUT_UID_LEN);
}

static void password(const char *s)
{
	struct sut_err err = {0};

	if (sut_password_check(s, "margaret", &err) == 0) {
		FUZZ_ASSERT(strlen(s) >= SUT_PASSWORD_MIN && strlen(s) <= SUT_PASSWORD_BYTES_MAX);
		FUZZ_ASSERT(!strchr(s, '\n'));
	} else {
		FUZZ_ASSERT(err.code == EINVAL && strcmp(err.reason, "weak-password") == 0);
	}
}

static void url(const char *s)
{
	struct sut_err err = {0};
	char *part;

	if (webhook_url_check(s, false, &err) < 0) {
		FUZZ_ASSERT(err.msg[0]);
		return;
	}
	/* What is good for all is good for those who may more. */
	FUZZ_ASSERT(webhook_url_check(s, true, NULL) == 0);
	FUZZ_ASSERT(sut_startswith(s, "https://") && !strpbrk(s, " \r\n\"#"));
	FUZZ_ASSERT(!sut_startswith(s, "https://127.0.0.1/") &&
		    !sut_startswith(s, "https://localhost/"));
	part = webhook_url_short(s);
	FUZZ_ASSERT(part);
	FUZZ_ASSERT(strncmp(part, s, strcspn(s + 8, "/?") + 8) == 0);
	free(part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = strndup((const char *)data, size);

	if (!s)
		return 0;
	roles(s);
	token(s);
	password(s);
	url(s);
	free(s);
	return 0;
}
