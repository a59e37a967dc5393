/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pending change put aside, so that an emergency does not wait for its signatures: DIR/staged
 * becomes DIR/staged.aside, and comes back once nothing is pending.
 */
#ifndef SUTURE_REPO_ASIDE_H
#define SUTURE_REPO_ASIDE_H

#include "change.h"

/* May it be put aside? Not when it is empty, when it has begun to be published, when it is only about
 * `role` (then one edits it), or when another one is aside already. */
int sut_aside_possible(const struct sut_change *c, const char *role, bool *ret,
		       struct sut_err *err) _must_check_;

/* The change that was open is to be freed, and opened anew. */
int sut_aside_put(struct sut_repo *repo, struct sut_err *err) _must_check_;

/* Brings back what is aside when nothing is pending. Returns 1 when it did. */
int sut_aside_back(struct sut_repo *repo, struct sut_err *err) _must_check_;

#endif
