// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "cmd.h"
#include "uapi/suture.h"

bool cmd_is_level(const char *word)
{
	uint64_t level;

	return isdigit((unsigned char)*word) && strspn(word, "0123456789") == strlen(word) &&
	       sut_parse_u64(word, INT32_MAX, &level) == 0;
}

bool cmd_is_patchset(const char *word)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";

	return isalpha((unsigned char)*word) && strlen(word) < SUTURE_ID_MAX &&
	       strspn(word, letters) == strlen(word);
}
