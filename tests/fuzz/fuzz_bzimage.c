// SPDX-License-Identifier: Apache-2.0
/* A bootable kernel image, and the ELF file in it. */
#include "fuzz.h"
#include "target/vmlinux.h"
#include "target/vmlinuz.h"

enum { UNPACKED_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_buf_ struct sut_buf out = SUT_BUF_INIT(UNPACKED_MAX);

	if (sut_vmlinuz_unpack(data, len, &out, NULL) < 0)
		FUZZ_ASSERT(out.len == 0);
	else
		FUZZ_ASSERT(out.len <= UNPACKED_MAX);
	return 0;
}
