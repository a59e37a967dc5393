// SPDX-License-Identifier: Apache-2.0
/* crypto/minisign.h: any text of a signature ('s' and the text) or of a public key ('p' and the
 * text). What is accepted is written again as the same text: there is one spelling. */
#include <string.h>

#include "base/cleanup.h"
#include "crypto/minisign.h"
#include "fuzz.h"

/* The text without its last line end. */
static size_t trimmed(const uint8_t *data, size_t size)
{
	return size && data[size - 1] == '\n' ? size - 1 : size;
}

static void check_text(const char *s)
{
	FUZZ_ASSERT(strlen(s) <= SUT_MINISIGN_COMMENT_MAX);
	for (; *s; s++)
		FUZZ_ASSERT((uint8_t)*s >= 0x20 || *s == '\t');
}

static void signature(const uint8_t *data, size_t size)
{
	/* Of no private key that anybody has; nothing may verify. */
	static const struct sut_minisign_pub nobody = {.key = {3}};
	struct sut_minisign_pub p = nobody;
	struct sut_minisign_sig s;
	struct sut_err err = {0};

	if (sut_minisign_sig_parse(data, size, &s, &err) < 0) {
		FUZZ_ASSERT(err.code && err.msg[0]);
		return;
	}
	check_text(s.trusted);
	memcpy(p.keynum, s.keynum, sizeof(p.keynum));
	FUZZ_ASSERT(sut_minisign_verify(&p, &s, "data", 4, &err) < 0);
}

static void public_key(const uint8_t *data, size_t size)
{
	const size_t prefix = strlen("untrusted comment: ");
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_MINISIGN_FILE_MAX);
	_cleanup_(sut_freep) char *comment = NULL;
	struct sut_minisign_pub p;
	struct sut_err err = {0};
	const uint8_t *end;

	if (sut_minisign_pub_parse(data, size, &p, &err) < 0) {
		FUZZ_ASSERT(err.code && err.msg[0]);
		return;
	}
	end = memchr(data, '\n', size);
	FUZZ_ASSERT(end && end >= data + prefix);
	comment = strndup((const char *)data + prefix, (size_t)(end - data) - prefix);
	if (!comment)
		return;
	check_text(comment);
	FUZZ_ASSERT(sut_minisign_pub_format(&p, comment, &b, &err) == 0);
	FUZZ_ASSERT(trimmed(b.data, b.len) == trimmed(data, size) &&
		    memcmp(b.data, data, trimmed(data, size)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == 's')
		signature(data + 1, size - 1);
	else if (size && data[0] == 'p')
		public_key(data + 1, size - 1);
	return 0;
}
