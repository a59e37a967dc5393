/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a change says was published before it. Its description is the difference to that, so whoever
 * could make it up could have anything signed as "nothing else changes".
 */
#ifndef SUTURE_REPO_BASIS_H
#define SUTURE_REPO_BASIS_H

#include "change.h"

/*
 * Every file "before" must be signed by a threshold of the keys that its delegator before gives it, up to the
 * published root; every key must be under its own id, by which people know it. A change without a
 * published root must begin a repository.
 *
 * known (may be NULL) is a root that the signer has from elsewhere: the published one must be the same, or a later one
 * that a threshold of its keys signed. -EBADMSG or -EKEYREJECTED (reason "basis").
 */
int sut_basis_check(const struct sut_change *c, const struct sut_tuf_meta *known,
		    struct sut_err *err) _must_check_;

/* The published root as the file of it in public/metadata: its version, 0 when there is none, and its SHA-256. */
int sut_basis_root(const struct sut_change *c, int64_t *ret_version,
		   char ret_sha256[static SUT_DIGEST_HEX_MAX], struct sut_err *err) _must_check_;

#endif
