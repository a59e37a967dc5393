// SPDX-License-Identifier: Apache-2.0
#include "api/api.h"

const struct web_table api_tables[] = {
	/* One line each, in the order of the alphabet. */
	{"enroll", api_enroll},
	{"keys", api_keys},
	{"system_wide", api_system_wide},
	{0},
};
