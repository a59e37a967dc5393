// SPDX-License-Identifier: Apache-2.0
#include "admin.h"

static const struct admin_verb verbs[] = {
	{"show", "what was read of the signed repository, and when it expires", "GET",
	 "/v1/repository"},
	{"sync", "read it now (staff)", "POST", "/v1/repository/sync", .flags = ADMIN_REPEAT},
	{0},
};
const struct admin_noun admin_repository = {"repository", "the signed repository", verbs, NULL};
