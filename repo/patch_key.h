/* SPDX-License-Identifier: Apache-2.0 */
/* The key that signs patches and engines: named by repo.json, in keys/. */
#ifndef SUTURE_REPO_PATCH_KEY_H
#define SUTURE_REPO_PATCH_KEY_H

#include "keys.h"
#include "repo.h"

/* NULL, and err says what to do, when repo.json names none that is there. */
const struct sut_key *sut_patch_key_find(const struct sut_repo *r, struct sut_err *err);

/* Its private half. A passphrase is only asked for when the key does not open without one. */
int sut_patch_key_open(const struct sut_repo *r, const struct sut_key *k,
		       const char *passphrase_file, struct sut_privkey **ret,
		       struct sut_err *err) _must_check_;

/* The same from a file. prompt: what is shown when the passphrase is asked for. */
int sut_patch_key_open_file(const char *path, const char *passphrase_file, const char *prompt,
			    struct sut_privkey **ret, struct sut_err *err) _must_check_;

#endif
