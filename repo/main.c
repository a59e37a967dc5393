// SPDX-License-Identifier: Apache-2.0
/* suture-repo: signs patches and keeps the TUF repository that servers update from. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "cmd.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"init", cmd_init, "make a repository: keys, roles, the first root"},
	{"status", cmd_status, "what expires when, who signs what, what is pending"},
	{"verify", cmd_verify, "check all that is public, as a client sees it"},
	{"renew", cmd_renew, "sign roles anew before they expire"},
	{"key", cmd_key, "generate, add, list, rotate and revoke keys"},
	{"delegate", cmd_delegate, "let a role speak for a part of the targets"},
	{"undelegate", cmd_undelegate, "take that back"},
	{"release", cmd_release, "sign patches and publish them"},
	{"release-engine", cmd_release_engine, "sign and publish suture.ko for a kernel"},
	{"withdraw", cmd_withdraw, "take a released patch out of the repository"},
	{"list", cmd_list, "the released patches and the stop flag"},
	{"stop", cmd_stop, "tell every server to stop applying, or to unload"},
	{"timestamp", cmd_timestamp, "have the signer renew the timestamp; for a timer"},
	{"sign-patch", cmd_sign_patch, "write FILE.sig for a patch; needs no repository"},
	{"show-change", cmd_show_change, "the pending change in plain words, and who must sign"},
	{"sign", cmd_sign, "sign the pending change, here or on an offline machine"},
	{"publish", cmd_publish, "make the pending change visible to clients"},
	{"abandon", cmd_abandon, "drop the pending change"},
	{"module-key", cmd_module_key, "make a key for the signatures that kernels ask of modules"},
	{"sign-module", cmd_sign_module, "sign suture.ko, or the modules inside a patch"},
	{"verify-module", cmd_verify_module, "check these signatures"},
	{"export-root", cmd_export_root, "write the root that clients and the signer begin with"},
};

static void usage(FILE *f)
{
	fprintf(f, "usage: suture-repo COMMAND [OPTION]...\n\n");
	for (size_t i = 0; i < SUT_ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-14s %s\n", commands[i].name, commands[i].help);
	fprintf(f, "\n  --version, --help; 'suture-repo COMMAND --help' tells more\n\n"
		   "Exit status:\n"
		   "  0   done\n"
		   "  1   error; clients see what they saw before\n"
		   "  2   the change is staged: signatures or the signer are missing\n"
		   "  3   status: something is due soon\n"
		   "  4   status: something has expired; verify: something is wrong\n"
		   "  64  wrong usage\n");
}

int main(int argc, char **argv)
{
	const struct rlimit none = {0, 0};

	/* A core file would hold keys and passphrases. */
	(void)!setrlimit(RLIMIT_CORE, &none);
	/* A signer or a reader that goes away must not end us in the middle. */
	signal(SIGPIPE, SIG_IGN);
	/* What is public can be read by the web server, whatever the umask; keys get 0600. */
	umask(022);
	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		usage(stdout);
		return SUT_EXIT_OK;
	}
	if (argc >= 2 && !strcmp(argv[1], "--version")) {
		printf("suture-repo %s\n", SUTURE_VERSION);
		return SUT_EXIT_OK;
	}
	for (size_t i = 0; argc >= 2 && i < SUT_ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "suture-repo: there is no command '%s'\n\n", argv[1]);
	usage(stderr);
	return SUT_EXIT_USAGE;
}
