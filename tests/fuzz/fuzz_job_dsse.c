// SPDX-License-Identifier: Apache-2.0
/* Envelopes: whatever they hold, no key that did not sign is found. */
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "fuzz.h"
#include "job/dsse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of RFC 8032, section 7.1, test 1. */
	static const struct sut_dsse_key key = {
		"rfc", {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
			0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
			0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a}};
	struct sut_dsse d = {0};
	struct sut_err err = {0};
	int r = sut_dsse_parse(data, size, &d, &err);

	if (r < 0) {
		FUZZ_ASSERT(r == -EBADMSG && sut_streq(err.reason, "envelope"));
		FUZZ_ASSERT(!d.payload.data && !d.sigs);
		return 0;
	}
	FUZZ_ASSERT(size <= SUT_DSSE_MAX && d.payload.len <= SUT_DSSE_PAYLOAD_MAX);
	FUZZ_ASSERT(d.nsigs >= 1 && d.nsigs <= SUT_DSSE_SIGS_MAX);
	for (size_t i = 0; i < d.nsigs; i++)
		FUZZ_ASSERT(d.sigs[i].len <= sizeof(d.sigs[i].sig) &&
			    memchr(d.sigs[i].keyid, 0, sizeof(d.sigs[i].keyid)));
	r = sut_dsse_verify(&d, d.type, &key, 1, NULL, &err);
	FUZZ_ASSERT(r == -ENOKEY || r == -EKEYREJECTED);
	sut_dsse_release(&d);
	return 0;
}
