/* SPDX-License-Identifier: Apache-2.0 */
/* Archives of ar(1), as GNU writes them. A pure function of the bytes: fuzzed. */
#ifndef SUTURE_BUILDER_LIBRARY_ARCHIVE_H
#define SUTURE_BUILDER_LIBRARY_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SUT_ARCHIVE_NAME_MAX = 4096, SUT_ARCHIVE_MEMBERS_MAX = 1 << 20 };

struct sut_archive_member {
	char *name;
	const uint8_t *data; /* in the archive's bytes */
	size_t len;
};

struct sut_archive {
	struct sut_archive_member *v; /* without symbol table and table of names */
	size_t n;
};

/* -EBADMSG: no such archive (thin ones are not known). */
int sut_archive_parse(const void *data, size_t len, struct sut_archive *ret,
		      struct sut_err *err) _must_check_;
void sut_archive_release(struct sut_archive *a);

#endif
