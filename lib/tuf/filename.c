// SPDX-License-Identifier: Apache-2.0
#include "tuf/filename.h"

#include <string.h>

#include "base/str.h"
#include "crypto/sha256.h"
#include "http/http.h"

char *sut_tuf_file_name(const char *name, const char *suffix)
{
	_cleanup_(sut_freep) char *q = sut_http_quote(name);
	char digest[SUT_SHA256_HEX];
	bool hidden, part;

	if (!q)
		return NULL;
	if (strlen(q) + 4 + strlen(suffix) <= SUT_TUF_FILE_MAX) {
		part = !*suffix && sut_endswith(q, ".part");
		if (part)
			q[strlen(q) - 5] = 0;
		/* Looked at after that: the one dot of ".part" is encoded once. */
		hidden = !*suffix && *q == '.';
		return sut_sprintf("%s%s%s%s", hidden ? "%2E" : "", q + hidden,
				   part ? "%2Epart" : "", suffix);
	}
	sut_sha256_hex(name, strlen(name), digest);
	return sut_sprintf("sha256=%s%s", digest, suffix);
}
