// SPDX-License-Identifier: Apache-2.0
/* The kernel's messages, in which any process may have a word: what is told is printable, and only what is ours is
 * blamed. */
#include <string.h>

#include "fuzz.h"
#include "suture-apply/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct messages m, none;

	messages_scan(text, size, "unix_ioctl\nlookup_dcache\n\n", &m);
	messages_scan(text, size, NULL, &none);
	FUZZ_ASSERT(strlen(m.text) < MESSAGES_TEXT_MAX && m.fatal == (m.text[0] != 0));
	FUZZ_ASSERT(!none.fatal || m.fatal);
	for (const char *p = m.text; *p; p++)
		FUZZ_ASSERT((unsigned char)*p >= ' ' && *p != 0x7f);
	if (!memmem(text, size, "+0x", 3))
		FUZZ_ASSERT(!m.fatal);
	return 0;
}
