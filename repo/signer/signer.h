/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the signer does for a request: reads and verifies the metadata folder, refuses what
 * goes back behind what it signed before, and signs snapshot and timestamp.
 */
#ifndef SUTURE_REPO_SIGNER_SIGNER_H
#define SUTURE_REPO_SIGNER_SIGNER_H

#include "signer/online.h"
#include "signer/protocol.h"
#include "signer/state.h"

struct sut_signer {
	const char *metadata; /* folder, only read */
	const char *dir;      /* of the state */
	int64_t snapshot_sec, timestamp_sec;
	int64_t (*now)(void); /* seconds since the epoch, UTC */
	struct sut_online_keys snapshot_keys, timestamp_keys;
	struct sut_signer_state state;
};

/*
 * Loads the state. The first time there is none: root is trusted, and what the folder
 * has and our keys signed is the floor, so that a signer that moved to a new machine goes
 * on where the old one ended. Refuses (-ENOKEY, reason "keys") when the keys are not those
 * of the current root. The other members are filled in by the caller.
 */
int sut_signer_start(struct sut_signer *s, const struct sut_buf *root,
		     struct sut_err *err) _must_check_;

/* Releases the keys and the state. */
void sut_signer_release(struct sut_signer *s);

/* data: one request without its length. *ret_answer: what goes into sut_signer_answer_format().
 * What was signed is in the state, on the disk, when this returns 0; on failure nothing has changed. */
int sut_signer_handle(struct sut_signer *s, const void *data, size_t len, json_t **ret_answer,
		      struct sut_err *err) _must_check_;

#endif
