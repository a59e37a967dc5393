// SPDX-License-Identifier: Apache-2.0
/* repo/settings.h: repo.json, and the text of --expires. */
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "settings.h"

static void check(struct sut_settings *s)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_SETTINGS_MAX + 4096);
	struct sut_err err = {0};

	FUZZ_ASSERT(s->signer && s->patch_key && s->root);
	FUZZ_ASSERT(sut_settings_expiry(s, "root") >= 3600);
	FUZZ_ASSERT(sut_settings_expiry(s, "kernel-3f") >= 3600);
	FUZZ_ASSERT(sut_settings_expiry(s, "") >= 3600);
	b.max = 1 << 24;
	FUZZ_ASSERT(sut_settings_format(s, &b, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(sut_settings_release) struct sut_settings s = {0}, n = {0};
	_cleanup_(sut_freep) char *text = strndup((const char *)data, size);
	struct sut_err err = {0};

	if (sut_settings_parse(data, size, &s, &err) == 0)
		check(&s);
	else
		FUZZ_ASSERT(!s.doc && err.code && err.msg[0]);
	if (!text || sut_settings_new("", "", &n, &err) < 0)
		return 0;
	(void)!sut_settings_set_expiries(&n, text, &err);
	FUZZ_ASSERT(sut_settings_expiry(&n, "root") >= 3600 &&
		    sut_settings_expiry(&n, "root") <= 3650 * 86400LL);
	return 0;
}
