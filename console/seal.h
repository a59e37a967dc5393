/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of others that the console has to be able to use again (tokens, registration keys, job keys), kept so that
 * the database alone is of no use: AES-256-GCM with a key from a file that is no part of the database.
 *
 * A sealed value is 1 byte of version, 12 of nonce, the text encrypted, and 16 of tag. What it is for is
 * authenticated with it ("portal-token:7"), so that nobody who can write to the database puts one in the place of another.
 */
#ifndef SUTURE_CONSOLE_SEAL_H
#define SUTURE_CONSOLE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { SEAL_MORE = 29, SEAL_MAX = 64 << 10 /* bytes of a secret */ };

struct seal;

/* Makes the file with a fresh key, mode 0600; its folder has to be there. 1: there is one already, and it stays. */
int seal_make(const char *path, struct sut_err *err) _must_check_;

/* Reads it. Reason "seal": -ENOENT, -EPERM (others may read it), -EBADMSG (not a key); the message says what to do. */
int seal_open(const char *path, struct seal **ret, struct sut_err *err) _must_check_;
void seal_free(struct seal *s);
void seal_freep(struct seal **s);

/* Adds the sealed value to *out. purpose: of which it is the only one. */
int seal_put(const struct seal *s, const char *purpose, const void *secret, size_t len,
	     struct sut_buf *out, struct sut_err *err) _must_check_;

/* Adds the secret to *out; wipe it (base/secret.h). -EKEYREJECTED (reason "seal"): it was sealed with another key, for
 * another purpose, or was changed. */
int seal_get(const struct seal *s, const char *purpose, const void *sealed, size_t len,
	     struct sut_buf *out, struct sut_err *err) _must_check_;

#endif
