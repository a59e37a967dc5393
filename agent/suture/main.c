// SPDX-License-Identifier: Apache-2.0
/* suture: applies live patches to the running kernel and says what is applied. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"apply", cmd_apply, "apply a patch to the running kernel"},
	{"revert", cmd_revert, "take the applied patch back"},
	{"status", cmd_status, "say what is applied"},
	{"info", cmd_info, "show what a patch holds; needs no rights"},
	{"verify", cmd_verify, "check a patch against the running kernel; changes nothing"},
};

static void usage(FILE *f)
{
	fprintf(f, "usage: suture COMMAND [OPTION]...\n\n");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].help);
	fprintf(f, "\n  --version, --help; 'suture COMMAND --help' tells more\n\n"
		   "Exit status:\n"
		   "  0   done\n"
		   "  1   error; the kernel is as it was\n"
		   "  2   busy: tasks kept running the old code; try again later\n"
		   "  3   the patch is for another kernel\n"
		   "  4   the running code differs, or somebody else changes it\n"
		   "  5   nobody this machine trusts has signed the patch\n"
		   "  64  wrong usage\n");
}

int main(int argc, char **argv)
{
	/* A reader that goes away must not end us in the middle of an apply. */
	signal(SIGPIPE, SIG_IGN);
	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		usage(stdout);
		return SUT_EXIT_OK;
	}
	if (argc >= 2 && !strcmp(argv[1], "--version")) {
		printf("suture %s\n", SUTURE_VERSION);
		return SUT_EXIT_OK;
	}
	for (size_t i = 0; argc >= 2 && i < SUT_ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "suture: there is no command '%s'\n\n", argv[1]);
	usage(stderr);
	return SUT_EXIT_USAGE;
}
