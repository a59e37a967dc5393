/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Detached signatures in minisign's format (https://jedisct1.github.io/minisign/).
 *
 * Written is always the prehashed form, "ED": Ed25519 of the BLAKE2b-512 of the
 * file, and a second, global signature over the first one and the trusted
 * comment. Only that form is accepted: the old form, "Ed", is refused, so that
 * a signature means one thing.
 *
 * Lines end in '\n', which the last one may lack; '\r' is refused. Comments, trusted or not, are
 * printable UTF-8: no control characters but tabs, no line separators, no bidirectional controls.
 */
#ifndef SUTURE_CRYPTO_MINISIGN_H
#define SUTURE_CRYPTO_MINISIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/key.h"

enum {
	SUT_MINISIGN_KEYNUM = 8,
	SUT_MINISIGN_COMMENT_MAX = 1024, /* bytes of a comment, without prefix and NUL */
	SUT_MINISIGN_FILE_MAX = 4096,	 /* bytes of a .sig or .pub file */
};

struct sut_minisign_pub {
	uint8_t keynum[SUT_MINISIGN_KEYNUM]; /* tells keys apart; no secret, no proof */
	uint8_t key[SUT_ED25519_LEN];
};

struct sut_minisign_sig {
	uint8_t keynum[SUT_MINISIGN_KEYNUM];
	uint8_t sig[SUT_ED25519_SIG_LEN];
	uint8_t global[SUT_ED25519_SIG_LEN];
	char trusted[SUT_MINISIGN_COMMENT_MAX + 1]; /* printable UTF-8 and tabs */
};

/* Two lines: an untrusted comment and the key in base64. -EBADMSG says what is
 * wrong. Strict: nothing before, between or after, canonical base64. */
int sut_minisign_pub_parse(const void *text, size_t len, struct sut_minisign_pub *ret,
			   struct sut_err *err) _must_check_;
/* -EINVAL when the comment breaks the rules above. */
int sut_minisign_pub_format(const struct sut_minisign_pub *p, const char *comment,
			    struct sut_buf *out, struct sut_err *err) _must_check_;

/* The public half of an Ed25519 key; the key number is the first 8 bytes of
 * the SHA-256 of the raw public key, so one key always has one number. */
int sut_minisign_pub_of(const struct sut_pubkey *k, struct sut_minisign_pub *ret,
			struct sut_err *err) _must_check_;

/* Four lines. -EBADMSG says what is wrong. The strings are not trusted before
 * sut_minisign_verify() has returned 0. */
int sut_minisign_sig_parse(const void *text, size_t len, struct sut_minisign_sig *ret,
			   struct sut_err *err) _must_check_;

/* Both signatures. -ENOKEY when the key numbers differ, -EKEYREJECTED when a
 * signature is not good. */
int sut_minisign_verify(const struct sut_minisign_pub *p, const struct sut_minisign_sig *s,
			const void *data, size_t len, struct sut_err *err) _must_check_;

/* Adds the four lines to *out. -EINVAL when a comment breaks the rules above or k is not an Ed25519
 * key. */
int sut_minisign_sign(const struct sut_privkey *k, const char *untrusted, const char *trusted,
		      const void *data, size_t len, struct sut_buf *out,
		      struct sut_err *err) _must_check_;

#endif
