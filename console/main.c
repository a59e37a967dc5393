// SPDX-License-Identifier: Apache-2.0
/* suture-console: scans, live patches and jobs for a whole fleet, on one page. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "cmd.h"
#include "console.h"

static int migrate(int argc, char **argv)
{
	return server_cmd_migrate(&console_program, argc, argv);
}

static int serve(int argc, char **argv)
{
	return server_cmd_serve(&console_program, argc, argv);
}

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"doctor", cmd_doctor, "is all well? if not, what to do"},
	{"import", cmd_import, "read files of scanners"},
	{"init", cmd_init, "make the key, the database and its first user"},
	{"serve", serve, "answer requests until a signal ends it"},
	{"migrate", migrate, "bring the database to the schema of this program"},
};

static void usage(FILE *f)
{
	fprintf(f, "usage: suture-console COMMAND [OPTION]...\n\n");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-9s %s\n", commands[i].name, commands[i].help);
	fprintf(f,
		"\n  --version, --help; 'suture-console COMMAND --help' tells more\n\n"
		"Exit status:\n"
		"  0   done; doctor: all is well\n"
		"  1   error; doctor: something needs attention\n"
		"  2   doctor: something is broken\n"
		"  64  wrong usage\n"
		"  78  the settings are wrong, or the database needs 'suture-console migrate'\n");
}

int main(int argc, char **argv)
{
	const struct rlimit none = {0, 0};

	/* A core file would hold tokens and passwords. */
	(void)!setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
	umask(027);
	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		usage(stdout);
		return SERVER_EXIT_OK;
	}
	if (argc >= 2 && !strcmp(argv[1], "--version")) {
		printf("suture-console %s\n", SUTURE_VERSION);
		return SERVER_EXIT_OK;
	}
	for (size_t i = 0; argc >= 2 && i < SUT_ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "suture-console: there is no command '%s'\n\n", argv[1]);
	usage(stderr);
	return SERVER_EXIT_USAGE;
}
