// SPDX-License-Identifier: Apache-2.0
/* suture-process: library patches in running processes, by hand and as the daemon behind suture-apply. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cmd.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"info", cmd_info, "what a patch file holds, what a process has, whether they fit"},
	{"apply", cmd_apply, "brings processes to a patch"},
	{"revert", cmd_revert, "takes patches out of processes"},
	{"repair", cmd_repair, "ends what a dead patcher began in a process"},
	{"serve", cmd_serve, "the daemon: all processes, now and later"},
	{NULL, NULL, NULL},
};

static void usage(FILE *f)
{
	fprintf(f, "usage: suture-process COMMAND [OPTION]...\n\n");
	for (size_t i = 0; commands[i].name; i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].help);
	fprintf(f, "\n  --version, --help; 'suture-process COMMAND --help' tells more\n");
}

int main(int argc, char **argv)
{
	if (argc >= 2 && (sut_streq(argv[1], "--help") || sut_streq(argv[1], "-h"))) {
		usage(stdout);
		return PROCESS_EXIT_OK;
	}
	if (argc >= 2 && sut_streq(argv[1], "--version")) {
		printf("suture-process %s\n", SUTURE_VERSION);
		return PROCESS_EXIT_OK;
	}
	for (size_t i = 0; argc >= 2 && commands[i].name; i++)
		if (sut_streq(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "suture-process: there is no command '%s'\n\n", argv[1]);
	usage(stderr);
	return PROCESS_EXIT_USAGE;
}
