/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords: argon2id (RFC 9106) by libargon2, stored in the PHC string format "$argon2id$v=19$…".
 */
#ifndef SUTURE_AUTH_PASSWORD_H
#define SUTURE_AUTH_PASSWORD_H

#include <stdbool.h>

#include "base/err.h"

enum {
	SUT_PASSWORD_MIN = 12, /* characters (code points) */
	SUT_PASSWORD_BYTES_MAX = 1024,
	SUT_PASSWORD_HASH_MAX = 160, /* with NUL */
	/* Memory in KiB and passes: the second recommendation of RFC 9106 has 64 MiB and 3; this is
	 * OWASP's minimum of 19 MiB and 2, as several logins may run at once. */
	SUT_PASSWORD_KIB = 19456,
	SUT_PASSWORD_PASSES = 2,
};

/* -EINVAL (reason "weak-password") says why a new password is not taken: too short, too long, the
 * user's name, one of the most common ones, not UTF-8. */
int sut_password_check(const char *password, const char *user, struct sut_err *err) _must_check_;
/* Takes some 30 ms. */
int sut_password_hash(const char *password, char ret[static SUT_PASSWORD_HASH_MAX],
		      struct sut_err *err) _must_check_;
/* 1: it is this one; 0: it is not, or hash is NULL (takes as long: nobody can time which users exist).
 * *ret_weak (may be NULL): the hash has less cost than today's, make a new one. */
int sut_password_verify(const char *password, const char *hash, bool *ret_weak,
			struct sut_err *err) _must_check_;
/* A random one that can be typed: five groups of four. */
int sut_password_make(char ret[static 32], struct sut_err *err) _must_check_;

#endif
