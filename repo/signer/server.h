/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket of the signer: who may ask, and one loop over all connections in which none can
 * hold up the others: each has SUT_SERVER_SECONDS for its request and as long again to take
 * the answer.
 */
#ifndef SUTURE_REPO_SIGNER_SERVER_H
#define SUTURE_REPO_SIGNER_SERVER_H

#include <signal.h>

#include "signer/config.h"
#include "signer/signer.h"

enum { SUT_SERVER_CONNECTIONS = 16, SUT_SERVER_SECONDS = 10 };

/* The socket of config, bound with mode 0660 and its group; or the one that systemd hands over
 * (LISTEN_FDS, LISTEN_PID). What another run left at the path is replaced; a signer that still listens
 * there is -EADDRINUSE. */
int sut_server_listen(const struct sut_signer_config *c, int *ret_fd,
		      struct sut_err *err) _must_check_;

/* May the process at the other end ask? By its user, its group and its further groups.
 * -EACCES (reason "permission"); *ret_uid is set in any case. */
int sut_server_check_peer(int fd, const struct sut_signer_allowed *a, uid_t *ret_uid,
			  struct sut_err *err) _must_check_;

struct sut_server_opts {
	const struct sut_signer_allowed *allowed;
	unsigned int seconds; /* 0: SUT_SERVER_SECONDS */
	/* One line for the log, without newline. */
	void (*log)(const char *line);
	volatile sig_atomic_t *stop; /* not 0: end. Set by handlers of blocked signals */
	const sigset_t *unblocked;   /* the mask while waiting */
};

/* Serves until *stop. fd is listening. */
int sut_server_run(int fd, struct sut_signer *s, const struct sut_server_opts *o,
		   struct sut_err *err) _must_check_;

#endif
