// SPDX-License-Identifier: Apache-2.0
#include "common/paths.h"

#include <stdio.h>

struct agent_path agent_path(const char *root, const char *path)
{
	struct agent_path p;

	if (snprintf(p.s, sizeof(p.s), "%s%s", root ? root : "", path) >= (int)sizeof(p.s))
		p.s[0] = 0;
	return p;
}
