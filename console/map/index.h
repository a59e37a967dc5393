/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The coverage document of a portal (docs/formats/coverage.md), made small: for each target what its patches close.
 * 300 kernels of 2,000 CVEs are 30 MB as text and 25 MB here. It never changes once it is made; whoever keeps it
 * counts references.
 */
#ifndef SUTURE_CONSOLE_MAP_INDEX_H
#define SUTURE_CONSOLE_MAP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	INDEX_TARGETS_MAX = 1 << 16,
	INDEX_FIXES_MAX = 1 << 17,	  /* of one target */
	INDEX_LEVELS_MAX = 4096,	  /* of one target */
	INDEX_FEEDS_MAX = 64,		  /* of the portal; further ones are left out */
	INDEX_TARGET_TEXT_MAX = 64 << 20, /* bytes of one target's JSON */
};

/* Strings live as long as the index; NULL: not known. */
struct index_level {
	uint32_t level;
	const char *patchset;
	int64_t released; /* seconds; 0: not known */
	uint64_t feeds;	  /* those that have it active: bit of index_feed() */
};

/* What is known of one CVE: closed by a level, or in part, or by a newer package only. */
struct index_fix {
	int64_t cve;	  /* index_cve() */
	uint32_t level;	  /* closed from this one on; 0: by none */
	uint32_t partial; /* touched from this one on, not closed; 0 */
	const char *fixed_in;
	const char *status, *note; /* with partial: "partial" or "mitigated", and what is left */
};

struct index_target {
	const char *build_id, *kernel_id, *name, *arch, *release, *package, *version, *file,
		*soname;
	bool library; /* else a kernel */
	const char *source_distribution, *source,
		*source_version;	  /* the changelog; NULL: none was read */
	const struct index_level *levels; /* lowest first */
	size_t nlevels;
	const struct index_fix *fixes; /* by cve */
	size_t nfixes;
};

struct map_index;

/* -EBADMSG with the place when the document is none; -EFBIG beyond the limits; -ENOMEM. One reference is the caller's. */
int index_new(const void *json, size_t len, struct map_index **ret,
	      struct sut_err *err) _must_check_;
struct map_index *index_ref(struct map_index *x);
void index_unref(struct map_index *x);
void index_unrefp(struct map_index **x);

/* "CVE-2026-1234" as a number that sorts as the names do; 0: it is none. */
int64_t index_cve(const char *name);
/* And back. */
enum { INDEX_CVE_NAME = 32 };
void index_cve_name(int64_t key, char ret[static INDEX_CVE_NAME]);

size_t index_count(const struct map_index *x);
const struct index_target *index_at(const struct map_index *x, size_t i); /* by build id */
const struct index_target *index_by_build_id(const struct map_index *x, const char *build_id);
const struct index_target *index_by_kernel_id(const struct map_index *x, const char *kernel_id);
/* A kernel by the package it came in, or a library; of several the first. */
const struct index_target *index_by_package(const struct map_index *x, const char *package,
					    const char *version);
/* Is it the package, or the source package, of a library that patches are for? */
bool index_is_library(const struct map_index *x, const char *package);
/* Does a library of this soname come in that package, or from that source package? */
bool index_library_of(const struct map_index *x, const char *package, const char *soname);

const struct index_fix *index_fix(const struct index_target *t, int64_t cve);
/* The version that closed it, as far as any target of the same changelog says; NULL. */
const char *index_fixed_in(const struct map_index *x, const struct index_target *t, int64_t cve);

/* The bit of a feed; 0 when no target names it. */
uint64_t index_feed(const struct map_index *x, const char *feed);
const char *index_feed_name(const struct map_index *x, unsigned int bit); /* NULL: no such feed */
/* When a patchset was released, by any target; 0: not known. */
int64_t index_released(const struct map_index *x, const char *patchset);

#endif
