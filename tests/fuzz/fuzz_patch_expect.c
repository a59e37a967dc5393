// SPDX-License-Identifier: Apache-2.0
/* patch/expect.h: a table that parses can be walked and written again unchanged. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "patch/expect.h"

static void rebuild(const struct sut_expect_table *t)
{
	_cleanup_(sut_expect_freep) struct sut_expect *x = NULL;
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(SUTURE_MAX_EXPECT);
	struct sut_expect_table again;
	struct sut_err err = {0};
	int r;

	if (sut_expect_new(t->build_id, t->anchor_addr, &x, &err) < 0)
		return;
	for (uint32_t i = 0; i < t->nfuncs; i++) {
		struct sut_expect_func f = sut_expect_at(t, i);

		/* Records that share their bytes in the table grow when written. */
		r = sut_expect_add(x, &f, &err);
		FUZZ_ASSERT(r == 0 || r == -ENOBUFS || r == -ENOMEM);
		if (r < 0)
			return;
	}
	r = sut_expect_finish(x, &out, &err);
	FUZZ_ASSERT(r == 0 || r == -ENOBUFS || r == -ENOMEM);
	if (r < 0)
		return;
	FUZZ_ASSERT(sut_expect_parse(out.data, out.len, &again, &err) == 0);
	FUZZ_ASSERT(again.nfuncs == t->nfuncs && again.anchor_addr == t->anchor_addr);
	for (uint32_t i = 0; i < t->nfuncs; i++) {
		struct sut_expect_func a = sut_expect_at(t, i), b = sut_expect_at(&again, i);

		FUZZ_ASSERT(!strcmp(a.name, b.name) && a.addr == b.addr && a.size == b.size);
		FUZZ_ASSERT(a.flags == b.flags && a.redirect == b.redirect &&
			    a.redirect_off == b.redirect_off);
		FUZZ_ASSERT(!memcmp(a.bytes, b.bytes, a.size) && !memcmp(a.mask, b.mask, a.size));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sut_expect_table t = {0};
	struct sut_err err = {0};

	if (sut_expect_parse(data, size, &t, &err) == 0)
		rebuild(&t);
	else
		FUZZ_ASSERT(!t.data && err.code && err.msg[0]);
	return 0;
}
