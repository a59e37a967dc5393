/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that all servers have: backup, init, migrate, restore, serve. Unlike the rest of lib/ this is the front of a program, so it
 * prints. argv[0] is the command's own name.
 */
#ifndef SUTURE_CMD_CMD_H
#define SUTURE_CMD_CMD_H

#include "base/err.h"
#include "web/server.h"

/* Exit statuses of every command. */
enum {
	SERVER_EXIT_OK = 0,
	SERVER_EXIT_ERROR = 1,
	SERVER_EXIT_USAGE = 64,
	SERVER_EXIT_CONFIG = 78, /* sysexits.h: systemd does not try again */
};

int server_cmd_backup(const struct server_program *p, int argc, char **argv);
int server_cmd_init(const struct server_program *p, int argc, char **argv);
int server_cmd_migrate(const struct server_program *p, int argc, char **argv);
int server_cmd_restore(const struct server_program *p, int argc, char **argv);
int server_cmd_serve(const struct server_program *p, int argc, char **argv);

struct server_command {
	const char *name, *help;
	/* One of the two. argv[0] is the command's own name. */
	int (*own)(int argc, char **argv);
	int (*common)(const struct server_program *p, int argc, char **argv);
};

/* What main() returns: runs the command that argv names, or says which there are. No core files, no SIGPIPE, umask 027. */
int server_main(const struct server_program *p, const struct server_command *v, size_t n, int argc,
		char **argv);

/* "suture-portal NAME: message" on standard error. SERVER_EXIT_CONFIG for what only another configuration
 * mends (reason "conf", "not-migrated"), else SERVER_EXIT_ERROR. */
int cmd_fail(const struct server_program *p, const char *name, const struct sut_err *err);
/* Defaults, and what the file says, into a record of p->conf->size bytes. */
int cmd_conf(const struct server_program *p, const char *path, struct server_conf *ret,
	     struct sut_err *err) _must_check_;
/* The same into a new record; free it by cmd_conf_free(). */
int cmd_conf_new(const struct server_program *p, const char *path, struct server_conf **ret,
		 struct sut_err *err) _must_check_;
void cmd_conf_free(const struct server_program *p, struct server_conf *c);
/* Refuses (-EPERM) to make files as root in the folder of a SQLite database that is another user's: that user,
 * as which the server runs, could not open them. */
int cmd_right_user(const struct server_program *p, const char *database,
		   struct sut_err *err) _must_check_;

#endif
