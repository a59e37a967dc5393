/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder of keys: NAME.pub is a public key in PEM, NAME.key (0600) the private one when it is kept
 * here. The name of a file is the name people use; metadata knows a key by its id.
 */
#ifndef SUTURE_REPO_KEYS_H
#define SUTURE_REPO_KEYS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "crypto/digest.h"
#include "crypto/key.h"

struct sut_key {
	char *name;
	char id[SUT_DIGEST_HEX_MAX]; /* TUF key id, 64 digits */
	struct sut_pubkey *pub;
	json_t *json;	  /* the key object of metadata */
	bool has_private; /* NAME.key is there */
};

struct sut_keys {
	struct sut_key *v; /* in the order of their names */
	size_t n;
};

enum { SUT_KEYS_MAX = 1024 };

/* Every NAME.pub of the folder. A folder that is not there has none. A file that is no
 * public key is an error that names it. */
int sut_keys_read(const char *dir, struct sut_keys *ret, struct sut_err *err) _must_check_;
void sut_keys_release(struct sut_keys *k);

/* By name or by key id (whole, or the first 8 digits or more when no other has them). NULL when there is none. */
const struct sut_key *sut_keys_find(const struct sut_keys *k, const char *name_or_id);

/* Writes dir/NAME.key (0600) and dir/NAME.pub of a fresh pair, the folder with 0700. Never replaces
 * one: -EEXIST. passphrase NULL: not encrypted. */
int sut_key_generate(const char *dir, const char *name, enum sut_key_type type,
		     const char *passphrase, struct sut_err *err) _must_check_;

/* dir/NAME.key. -EPERM when others can read the file; -EKEYREJECTED (reason "passphrase"). */
int sut_key_private(const char *dir, const char *name, const char *passphrase,
		    struct sut_privkey **ret, struct sut_err *err) _must_check_;

/* The same of any file; *ret_id is the TUF key id. */
int sut_key_private_file(const char *path, const char *passphrase, struct sut_privkey **ret,
			 char ret_id[static SUT_DIGEST_HEX_MAX], struct sut_err *err) _must_check_;

const char *sut_key_type_word(enum sut_key_type t); /* "ed25519", "ecdsa", "rsa" */
int sut_key_type_parse(const char *word, enum sut_key_type *ret, struct sut_err *err) _must_check_;

/* The passphrase: the first line of a file, or (file NULL) asked on the terminal without echo; twice when
 * confirm. The buffer is to be released with sut_secret_release(). -ENOTTY without a terminal. */
int sut_passphrase_get(const char *file, const char *prompt, bool confirm, struct sut_buf *ret,
		       struct sut_err *err) _must_check_;

#endif
