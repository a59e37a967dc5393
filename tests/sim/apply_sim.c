// SPDX-License-Identifier: Apache-2.0
/* suture-apply-sim: the real suture-apply, on a machine that is kept in a file (README.md). */
#include "machine_file.h"
#include "suture-apply/program.h"

int main(int argc, char **argv)
{
	return program_main(argc, argv, machine_file_use);
}
