/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The private keys of snapshot and timestamp, in memory that is never written to swap or to a core
 * file, and what is signed with them.
 */
#ifndef SUTURE_REPO_SIGNER_ONLINE_H
#define SUTURE_REPO_SIGNER_ONLINE_H

#include <jansson.h>

#include "base/str.h"
#include "crypto/key.h"
#include "tuf/meta.h"

struct sut_online_keys {
	struct {
		struct sut_privkey *priv;
		struct sut_pubkey *pub;
	} * v;
	size_t n;
};

/* Makes OpenSSL keep private keys in locked memory with guard pages around. Once, before the first
 * key is read. -EPERM (the caller may go on) when RLIMIT_MEMLOCK is too small. */
int sut_online_lock_memory(struct sut_err *err) _must_check_;

/*
 * Files of private keys, not encrypted. Each must be a regular file (no symbolic link) that belongs to this
 * user or to root, and that nobody else can read: -EPERM (reason "permissions"). The same key twice is -EEXIST.
 */
int sut_online_keys_read(const struct sut_strv *files, struct sut_online_keys *ret,
			 struct sut_err *err) _must_check_;
void sut_online_keys_release(struct sut_online_keys *k);

/* Do we have enough keys of this role of the root? -ENOKEY (reason "keys") says which are asked for. */
int sut_online_keys_check(const struct sut_online_keys *k, const struct sut_tuf_meta *root,
			  enum sut_tuf_type role, struct sut_err *err) _must_check_;

/* Adds {"signatures": …, "signed": signed} in canonical JSON, signed with every key that the
 * role has and we have. */
int sut_online_sign(const struct sut_online_keys *k, const struct sut_tuf_meta *root,
		    enum sut_tuf_type role, json_t *signed_part, struct sut_buf *out,
		    struct sut_err *err) _must_check_;

/* Fresh pairs: DIR/snapshot.key, DIR/timestamp.key (0600) and .pub beside them. Never replaces one. */
int sut_online_generate(const char *dir, struct sut_err *err) _must_check_;

#endif
