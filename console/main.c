// SPDX-License-Identifier: Apache-2.0
/* suture-console: scans, live patches and jobs for a whole fleet, on one page. */
#include "base/cleanup.h"
#include "cmd.h"
#include "console.h"

static const struct server_command commands[] = {
	{"backup", "write all of the database to a file", .common = server_cmd_backup},
	{"doctor", "is all well? if not, what to do", .own = cmd_doctor},
	{"import", "read files of scanners", .own = cmd_import},
	{"init", "make the key, the database and its first user", .own = cmd_init},
	{"serve", "answer requests until a signal ends it", .common = server_cmd_serve},
	{"migrate", "bring the database to the schema of this program",
	 .common = server_cmd_migrate},
	{"restore", "put a backup into a new database, also of the other engine",
	 .common = server_cmd_restore},
};

int main(int argc, char **argv)
{
	return server_main(&console_program, commands, SUT_ARRAY_SIZE(commands), argc, argv);
}
