// SPDX-License-Identifier: Apache-2.0
/* The output of `make -n`, and the list of commands kept from it. */

#include "compile/kbuild.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(sut_kbuild_unit_release) struct sut_kbuild_unit u = {0};
	_cleanup_(sut_kbuild_freep) struct sut_kbuild *k = NULL;
	_cleanup_buf_ struct sut_buf list = SUT_BUF_INIT(64 << 20);
	_cleanup_strv_ struct sut_strv sources = {0};
	int r;

	/* as a stored list */
	r = sut_kbuild_find((const char *)data, len, "a.c", &u);
	r = sut_kbuild_sources((const char *)data, len, SUT_UNIT_BUILT_IN, &sources);
	/* as make's output: what is kept can be read again */
	if (sut_kbuild_parse((const char *)data, len, "/s", &k, NULL) < 0)
		return 0;
	if (sut_kbuild_format(k, &list) < 0)
		return 0;
	for (size_t i = 0; i < k->n; i++) {
		struct sut_kbuild_unit v = {0};

		r = sut_kbuild_find(sut_buf_str(&list), list.len, k->units[i].source, &v);
		FUZZ_ASSERT(r == 1);
		sut_kbuild_unit_release(&v);
	}
	return 0;
}
