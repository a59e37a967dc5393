/* SPDX-License-Identifier: Apache-2.0 */
/* What the signer gives up before it reads its first request. Before its first key: sut_sandbox_begin(). */
#ifndef SUTURE_REPO_SIGNER_SANDBOX_H
#define SUTURE_REPO_SIGNER_SANDBOX_H

#include "base/err.h"

/*
 * From here on: files only below metadata (read) and state (read and write) where the kernel has Landlock
 * (1 without it); and only the system calls that requests need, anything else kills the process.
 */
int signer_sandbox_enter(const char *metadata, const char *state, struct sut_err *err) _must_check_;

#endif
