/* SPDX-License-Identifier: Apache-2.0 */
/* What is to run: patches by build-id, and who is left alone. Made by one `set`, never changed, shared by all threads. */
#ifndef SUTURE_PROCESS_SERVE_WANTED_H
#define SUTURE_PROCESS_SERVE_WANTED_H

#include <stdatomic.h>

#include "change/engine.h"
#include "serve/exclude.h"

enum { WANTED_MAX = 256 };

struct wanted_patch {
	struct proc_patch *patch;
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
	char hex[2 * SUT_LIBRARY_BUILD_ID_LEN + 1], sha256[65];
	const char *id, *name, *file; /* of the manifest */
	uint32_t level;
};

struct wanted {
	atomic_uint users;
	struct wanted_patch v[WANTED_MAX]; /* by build_id */
	size_t n;
	struct exclude exclude;
	bool init;
};

/* Empty, for its caller. */
struct wanted *wanted_new(void);
struct wanted *wanted_ref(struct wanted *w);
void wanted_unref(struct wanted *w);
void wanted_unrefp(struct wanted **w);

/* fd: a sealed memfd with a patch file; sha256: what it must be, hexadecimal. -EPERM (not sealed), -EBADMSG, -EEXIST (two for one
 * build-id), -E2BIG. */
int wanted_add(struct wanted *w, int fd, const char *sha256, struct sut_err *err) _must_check_;

/* NULL when nothing is wanted for that build-id. */
const struct wanted_patch *wanted_find(const struct wanted *w,
				       const uint8_t build_id[static SUT_LIBRARY_BUILD_ID_LEN]);

#endif
