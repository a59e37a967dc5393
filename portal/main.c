// SPDX-License-Identifier: Apache-2.0
/* suture-portal: registration keys, systems, feeds and patches for a whole fleet. */
#include "base/cleanup.h"
#include "cmd.h"
#include "portal.h"

static const struct server_command commands[] = {
	{"init", "make the database and its first user", .common = server_cmd_init},
	{"serve", "answer requests until a signal ends it", .common = server_cmd_serve},
	{"migrate", "bring the database to the schema of this program",
	 .common = server_cmd_migrate},
	{"doctor", "is all well? if not, what to do", .own = cmd_doctor},
	{"backup", "write all of the database to a file", .common = server_cmd_backup},
	{"restore", "put a backup into a new database, also of the other engine",
	 .common = server_cmd_restore},
};

int main(int argc, char **argv)
{
	return server_main(&portal_program, commands, SUT_ARRAY_SIZE(commands), argc, argv);
}
