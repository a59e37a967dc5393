/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that are shown once and stored hashed, and public names that tell nothing.
 *
 * A token is PREFIX_ and 43 characters of base64url (RFC 4648 section 5): 32 random bytes. Its prefix says what
 * it is for, so that people and secret scanners recognise it. Because it is random, SHA-256 is enough
 * of a hash.
 */
#ifndef SUTURE_AUTH_TOKEN_H
#define SUTURE_AUTH_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum sut_token_kind {
	SUT_TOKEN_KEY = 1, /* "sutkey_": registration key */
	SUT_TOKEN_SYSTEM,  /* "sutsys_": credential of a system */
	SUT_TOKEN_API,	   /* "sutapi_": API token */
	SUT_TOKEN_SESSION, /* "sutses_": a login */
	SUT_TOKEN_HOOK,	   /* "suthook_": signs webhooks */
	SUT_TOKEN_INSTALL, /* "sutins_": fetches the script that adds one server */
};

enum {
	SUT_TOKEN_MAX = 64, /* with NUL */
	SUT_TOKEN_HASH = 32,
	SUT_UID_LEN = 16, /* characters of a public id */
};

/* A fresh one. -EIO when there is no randomness. */
int sut_token_make(enum sut_token_kind kind, char ret[static SUT_TOKEN_MAX],
		   struct sut_err *err) _must_check_;
/* Its kind; 0 for what is no token. */
enum sut_token_kind sut_token_kind(const char *s);
/* Of the whole text, prefix and all. */
void sut_token_hash(const char *s, uint8_t ret[static SUT_TOKEN_HASH]);
/* What may be shown of it: prefix and the first 4 characters, "sutkey_Ab3x…". */
void sut_token_hint(const char *s, char ret[static 16]);

/* A public id: 16 of 0-9 a-z without i l o u (80 random bits). Names systems, keys, users, … */
int sut_uid_make(char ret[static SUT_UID_LEN + 1], struct sut_err *err) _must_check_;
bool sut_uid_ok(const char *s);

#endif
