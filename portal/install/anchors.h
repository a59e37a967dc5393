/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a freshly installed agent is to believe from its first day: beside the packages (install/packages.h) may lie
 * root.json (the root of the repository; else that of the portal's own repository-root), NAME.pub (who may sign patches)
 * and job-keys/NAME.pub (who may sign jobs). Only what is public is ever handed out: keys are parsed and written
 * anew, and a root has to be signed by itself.
 */
#ifndef SUTURE_PORTAL_INSTALL_ANCHORS_H
#define SUTURE_PORTAL_INSTALL_ANCHORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	ANCHORS_ROOT_MAX = 128 << 10, /* bytes of root.json */
	ANCHORS_KEYS_MAX = 64 << 10,  /* bytes of `keys` */
};

struct anchors {
	struct sut_buf root; /* root.json; empty: none */
	struct sut_buf keys; /* lines of: folder ("keys.d", "job-keys.d"), name, key in base64 */
	size_t nkeys, njob_keys;
};

#define ANCHORS_INIT                                                                               \
	{                                                                                          \
		SUT_BUF_INIT(ANCHORS_ROOT_MAX), SUT_BUF_INIT(ANCHORS_KEYS_MAX), 0, 0               \
	}
#define _cleanup_anchors_ _cleanup_(anchors_release)

/*
 * Fills *ret (ANCHORS_INIT). folder, repository_root: NULL for none. What is not there is no error; one that is damaged, or
 * that others than root and the caller may change, is: half of it would make agents that believe nobody.
 */
int anchors_read(const char *folder, const char *repository_root, int64_t now, struct anchors *ret,
		 struct sut_err *err) _must_check_;
void anchors_release(struct anchors *a);

#endif
