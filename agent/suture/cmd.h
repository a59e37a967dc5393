/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of suture. argv[0] is the subcommand's own name. */
#ifndef SUTURE_AGENT_CMD_H
#define SUTURE_AGENT_CMD_H

#include "kernel/exit.h"

int cmd_apply(int argc, char **argv);  /* cmd_apply.c */
int cmd_revert(int argc, char **argv); /* cmd_revert.c */
int cmd_status(int argc, char **argv); /* cmd_status.c */
int cmd_info(int argc, char **argv);   /* cmd_info.c */
int cmd_verify(int argc, char **argv); /* cmd_verify.c */

#endif
