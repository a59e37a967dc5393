/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kpatch.bin: a zstd-compressed tar whose first member is manifest.json, and
 * the SHA-256 of it. docs/formats/patch.md is the contract.
 *
 * Reading checks everything the format promises: the member list of the
 * manifest and the members agree in name, order, size and SHA-256, nothing
 * is left over, and no limit below is passed.
 */
#ifndef SUTURE_PATCH_CONTAINER_H
#define SUTURE_PATCH_CONTAINER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	SUT_PATCH_FILE_MAX = 64 << 20,	    /* compressed file */
	SUT_PATCH_UNPACKED_MAX = 256 << 20, /* all members together */
	SUT_PATCH_MEMBER_MAX = 64 << 20,
	SUT_PATCH_MEMBERS_MAX = 256,
	SUT_PATCH_MANIFEST_MAX = 8 << 20,
	SUT_PATCH_VERSION = 1,
};

struct sut_member {
	char *name; /* no '/', no leading '.', at most 100 bytes of [A-Za-z0-9._-] */
	uint8_t *data;
	size_t len;
};

struct sut_patch {
	json_t *manifest;	    /* validated: format, version, and the fields of patch.md */
	struct sut_member *members; /* without manifest.json */
	size_t nmembers;
	int64_t mtime; /* of all members, seconds since the epoch */
};

/* From bytes; the buffer is not kept. -EBADMSG with what is wrong and where. */
int sut_patch_parse(const void *data, size_t len, struct sut_patch **ret,
		    struct sut_err *err) _must_check_;
int sut_patch_read(const char *path, struct sut_patch **ret, struct sut_err *err) _must_check_;

/* NULL when there is no such member. */
const struct sut_member *sut_patch_member(const struct sut_patch *p, const char *name);

/* Packs manifest and members into *out. Adds manifest["members"] itself (name,
 * size, sha256 of each). The same input gives the same bytes: owner 0, mode
 * 0644, time mtime (seconds since the epoch), fixed compression level. */
int sut_patch_pack(json_t *manifest, const struct sut_member *members, size_t n, int64_t mtime,
		   struct sut_buf *out, struct sut_err *err) _must_check_;

void sut_patch_free(struct sut_patch *p);
void sut_patch_freep(struct sut_patch **p);

#endif
