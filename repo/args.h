/* SPDX-License-Identifier: Apache-2.0 */
/* Options that all commands understand, and the way they begin. */
#ifndef SUTURE_REPO_ARGS_H
#define SUTURE_REPO_ARGS_H

#include <getopt.h>

#include "change.h"
#include "cmd.h"

enum { ARG_REPO = 256, ARG_PASSPHRASE, ARG_STAGE, ARG_HELP, ARG_OWN /* a command's own */ };

/* For the array of getopt_long(). */
#define ARGS_REPO                                                                                  \
	{"repo", required_argument, NULL, ARG_REPO},                                               \
	{                                                                                          \
		"help", no_argument, NULL, ARG_HELP                                                \
	}
#define ARGS_CHANGE                                                                                \
	ARGS_REPO, {"passphrase-file", required_argument, NULL, ARG_PASSPHRASE},                   \
	{                                                                                          \
		"stage", no_argument, NULL, ARG_STAGE                                              \
	}

#define ARGS_REPO_HELP "  --repo DIR              the repository; default: the current folder\n"
#define ARGS_CHANGE_HELP                                                                           \
	ARGS_REPO_HELP                                                                             \
	"  --passphrase-file FILE  passphrase of the keys: the first line of FILE;\n"              \
	"                          default: asked on the terminal\n"                               \
	"  --stage                 only put it into the pending change; sign and publish later\n"

struct args {
	const char *name;  /* of the command, for messages */
	const char *usage; /* whole text of --help */
	const char *repo;
	struct cmd_finish finish;
};

#define ARGS(n, u)                                                                                 \
	{                                                                                          \
		.name = (n), .usage = (u), .repo = "."                                             \
	}

/* Takes an option that is not the command's own. Returns true to go on; else the command ends with *ret_exit. */
bool args_common(struct args *a, int opt, int *ret_exit);

/* "wrong usage" and the usage on standard error; SUT_EXIT_USAGE. */
int args_usage(const struct args *a, const char *why);

/* Opens the repository, and (when ret_change is not NULL) its pending change. Prints on failure: an exit status; 0
 * when it is open. Says so when a change is pending already. */
int args_open(const struct args *a, struct sut_repo **ret, struct sut_change **ret_change);

#endif
