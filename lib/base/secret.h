/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that people give: wiped when they are no longer needed, read from a file or asked on the terminal.
 */
#ifndef SUTURE_BASE_SECRET_H
#define SUTURE_BASE_SECRET_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum { SUT_SECRET_MAX = 1024 }; /* bytes of what is typed or read */

/* Wipes and frees a buffer that held a secret. */
void sut_secret_release(struct sut_buf *b);
#define _cleanup_secret_ _cleanup_(sut_secret_release)

struct sut_secret_ask {
	const char *word;   /* what messages call it: "passphrase" */
	const char *prompt; /* what the terminal shows: "Passphrase of the keys" */
	const char
		*file; /* its first line is the secret; NULL: ask on the terminal, without echo */
	const char *advice; /* how to give a file, when there is no terminal */
	bool confirm;	    /* ask twice */
};

/*
 * Adds the secret, 1 to SUT_SECRET_MAX bytes, to *ret. It is the program that asks: this is the one
 * place of a library that speaks to /dev/tty. -ENOTTY without a terminal, -EINTR when control-C was
 * typed, -EINVAL when it is empty, too long, or differs the second time; what reading the file gives.
 */
int sut_secret_get(const struct sut_secret_ask *a, struct sut_buf *ret,
		   struct sut_err *err) _must_check_;

#endif
