// SPDX-License-Identifier: Apache-2.0
/* What suture-health.service left: the output of the administrator's programs is in it. */
#include <string.h>

#include "fuzz.h"
#include "suture-apply/errors.h"
#include "suture-apply/health.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct health h;
	json_t *errors = errors_parse(data, size);

	FUZZ_ASSERT(errors && json_array_size(errors) <= ERRORS_MAX);
	json_decref(errors);
	if (health_parse(data, size, &h, NULL) < 0)
		return 0;
	FUZZ_ASSERT(h.ok == !*h.failed && h.run + h.refused <= HEALTH_CHECKS_MAX);
	FUZZ_ASSERT(!h.refused == !*h.not_run);
	for (const char *p = h.failed; *p; p++)
		FUZZ_ASSERT((unsigned char)*p >= ' ' && *p != 0x7f);
	return 0;
}
