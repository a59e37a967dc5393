// SPDX-License-Identifier: Apache-2.0
/* What comes out of a virtual machine: the result channel and the console log. */
#include <stdlib.h>

#include "fuzz.h"
#include "try/klog.h"
#include "try/step.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sut_steps steps;
	static struct sut_klog klog;

	if (sut_steps_parse((const char *)data, size, "W", &steps, NULL) == 0) {
		for (size_t i = 0; i < steps.n; i++)
			if (steps.v[i].output < (const char *)data ||
			    steps.v[i].output + steps.v[i].len > (const char *)data + size)
				abort();
	}
	sut_klog_scan((const char *)data, size, &klog);
	for (size_t i = 0; i < klog.n; i++)
		if (klog.v[i].block + klog.v[i].len > (const char *)data + size)
			abort();
	return 0;
}
