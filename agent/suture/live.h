/* SPDX-License-Identifier: Apache-2.0 */
/* `suture info` without a file: what is applied. */
#ifndef SUTURE_AGENT_LIVE_H
#define SUTURE_AGENT_LIVE_H

#include <jansson.h>

#include "base/err.h"
#include "kernel/loaded.h"

/* The whole command; its exit status. */
int live_info(bool json);

/*
 * The patch file of what is applied, as suture-apply keeps it: for what its manifest says. -ENOENT when no patch is live or its
 * file is not kept; the file has the sha256 of the state.
 */
int live_open(const char *root, const json_t *state, struct sut_loaded **ret,
	      struct sut_err *err) _must_check_;

#endif
