// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "cmd/cmd.h"

static void usage(const struct server_program *p, const struct server_command *v, size_t n, FILE *f)
{
	fprintf(f, "usage: %s COMMAND [OPTION]...\n\n", p->name);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "  %-9s %s\n", v[i].name, v[i].help);
	fprintf(f,
		"\n  --version, --help; '%s COMMAND --help' tells more\n\n"
		"Exit status:\n"
		"  0   done; doctor: all is well\n"
		"  1   error; doctor: something needs attention\n"
		"  2   doctor: something is broken\n"
		"  64  wrong usage\n"
		"  78  the settings are wrong, or the database needs '%s migrate'\n",
		p->name, p->name);
}

int server_main(const struct server_program *p, const struct server_command *v, size_t n, int argc,
		char **argv)
{
	const struct rlimit none = {0, 0};

	/* A core file would hold tokens and passwords. */
	(void)!setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
	umask(027);
	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		usage(p, v, n, stdout);
		return SERVER_EXIT_OK;
	}
	if (argc >= 2 && !strcmp(argv[1], "--version")) {
		printf("%s %s\n", p->name, SUTURE_VERSION);
		return SERVER_EXIT_OK;
	}
	for (size_t i = 0; argc >= 2 && i < n; i++)
		if (!strcmp(argv[1], v[i].name))
			return v[i].own ? v[i].own(argc - 1, argv + 1)
					: v[i].common(p, argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "%s: there is no command '%s'\n\n", p->name, argv[1]);
	usage(p, v, n, stderr);
	return SERVER_EXIT_USAGE;
}
