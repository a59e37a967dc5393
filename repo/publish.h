/* SPDX-License-Identifier: Apache-2.0 */
/* How a change becomes what clients see: one rename. */
#ifndef SUTURE_REPO_PUBLISH_H
#define SUTURE_REPO_PUBLISH_H

#include "change.h"

/*
 * Publishes a change that has all its signatures (c NULL or empty: asks the signer for a fresh timestamp only).
 *
 * Verifies the roles with lib/tuf, writes target files and new metadata under names nobody
 * asks for yet, asks the signer for snapshot and timestamp, verifies all of it from the first root
 * on as a client would, and then writes the new root, the snapshot and, as the very last thing,
 * timestamp.json. Before that last rename clients see the old state, after it the new
 * one; only a new root is seen at once, and is good for both unless it changes online keys.
 * Whatever fails or is killed: the change is still pending, and publishing it again completes it.
 *
 *   -ENOKEY       (reason "signatures") not enough of them
 *   -ECONNREFUSED (reason "no-signer")
 */
int sut_publish(struct sut_repo *repo, struct sut_change *c, struct sut_err *err) _must_check_;

#endif
