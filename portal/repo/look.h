/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at the published repository: everything an agent would verify, verified, and what patches it has.
 * Nothing is written; what differs from the database is for apply.h.
 */
#ifndef SUTURE_PORTAL_REPO_LOOK_H
#define SUTURE_PORTAL_REPO_LOOK_H

#include <jansson.h>
#include <stdbool.h>

#include "db/db.h"
#include "repo/patch.h"

struct portal;
struct repo;

enum { REPO_BATCH = 256 /* patch files read in one look; the next one goes on */ };

/* kernel/BUILDID/LEVEL/kpatch.bin, library/BUILDID/LEVEL/upatch.bin */
struct repo_target {
	bool library;
	char *path;
	char build_id[2 * SUTURE_BUILD_ID_LEN + 1];
	uint32_t level;
	int64_t length;
	char sha256[65];
	struct repo_patch *
		patch; /* of those the database did not have; NULL: it has it, or: see warnings, more */
};

struct repo_look {
	char trust[65];
	int64_t root_version, timestamp_version;
	char timestamp_sha256[65];
	int64_t expires; /* the first of what is signed */
	json_t *state; /* {"roles": [{"name", "version", "expires"}], "stop", "warnings": […]} */
	struct repo_target *v; /* by path */
	size_t n;
	bool more;
};

/* What a process keeps between looks: a folder for metadata, so that it never goes back to an older state.
 * One look at a time. */
int repo_new(struct repo **ret, struct sut_err *err) _must_check_;
void repo_free(struct repo *r);

/*
 * db: a READ or no transaction. Returns 1 with *ret NULL when nothing has changed since the last good look,
 * unless force. Errors are those of lib/tuf, and reason "rollback" for a state older than one that the
 * database has seen.
 */
int repo_look(struct portal *p, struct sut_db *db, int64_t now, bool force, struct repo_look **ret,
	      struct sut_err *err) _must_check_;
void repo_look_free(struct repo_look *l);
void repo_look_freep(struct repo_look **l);

#endif
