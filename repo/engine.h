/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suture.ko in the metadata: the target kernel/BUILDID/suture.ko, one for each kernel build, with its signature
 * beside it. For servers that have no engine of their own.
 */
#ifndef SUTURE_REPO_ENGINE_H
#define SUTURE_REPO_ENGINE_H

#include "change.h"
#include "patch/signature.h"

enum { SUT_ENGINE_FILE_MAX = 16 << 20 }; /* bytes of suture.ko */

struct sut_engine_file {
	struct sut_buf data, sig;
	struct sut_patch_claim
		claim; /* name: suture-VERSION, level: its ABI; time is the caller's */
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1];
	char version[48];
	char sha256[SUT_SHA256_HEX];
};

/* What a kernel module says of itself (.modinfo): must be suture.ko, made by 'suture-build engine'. Errors name the file. */
int sut_engine_file_open(const char *path, struct sut_engine_file *ret,
			 struct sut_err *err) _must_check_;
void sut_engine_file_close(struct sut_engine_file *f);

/* Adds file, signature and entry to the change. -EALREADY: it is released already. */
int sut_engine_file_add(struct sut_change *c, const struct sut_engine_file *f,
			struct sut_err *err) _must_check_;

#endif
