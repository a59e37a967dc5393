// SPDX-License-Identifier: Apache-2.0
/* A library that takes its time to be loaded: whoever waits for the dynamic linker waits, too. */
#include <unistd.h>

#include "victim.h"

static __attribute__((constructor)) void at_load(void)
{
	int r = victim_value(0);

	usleep(700000);
	/* Patched meanwhile, or not: each call is one version. */
	if (r < 1 || victim_value(0) < r)
		_exit(5);
}
