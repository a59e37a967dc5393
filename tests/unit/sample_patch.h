/* SPDX-License-Identifier: Apache-2.0 */
/* A small well-formed patch for the tests of everything that reads patches. */
#ifndef SUTURE_TESTS_SAMPLE_PATCH_H
#define SUTURE_TESTS_SAMPLE_PATCH_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "patch/container.h"

#define SAMPLE_BUILD_ID "6d1c0a52d53fbbd2a1d2a4b1c8ae2ecf43fb2a61"

enum { SAMPLE_MEMBERS = 3, SAMPLE_MTIME = 1795000000 };

/* All of these abort when they fail: a broken fixture is not a test result. */

/* The manifest without "members". */
json_t *sample_manifest(void);

/* The same, as sut_patch_pack() completes it for the members below. */
json_t *sample_manifest_full(void);

/* A table of three records: replaced function, its .cold piece, a busy function. */
void sample_expect(struct sut_buf *out);

/* vmlinux.ko, vmlinux.expect, fix-1.patch; data points into expect. */
void sample_members(const struct sut_buf *expect, struct sut_member out[static SAMPLE_MEMBERS]);

/* The tar that sample_patch() compresses. */
void sample_tar(struct sut_buf *out);

/* A patch file around tar: zstd frame with size and checksum, trailer with its digest. */
void sample_compress(const struct sut_buf *tar, struct sut_buf *out);

/* The packed patch. */
void sample_patch(struct sut_buf *out);

#define SAMPLE_LIBRARY_BUILD_ID "0f1e2d3c4b5a69788796a5b4c3d2e1f000112233"

/* The same three of a library's patch. */
json_t *sample_library_manifest(void);
json_t *sample_library_manifest_full(void);
void sample_library_patch(struct sut_buf *out);

/* Of a manifest that was changed: the payload gets the build-id of its target. */
void sample_library_pack(json_t *manifest, struct sut_buf *out);

#endif
