/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suture.ko from the repository: kept beside the guard of the kernel build it was made for, as
 * AGENT_KERNELS/BUILDID/suture.ko and suture.ko.sig, so that a boot needs no network. Verified
 * each time before it is loaded.
 */
#ifndef SUTURE_AGENT_APPLY_ENGINE_H
#define SUTURE_AGENT_APPLY_ENGINE_H

#include "apply.h"

enum { ENGINE_MAX = 16 << 20 /* bytes */ };

/*
 * Takes it from two sealed memfds (stage.h), keeps it, and loads it. Reasons: "unsealed", "digest", those of
 * lib/patch/signature.h, "no-keys", "wrong-kernel", "abi", "engine-refused".
 */
int engine_take(struct apply *a, int ko_fd, int sig_fd, const char *sha256, const char *by,
		struct sut_err *err) _must_check_;

/* Is one kept for the running kernel? */
bool engine_is_kept(struct apply *a);

/* Loads the one that is kept, when none is loaded or installed. 0 also when none is kept. */
int engine_ready(struct apply *a, struct sut_err *err) _must_check_;

#endif
