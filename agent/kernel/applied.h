/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `suture status` cannot ask the engine: which file the applied patch was and
 * who vouched for it. Written by apply, removed by revert; /run is empty after a boot.
 * It is for people to read. Nothing is decided by it.
 */
#ifndef SUTURE_AGENT_APPLIED_H
#define SUTURE_AGENT_APPLIED_H

#include <stdint.h>

#include "crypto/sha256.h"
#include "trust.h"
#include "uapi/suture.h"

#define SUT_APPLIED_FILE "/run/suture/applied.json"

enum { SUT_APPLIED_MAX = 64 << 10 };

struct sut_applied {
	char id[SUTURE_ID_MAX];
	uint64_t level,
		applied_at; /* as the engine has them: a record of another switch is stale */
	char sha256[SUT_SHA256_HEX]; /* of the patch file */
	struct sut_trust trust;
};

/* -EBADMSG when it is not such a record. */
int sut_applied_parse(const void *text, size_t len, struct sut_applied *ret,
		      struct sut_err *err) _must_check_;

/* -ENOENT when there is no record. */
int sut_applied_read(const char *path, struct sut_applied *ret, struct sut_err *err) _must_check_;
int sut_applied_write(const char *path, const struct sut_applied *a,
		      struct sut_err *err) _must_check_;

#endif
