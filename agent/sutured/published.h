/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verified repository has for this kernel build, or for one library (sutured/library.h), as it was when it was last read. Kept as the hidden part
 * "_repository" of the state, so that decisions need no network:
 *
 *   {"build_id": "…", "snapshot": 12, "expires": 1795300000, "read_at": 1795200000,
 *    "asked": [3, 0, 0, 2, "", ""], what was looked for beside the highest levels
 *    "levels": [{"id", "level", "path", "sha256", "length", "created", "cves": [], "seen": 1795200000}],
 *    "stop": {"action", "reason", "since"}, "near": "6.1.0-48-cloud-amd64", "near_at": 1795200000}
 */
#ifndef SUTURE_AGENT_SUTURED_PUBLISHED_H
#define SUTURE_AGENT_SUTURED_PUBLISHED_H

#include <jansson.h>

#include "sutured/decide.h"
#include "tuf/meta.h"

enum {
	PUBLISHED_LEVELS_MAX = 16, /* the highest, and those that are named */
	PUBLISHED_CVES_MAX = 256,  /* of one level */
	PUBLISHED_NEAR_MAX = 256,  /* bytes */
	PUBLISHED_PATH = 128,	   /* bytes of a path with its NUL */
};

struct published {
	json_t *doc; /* strings point into it */
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1];
	int64_t snapshot; /* version; 0: nothing was ever read */
	int64_t read_at;  /* when that was, by our clock */
	int64_t expires;  /* when the first of its roles does, seconds since the epoch */
	struct decide_level levels[PUBLISHED_LEVELS_MAX];
	size_t nlevels;
	const char **cves; /* of all levels */
	enum decide_stop stop;
	const char *stop_reason, *stop_since;
	const char *near;
};

/* Keeps a reference to doc (NULL: nothing was read). -EBADMSG when it is not of that form, -ENOMEM. A pure function. */
int published_read(json_t *doc, struct published *ret, struct sut_err *err) _must_check_;
void published_release(struct published *p);

/* "kernel/BUILDID/LEVEL/kpatch.bin", "library/BUILDID/LEVEL/upatch.bin"; level 0: without it, the highest one. */
void published_path(bool library, const char *build_id, int64_t level,
		    char ret[static PUBLISHED_PATH]);

/* The entry of "levels" of a target (its path, length, hash and custom); seen: now. -EBADMSG when the entry is not that of a
 * patch of this build. A pure function. */
int published_level(const struct sut_tuf_target *t, const char *build_id, int64_t now, json_t **ret,
		    struct sut_err *err) _must_check_;
/* The entry of "stop" of stop/flag.json (custom, may be NULL), as far as it is for this build. */
json_t *published_stop(const json_t *custom, const char *build_id);

#endif
