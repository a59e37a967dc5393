/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for when a patch is built, of a kernel or of a library. */
#ifndef SUTURE_BUILDER_FRONT_REQUEST_H
#define SUTURE_BUILDER_FRONT_REQUEST_H

#include "crypto/sha256.h"
#include "fixset/fixset.h"
#include "target/progress.h"

enum { SUT_REQUEST_ID_MAX = 64 };

struct sut_request {
	const char *const *fixes; /* paths */
	size_t nfixes;
	uint32_t level;
	const char *id;		 /* NULL: made from the contents */
	const char *const *cves; /* ends with NULL */
	const char *const *busy; /* ends with NULL */
	const char *scratch;	 /* a folder of its own; the caller removes it */
	const struct sut_progress *progress;
};

/*
 * The name of the patch: the one that was asked for, or local ("local-") and the beginning of hex, which is the digest of
 * all that it is made from: the same input gives the same name. cves: those of the request, with spaces between; build_id is of the target.
 */
int sut_request_name(const struct sut_request *q, const char *local, const struct sut_fixset *fixes,
		     const uint8_t *build_id, size_t build_id_len,
		     char id[static SUT_REQUEST_ID_MAX], char hex[static SUT_SHA256_HEX],
		     struct sut_buf *cves, struct sut_err *err) _must_check_;

#endif
