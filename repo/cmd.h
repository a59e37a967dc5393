/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of suture-repo, and what they share. argv[0] is the subcommand's own name. */
#ifndef SUTURE_REPO_CMD_H
#define SUTURE_REPO_CMD_H

#include <stdbool.h>

#include "base/err.h"

struct sut_repo;
struct sut_change;

/* Exit statuses of every subcommand. */
enum {
	SUT_EXIT_OK = 0,
	SUT_EXIT_ERROR = 1,   /* nothing was published */
	SUT_EXIT_STAGED = 2,  /* the change is staged; it needs signatures or the signer */
	SUT_EXIT_WARNING = 3, /* status: something expires soon, or a change is pending */
	SUT_EXIT_ALARM = 4,   /* status: something has expired; verify: the tree is damaged */
	SUT_EXIT_USAGE = 64,
};

int cmd_init(int argc, char **argv);	    /* cmd_init.c */
int cmd_key(int argc, char **argv);	    /* cmd_key.c */
int cmd_delegate(int argc, char **argv);    /* cmd_delegate.c */
int cmd_undelegate(int argc, char **argv);  /* cmd_delegate.c */
int cmd_sign(int argc, char **argv);	    /* cmd_sign.c */
int cmd_publish(int argc, char **argv);	    /* cmd_publish.c */
int cmd_abandon(int argc, char **argv);	    /* cmd_publish.c */
int cmd_show_change(int argc, char **argv); /* cmd_publish.c */
int cmd_release(int argc, char **argv);	    /* cmd_release.c */
int cmd_release_engine(int argc, char **argv);
int cmd_sign_patch(int argc, char **argv);    /* cmd_release.c */
int cmd_withdraw(int argc, char **argv);      /* cmd_withdraw.c */
int cmd_list(int argc, char **argv);	      /* cmd_list.c */
int cmd_stop(int argc, char **argv);	      /* cmd_stop.c */
int cmd_timestamp(int argc, char **argv);     /* cmd_stop.c */
int cmd_renew(int argc, char **argv);	      /* cmd_renew.c */
int cmd_status(int argc, char **argv);	      /* cmd_status.c */
int cmd_verify(int argc, char **argv);	      /* cmd_verify.c */
int cmd_export_root(int argc, char **argv);   /* cmd_verify.c */
int cmd_module_key(int argc, char **argv);    /* cmd_module.c */
int cmd_sign_module(int argc, char **argv);   /* cmd_module.c */
int cmd_verify_module(int argc, char **argv); /* cmd_module.c */

/* What every command that changes the repository takes. */
struct cmd_finish {
	const char *
		passphrase_file; /* --passphrase-file; NULL: asked on the terminal, if there is one */
	bool stage;		 /* --stage: do not sign or publish, more is to follow */
};

/*
 * The end of every command that changes the repository: saves the change, signs it with the keys in DIR/keys
 * that open, and publishes it when nothing is missing; otherwise says who must sign.
 * Prints, and returns an exit status.
 */
int cmd_finish(struct sut_repo *repo, struct sut_change *c, const struct cmd_finish *f);

/* "suture-repo NAME: message" on standard error; SUT_EXIT_ERROR. */
int cmd_fail(const char *name, const struct sut_err *err);

#endif
