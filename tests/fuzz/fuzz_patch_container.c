// SPDX-License-Identifier: Apache-2.0
/*
 * patch/container.h. The first byte says what the rest is: a whole file, or
 * the archive inside one (a fuzzer cannot make zstd checksums by itself).
 */
#include <string.h>

#include "fuzz.h"
#include "patch/container.h"
#include "patch/manifest.h"
#include "sample_patch.h"

static void check(const uint8_t *data, size_t size)
{
	struct sut_manifest *m = NULL;
	struct sut_patch *p = NULL;
	struct sut_err err = {0};

	if (sut_patch_parse(data, size, &p, &err) < 0) {
		FUZZ_ASSERT(!p && err.code && err.msg[0]);
		return;
	}
	/* What parses is what the manifest says. */
	FUZZ_ASSERT(sut_manifest_load(p->manifest, &m, &err) == 0);
	FUZZ_ASSERT(p->nmembers == m->nmembers && p->nmembers <= SUT_PATCH_MEMBERS_MAX);
	for (size_t i = 0; i < p->nmembers; i++) {
		FUZZ_ASSERT(!strchr(p->members[i].name, '/') && p->members[i].name[0] != '.');
		FUZZ_ASSERT(p->members[i].len == m->members[i].size);
		FUZZ_ASSERT(sut_patch_member(p, m->members[i].name) == &p->members[i]);
	}
	sut_manifest_free(m);
	sut_patch_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct sut_buf tar = SUT_BUF_INIT(1 << 20), b = SUT_BUF_INIT(2 << 20);

	if (size == 0 || size > (1 << 20))
		return 0;
	if (data[0] == 'f') {
		check(data + 1, size - 1);
	} else if (sut_buf_add(&tar, data + 1, size - 1) == 0) {
		sample_compress(&tar, &b);
		check(b.data, b.len);
	}
	return 0;
}
