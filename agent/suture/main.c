// SPDX-License-Identifier: Apache-2.0
/* suture: what the administrator of a server types. One row for each command. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd.h"
#include "suture-apply/program.h"

enum group { PROTECTION, CHOICES, MEMBERSHIP, BY_HAND, GROUPS };

static const char *const groups[GROUPS] = {
	[PROTECTION] = "Protection",
	[CHOICES] = "What may happen on this machine",
	[MEMBERSHIP] = "Portals and platforms",
	[BY_HAND] = "Patches by hand, for authors",
};

static const struct command {
	enum group group;
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{PROTECTION, "status", cmd_status, "is this machine protected, and by what"},
	{PROTECTION, "check", cmd_check, "ask now what is to run"},
	{PROTECTION, "update", cmd_update, "fetch, verify and apply what is to run"},
	{PROTECTION, "explain", cmd_explain, "why is this machine not patched (further)"},
	{PROTECTION, "verify", cmd_verify, "compare the running code with the patch"},
	{PROTECTION, "unload", cmd_unload, "take the applied patch out"},
	{PROTECTION, "lib", cmd_lib, "patches of libraries in running processes"},
	{PROTECTION, "info", cmd_info, "what is applied, or what a patch file holds"},
	{PROTECTION, "cves", cmd_cves, "is a CVE fixed in the kernel that runs"},
	{PROTECTION, "uname", cmd_uname, "uname(1) with the version in effect"},
	{PROTECTION, "history", cmd_history, "what happened to the kernel"},
	{CHOICES, "mode", cmd_mode, "normal, no-apply or off"},
	{CHOICES, "pin", cmd_pin, "not beyond a level, day or patchset"},
	{CHOICES, "hold", cmd_hold, "nothing new for a while"},
	{CHOICES, "tag", cmd_tag, "words by which this machine is found"},
	{CHOICES, "quarantine", cmd_quarantine, "patches that made this machine fail"},
	{MEMBERSHIP, "register", cmd_register, "register this machine at a portal"},
	{MEMBERSHIP, "unregister", cmd_unregister, "leave the portal"},
	{MEMBERSHIP, "job", cmd_job, "signed jobs of a management platform"},
	{MEMBERSHIP, "vex", cmd_vex, "an OpenVEX document about this machine"},
	{MEMBERSHIP, "doctor", cmd_doctor, "a report for those who help; sends nothing"},
	{BY_HAND, "apply", cmd_apply, "apply a patch file to the running kernel"},
	{BY_HAND, "revert", cmd_revert, "take back what was applied"},
	{BY_HAND, "preflight", cmd_preflight, "would a patch be applied here"},
};

static void usage(FILE *f)
{
	fprintf(f, "usage: suture COMMAND [OPTION]...\n");
	for (int g = 0; g < GROUPS; g++) {
		fprintf(f, "\n%s:\n", groups[g]);
		for (size_t i = 0; i < SUT_ARRAY_SIZE(commands); i++)
			if ((int)commands[i].group == g)
				fprintf(f, "  %-10s  %s\n", commands[i].name, commands[i].help);
	}
	fprintf(f, "\n  --version, --help; 'suture help COMMAND' tells more of one\n\n"
		   "Exit status:\n"
		   "  0   done\n"
		   "  1   error; the kernel is as it was\n"
		   "  2   busy: tasks kept running the old code; try again later\n"
		   "  3   the patch is for another kernel, or nothing can be applied here\n"
		   "  4   the running code differs, or somebody else changes it\n"
		   "  5   nobody this machine trusts has signed it\n"
		   "  6   held back by mode, pin, hold, window or delay\n"
		   "  7   not registered\n"
		   "  8   portal or repository do not answer\n"
		   "  9   quarantined\n"
		   "  10  something is to be applied, and is not yet\n"
		   "  11  only a reboot helps\n"
		   "  64  wrong usage\n");
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(commands); i++)
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	return NULL;
}

static int no_command(const char *name)
{
	fprintf(stderr, "suture: there is no command '%s'; 'suture --help' lists them\n", name);
	return SUT_EXIT_USAGE;
}

/* help [COMMAND [WORD]] */
static int help(int argc, char **argv)
{
	char option[] = "--help";
	char *args[] = {argv[1], argc > 2 ? argv[2] : option, argc > 2 ? option : NULL, NULL};
	const struct command *c;

	if (argc == 1) {
		usage(stdout);
		return SUT_EXIT_OK;
	}
	c = find(argv[1]);
	return c ? c->run(argc > 2 ? 3 : 2, args) : no_command(argv[1]);
}

/* For the completion of shells: the names of the commands. */
static int words(void)
{
	for (size_t i = 0; i < SUT_ARRAY_SIZE(commands); i++)
		puts(commands[i].name);
	return SUT_EXIT_OK;
}

int main(int argc, char **argv)
{
	const char *slash = argc ? strrchr(argv[0], '/') : NULL, *name = slash	? slash + 1
									 : argc ? argv[0]
										: "";
	const struct command *c;

	/* Installed, the root half is this file under another name: most of it is in here anyway, and twice would
	 * be a tenth of the agent. */
	if (!strcmp(name, "suture-apply"))
		return program_main(argc, argv, NULL);
	/* A reader that goes away must not end us in the middle of an apply. */
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(name, "kcarectl"))
		return kcarectl(argc, argv);
	if (!strcmp(name, "kcare-uname"))
		return kcare_uname(argc, argv);
	if (argc < 2) {
		usage(stderr);
		return SUT_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return help(argc - 1, argv + 1);
	if (!strcmp(argv[1], "--version")) {
		printf("suture %s\n", SUTURE_VERSION);
		return SUT_EXIT_OK;
	}
	if (!strcmp(argv[1], "--words"))
		return words();
	c = find(argv[1]);
	return c ? c->run(argc - 1, argv + 1) : no_command(argv[1]);
}
