/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of suture-portal. argv[0] is the command's own name. */
#ifndef SUTURE_PORTAL_CMD_H
#define SUTURE_PORTAL_CMD_H

#include "base/err.h"
#include "conf.h"

/* Exit statuses of every command. */
enum {
	PORTAL_EXIT_OK = 0,
	PORTAL_EXIT_ERROR = 1,
	PORTAL_EXIT_USAGE = 64,
	PORTAL_EXIT_CONFIG = 78, /* sysexits.h: systemd does not try again */
};

int cmd_serve(int argc, char **argv);	/* cmd_serve.c */
int cmd_init(int argc, char **argv);	/* cmd_init.c */
int cmd_migrate(int argc, char **argv); /* cmd_migrate.c */
int cmd_backup(int argc, char **argv);	/* cmd_backup.c */
int cmd_doctor(int argc, char **argv);	/* cmd_doctor.c; has exit statuses of its own */
int cmd_restore(int argc, char **argv); /* cmd_backup.c */

/* "suture-portal NAME: message" on standard error. PORTAL_EXIT_CONFIG for what only another configuration
 * mends (reason "conf", "not-migrated"), else PORTAL_EXIT_ERROR. */
int cmd_fail(const char *name, const struct sut_err *err);
/* Defaults, and what the file says. */
int cmd_conf(const char *path, struct portal_conf *ret, struct sut_err *err) _must_check_;
/* Refuses (-EPERM) to make files as root in the folder of a SQLite database that is another user's: that user,
 * as which the portal runs, could not open them. */
int cmd_right_user(const char *database, struct sut_err *err) _must_check_;

#endif
