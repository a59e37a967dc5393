/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of suture-process. argv[0] is the subcommand's own name. */
#ifndef SUTURE_PROCESS_CMD_H
#define SUTURE_PROCESS_CMD_H

#include "change/engine.h"

/* Exit statuses of every subcommand. */
enum {
	PROCESS_EXIT_OK = 0,
	PROCESS_EXIT_ERROR = 1,
	PROCESS_EXIT_BUSY = 2,	      /* not now: trying again may help */
	PROCESS_EXIT_UNSUPPORTED = 3, /* not this process, ever */
	PROCESS_EXIT_MISMATCH = 4,    /* the code in memory is not what the patch was made for */
	PROCESS_EXIT_USAGE = 64,
};

/* The exit status for what the engine returned. */
int cmd_status(int r);
int cmd_load(const char *path, struct proc_patch **ret, struct sut_err *err) _must_check_;
/* Text of a process, for a terminal. */
void cmd_print_text(const char *s);

int cmd_info(int argc, char **argv);
/* cmd_change.c */
int cmd_apply(int argc, char **argv);
int cmd_revert(int argc, char **argv);
int cmd_repair(int argc, char **argv);
/* serve/cmd_serve.c */
int cmd_serve(int argc, char **argv);

#endif
