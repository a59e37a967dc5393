// SPDX-License-Identifier: Apache-2.0
/* A mountinfo: the first four bytes are the number of the mount that is asked for. */
#include "fuzz.h"

#include <string.h>

#include "base/str.h"
#include "look/sound.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(sut_freep) char *text = NULL;
	int id;

	if (size < sizeof(id))
		return 0;
	memcpy(&id, data, sizeof(id));
	text = strndup((const char *)data + sizeof(id), size - sizeof(id));
	/* Of what is not told nothing is believed. */
	if (text && sound_mount(text, id))
		FUZZ_ASSERT(strstr(text, " - "));
	return 0;
}
