// SPDX-License-Identifier: Apache-2.0
/* change/record.h: bytes of a process that may be a record of ours. The digest is set right, so that what is behind it is reached. */
#include <errno.h>
#include <string.h>

#include "change/record.h"
#include "crypto/sha256.h"
#include "fuzz.h"

static void check(const uint8_t *data, size_t size, uint64_t at)
{
	struct sut_err err = {0};
	struct record r;
	int rc = record_parse(data, size, at, &r, &err);

	if (rc < 0) {
		FUZZ_ASSERT(rc == -EBADMSG || rc == -ENOMEM);
		FUZZ_ASSERT(err.code == -rc);
		return;
	}
	FUZZ_ASSERT(r.at == at && r.head.image == at && r.head.state <= RECORD_REPLACED);
	FUZZ_ASSERT(memchr(r.head.id, 0, sizeof(r.head.id)));
	FUZZ_ASSERT(r.head.len <= size);
	for (uint32_t i = 0; i < r.head.nplaces; i++) {
		const struct record_place *p = &r.places[i];

		FUZZ_ASSERT(p->len == 2 || p->len == 5);
		FUZZ_ASSERT((p->len == 2) == (p->island != 0));
		FUZZ_ASSERT(p->new_addr >= at && p->new_addr < at + r.head.image_len);
	}
	record_release(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	struct record_head h = {0};
	uint64_t at = 0;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (size >= sizeof(h)) {
		memcpy(&h, data, sizeof(h));
		at = h.image;
	}
	check(copy, size, at);
	if (size >= SUT_LIBRARY_HEAD && h.len <= size && h.len >= SUT_LIBRARY_HEAD) {
		uint32_t state = h.state;

		memset(copy + sizeof(h), 0, SUT_LIBRARY_HEAD - sizeof(h));
		memset(h.digest, 0, sizeof(h.digest));
		h.state = 0;
		memcpy(copy, &h, sizeof(h));
		sut_sha256(copy, h.len, h.digest);
		h.state = state;
		memcpy(copy, &h, sizeof(h));
		check(copy, size, at);
	}
	free(copy);
	return 0;
}
