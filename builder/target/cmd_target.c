// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

int cmd_target(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return SUT_EXIT_ERROR;
}
