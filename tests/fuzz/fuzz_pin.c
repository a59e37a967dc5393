// SPDX-License-Identifier: Apache-2.0
/* A pin, as users write it and as it comes back from the database. */
#include <errno.h>
#include <string.h>

#include "feed/pin.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct feed_pin before, p;
	struct sut_err err = {0};
	int r;

	if (!text)
		return 0;
	memset(&before, 0x5a, sizeof(before));
	p = before;
	r = feed_pin_parse(text, &p, &err);
	FUZZ_ASSERT(r == 0 || r == -EINVAL);
	if (r < 0) {
		FUZZ_ASSERT(!memcmp(&p, &before, sizeof(p)) && err.code && *err.msg);
		free(text);
		return 0;
	}
	FUZZ_ASSERT((p.kind == FEED_PIN_NONE) == !*text);
	FUZZ_ASSERT((p.kind == FEED_PIN_LEVEL) == (p.level > 0));
	FUZZ_ASSERT((p.kind == FEED_PIN_DATE) == (p.created > 0));
	FUZZ_ASSERT((p.kind == FEED_PIN_PATCHSET) == (*p.patchset != 0));
	FUZZ_ASSERT(strlen(text) < FEED_PIN_MAX);
	/* One text for one pin. */
	if (p.kind == FEED_PIN_PATCHSET)
		FUZZ_ASSERT(!strcmp(text + strlen("patchset:"), p.patchset));
	if (p.kind == FEED_PIN_LEVEL) {
		char again[32];

		snprintf(again, sizeof(again), "level:%u", p.level);
		FUZZ_ASSERT(!strcmp(text, again));
	}
	free(text);
	return 0;
}
