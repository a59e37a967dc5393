/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one form of tar a patch may have: POSIX ustar, regular files only,
 * every header field except name, size and mtime fixed, padding zero, two
 * zero blocks at the end and nothing after them. Any tar reads it; only this
 * form is accepted, so a patch has no place for hidden bytes, links, devices,
 * paths or extensions.
 */
#ifndef SUTURE_PATCH_TAR_H
#define SUTURE_PATCH_TAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { SUT_TAR_BLOCK = 512, SUT_TAR_NAME_MAX = 100 };

struct sut_tar_entry {
	char name[SUT_TAR_NAME_MAX + 1];
	const uint8_t *data; /* into the archive */
	size_t len;
	int64_t mtime; /* seconds since the epoch */
};

/*
 * The entry at *pos of the archive; moves *pos behind it.
 * Returns 1, 0 at the proper end, -EBADMSG with what is wrong.
 */
int sut_tar_next(const uint8_t *tar, size_t len, size_t *pos, struct sut_tar_entry *ret,
		 struct sut_err *err) _must_check_;

/* name: as sut_member_name_ok(); mtime: 0 … 8^11-1. Errors of sut_buf. */
int sut_tar_add(struct sut_buf *tar, const char *name, const void *data, size_t len,
		int64_t mtime) _must_check_;
int sut_tar_end(struct sut_buf *tar) _must_check_;

#endif
