/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A find set: all findings that one scan has of one host. Hosts with the same findings share one, so it names
 * no host, and its hash is its name.
 *
 * Stored as a header of 8 bytes ("SFS1", then the number of records, little-endian) and a zstd frame of the
 * records, 16 bytes each: cve, native, package, flags, little-endian. They are sorted by cve, native, package and no
 * two are equal in these three. What is read is checked for all of that.
 */
#ifndef SUTURE_CONSOLE_FIND_SET_H
#define SUTURE_CONSOLE_FIND_SET_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	FIND_SET_MAX = 1 << 18,	     /* records of one host */
	FIND_SET_BLOB_MAX = 8 << 20, /* bytes as stored */
	FIND_SET_HASH = 32,
};

/* Row ids of cves, natives and packages; 0: none. A record has a CVE always. */
struct find_rec {
	uint32_t cve, native, package, flags;
};

enum {
	FIND_SEVERITY = 7,	   /* mask: enum find_severity */
	FIND_NOT_RUNNING = 1 << 3, /* the scanner itself says that this kernel does not run */
	FIND_FLAGS = FIND_SEVERITY | FIND_NOT_RUNNING,
};

enum find_severity {
	FIND_UNKNOWN,
	FIND_NONE,
	FIND_LOW,
	FIND_MEDIUM,
	FIND_HIGH,
	FIND_CRITICAL,
	FIND_SEVERITIES
};

/* "unknown", "none", "low", "medium", "high", "critical"; a number beyond is "unknown". */
const char *find_severity_name(unsigned int severity);

struct find_set {
	struct find_rec *v;
	size_t n, cap;
};

#define _cleanup_find_set_ _cleanup_(find_set_release)
void find_set_release(struct find_set *s);

/* -ENOMEM; -EFBIG beyond FIND_SET_MAX; -EINVAL without a CVE. Flags beyond FIND_FLAGS are dropped. */
int find_set_add(struct find_set *s, const struct find_rec *rec) _must_check_;

/* Sorts, and makes one of those that are equal but for flags: the worse severity; not-running only when all say so. */
void find_set_settle(struct find_set *s);

/* Of a settled set: what is stored, added to *b, and the hash of its records. -ENOMEM, -ENOBUFS. */
int find_set_write(const struct find_set *s, struct sut_buf *b,
		   uint8_t ret_hash[static FIND_SET_HASH], struct sut_err *err) _must_check_;

/* -EBADMSG when it is none; -ENOMEM. *ret is the caller's. */
int find_set_read(const void *data, size_t len, struct find_set *ret,
		  struct sut_err *err) _must_check_;

#endif
