// SPDX-License-Identifier: Apache-2.0
/* suture-build: from a source fix to a live patch for one exact kernel build. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"target", cmd_target, "add, list, show and remove targets (exact kernel builds)"},
	{"fix", cmd_fix, "cut a fix out of two versions of a source package"},
	{"kernel", cmd_kernel, "build a live patch for a kernel from source fixes"},
	{"library", cmd_library, "build a live patch for a library or executable"},
	{"prove", cmd_prove, "compare compiled source files with the shipped kernel"},
	{"engine", cmd_engine, "build suture.ko for a target"},
	{"try", cmd_try,
	 "try a patch: of a kernel in a virtual machine, of a library in a process"},
};

static void usage(FILE *f)
{
	fprintf(f, "usage: suture-build COMMAND [OPTION]...\n\n");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].help);
	fprintf(f, "\n  --version, --help; 'suture-build COMMAND --help' tells more\n");
}

int main(int argc, char **argv)
{
	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		usage(stdout);
		return SUT_EXIT_OK;
	}
	if (argc >= 2 && !strcmp(argv[1], "--version")) {
		printf("suture-build %s\n", SUTURE_VERSION);
		return SUT_EXIT_OK;
	}
	for (size_t i = 0; argc >= 2 && i < SUT_ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "suture-build: there is no command '%s'\n\n", argv[1]);
	usage(stderr);
	return SUT_EXIT_ERROR;
}
