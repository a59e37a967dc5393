/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of suture-build. argv[0] is the subcommand's own name. */
#ifndef SUTURE_BUILDER_CMD_H
#define SUTURE_BUILDER_CMD_H

/* Exit statuses of every subcommand. */
enum {
	SUT_EXIT_OK = 0,
	SUT_EXIT_ERROR = 1,	  /* anything not named below */
	SUT_EXIT_UNPATCHABLE = 2, /* the fix cannot be applied live; a reason is given */
	SUT_EXIT_PROOF = 3,	  /* the compiled code is not that of the target */
};

int cmd_target(int argc, char **argv);	/* target/cmd_target.c */
int cmd_fix(int argc, char **argv);	/* fix/cmd_fix.c */
int cmd_kernel(int argc, char **argv);	/* kernel/cmd_kernel.c */
int cmd_library(int argc, char **argv); /* library/cmd_library.c */
int cmd_prove(int argc, char **argv);	/* prove/cmd_prove.c */
int cmd_engine(int argc, char **argv);	/* engine/cmd_engine.c */
int cmd_try(int argc, char **argv);	/* try/cmd_try.c */

#endif
