/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of suture-console that are its own. argv[0] is the command's own name. */
#ifndef SUTURE_CONSOLE_CMD_H
#define SUTURE_CONSOLE_CMD_H

#include "cmd/cmd.h"

int cmd_doctor(int argc, char **argv); /* cmd_doctor.c; has exit statuses of its own */
int cmd_import(int argc, char **argv); /* cmd_import.c */
int cmd_init(int argc, char **argv);   /* cmd_init.c */

#endif
