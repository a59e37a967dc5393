/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of suture-portal that are its own; the others are in lib/cmd. argv[0] is the command's own name. */
#ifndef SUTURE_PORTAL_CMD_H
#define SUTURE_PORTAL_CMD_H

#include "cmd/cmd.h"
#include "conf.h"

int cmd_doctor(int argc, char **argv); /* cmd_doctor.c; has exit statuses of its own */

#endif
