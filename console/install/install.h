/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line that an administrator pastes on a server, and the script that it fetches. The line has a token of its own: 32 random
 * bytes, of which only the hash is kept; it is good for INSTALL_VALID_S and until the system is there. The registration
 * key is never in the line: it comes in the script.
 */
#ifndef SUTURE_CONSOLE_INSTALL_INSTALL_H
#define SUTURE_CONSOLE_INSTALL_INSTALL_H

#include "console.h"

enum {
	INSTALL_VALID_S = 24 * 60 * 60,
	INSTALL_SCRIPT_MAX = 512 << 10, /* bytes of the script */
};

/*
 * In a WRITE transaction: the line for the enrolment of this row id; what it had before is no longer good. *ret is the
 * caller's, and a secret. -EINVAL (reason "install-not-configured"): the console has no `url`.
 */
int install_command(struct web_req *q, int64_t enrolment, char **ret,
		    struct sut_err *err) _must_check_;

/* GET /install/{token}: the script; when something is wrong with the token, one that says what and ends with 1. */
int install_answer(struct web_req *q, struct web_resp *r, const char *token,
		   struct sut_err *err) _must_check_;

#endif
