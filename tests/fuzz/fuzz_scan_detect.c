// SPDX-License-Identifier: Apache-2.0
/* A scan of any format, plain or gzip */
#include "scan_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	return scan_input(SUT_SCAN_UNKNOWN, data, len);
}
