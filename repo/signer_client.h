/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks suture-signer, which holds the online keys, for snapshot and timestamp
 * (docs/formats/signer.md). The signer reads the metadata folder itself and signs
 * what it finds right, not what it is told.
 *
 * A change is published in this order:
 *   1. N.ROLE.json of every changed role is written into the metadata folder under its immutable name
 *      (nobody refers to it yet);
 *   2. sut_signer_snapshot() names these versions;
 *   3. N.snapshot.json and, when there is one, N.root.json are written;
 *   4. timestamp.json is replaced.
 * Between 2 and 4 a run may die: run again from 1, the signer then makes the next versions. It keeps
 * what it signed, so from 2 on a change can no longer be abandoned: a role never gets a lower
 * version again. sut_signer_status() tells the versions it has signed.
 */
#ifndef SUTURE_REPO_SIGNER_CLIENT_H
#define SUTURE_REPO_SIGNER_CLIENT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define SUT_SIGNER_SOCKET "/run/suture-signer/signer.sock" /* when nothing else is said */

/* "targets" or a delegated role, and the version that is to be in the snapshot. */
struct sut_signer_role {
	const char *name;
	int64_t version;
};

/* What is to be written, byte for byte. The snapshot is that of the timestamp; after
 * sut_signer_timestamp() it may be one that is published already, and writing it again is harmless. */
struct sut_signer_docs {
	struct sut_buf snapshot;
	int64_t snapshot_version; /* file name: VERSION.snapshot.json */
	struct sut_buf timestamp;
	int64_t timestamp_version;
};

/*
 * A new snapshot and timestamp. roles: those that changed, each version not lower than one signed
 * before; the others keep the version they have. New delegated roles must be named. root (may be NULL): the next
 * version of root, which is not in the metadata folder yet.
 *   -ECONNREFUSED, -ENOENT  no signer there (reason "no-signer")
 *   -EACCES                 this user may not ask it (reason "permission")
 *   -ETIMEDOUT
 *   -EBADMSG                it refused; reason and message are the signer's: "rollback",
 *                           "missing", "signatures", "expired", "format", "keys", "state"
 *   -EPROTO                 what it said is no answer
 */
int sut_signer_snapshot(const char *socket, const struct sut_signer_role *roles, size_t nroles,
			const struct sut_buf *root, struct sut_signer_docs *ret,
			struct sut_err *err) _must_check_;

/* A new timestamp of the last snapshot, or of a new one when that has lived half of its time. */
int sut_signer_timestamp(const char *socket, struct sut_signer_docs *ret,
			 struct sut_err *err) _must_check_;

/* The answer to "status", one object; one reference for the caller. */
int sut_signer_status(const char *socket, json_t **ret, struct sut_err *err) _must_check_;

void sut_signer_docs_release(struct sut_signer_docs *d);
#define _cleanup_signer_docs_ _cleanup_(sut_signer_docs_release)

#endif
