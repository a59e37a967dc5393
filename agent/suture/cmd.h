/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of suture. argv[0] is the subcommand's own name. */
#ifndef SUTURE_AGENT_CMD_H
#define SUTURE_AGENT_CMD_H

/* Exit statuses of every subcommand. */
enum {
	SUT_EXIT_OK = 0,
	SUT_EXIT_ERROR = 1,	  /* anything not named below; the kernel is as it was */
	SUT_EXIT_BUSY = 2,	  /* tasks kept running the old code; try again later */
	SUT_EXIT_NOT_FOR_US = 3,  /* the patch is for another kernel */
	SUT_EXIT_CONFLICT = 4,	  /* the running code differs, or somebody else changes it */
	SUT_EXIT_NOT_TRUSTED = 5, /* nobody this machine trusts vouches for the patch */
	SUT_EXIT_USAGE = 64,
};

int cmd_apply(int argc, char **argv);  /* cmd_apply.c */
int cmd_revert(int argc, char **argv); /* cmd_revert.c */
int cmd_status(int argc, char **argv); /* cmd_status.c */
int cmd_info(int argc, char **argv);   /* cmd_info.c */
int cmd_verify(int argc, char **argv); /* cmd_verify.c */

#endif
