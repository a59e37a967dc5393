/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository folder (docs/internals/repository.md), locked and loaded: its settings, its keys, and the metadata
 * that clients trust now.
 *
 *   repo.json          settings
 *   keys/NAME.key|pub  private keys that are kept here, and all public ones
 *   staged/            the one pending change (change.h)
 *   public/metadata/   what clients read
 *   public/targets/
 */
#ifndef SUTURE_REPO_REPO_H
#define SUTURE_REPO_REPO_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "keys.h"
#include "settings.h"
#include "tree.h"

struct sut_repo {
	char *dir;
	int lock;
	int64_t now; /* seconds since the epoch, UTC, fixed when it was opened */
	struct sut_settings settings;
	struct sut_keys keys;

	/*
	 * What is published. Verified as a client does it, from 1.root.json on, apart from expiry. No roles before
	 * the first publication.
	 */
	struct sut_tree_state state;

	/* A publication was killed between the new root and the timestamp: that root, which clients
	 * have already; state has the one before. NULL otherwise. */
	struct sut_tuf_meta *root_ahead;

	json_t *versions; /* role: highest version that has a file in public/metadata */
};

/* Opens, locks (waits for another suture-repo) and loads. -ENOENT when dir is no repository. */
int sut_repo_open(const char *dir, int64_t now, struct sut_repo **ret,
		  struct sut_err *err) _must_check_;
void sut_repo_free(struct sut_repo *r);
void sut_repo_freep(struct sut_repo **r);

/* NULL when it is not published. */
const struct sut_tree_role *sut_repo_role(const struct sut_repo *r, const char *name);

/* The version a new file of this role gets: above every one that has ever been in public/metadata, so that a name
 * there always means the same bytes. */
int sut_repo_next_version(const struct sut_repo *r, const char *role, int64_t *ret,
			  struct sut_err *err) _must_check_;

/* DIR/NAME; NULL when memory is short. The caller's to free. */
char *sut_repo_path(const struct sut_repo *r, const char *fmt, ...) _printf_(2, 3);

/* Names of roles and keys: 1 to 64 of [a-z0-9._-], beginning with a letter or digit. */
bool sut_repo_name_ok(const char *name);

/* "targets", "kernel", …: a role that holds targets (not root, timestamp, snapshot). */
bool sut_repo_is_targets(const char *role);

#endif
