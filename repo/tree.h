/* SPDX-License-Identifier: Apache-2.0 */
/* The public metadata folder, read as a client reads it: from the first root to the last delegated role. */
#ifndef SUTURE_REPO_TREE_H
#define SUTURE_REPO_TREE_H

#include "tuf/trusted.h"

/* A file that is looked at as if it were there already. */
struct sut_tree_file {
	const char *name; /* "5.targets.json" */
	const void *data;
	size_t len;
};

struct sut_tree {
	const char *dir; /* of metadata */
	const struct sut_tree_file *over;
	size_t nover;
};

struct sut_tree_role {
	char *name;
	char *delegator;		 /* "root" for the four top-level roles */
	const struct sut_tuf_meta *meta; /* owned by the struct sut_tree_state */
};

struct sut_tree_state {
	struct sut_tuf_trusted *trusted;
	struct sut_tree_role *roles; /* root, timestamp, snapshot, targets, then in the order of
				      * delegation */
	size_t nroles;
};

enum { SUT_TREE_ROLES_MAX = 20000 };

/* Adds NAME of the tree to *out. -ENOENT when it is not there. */
int sut_tree_get(const struct sut_tree *t, const char *name, struct sut_buf *out,
		 struct sut_err *err) _must_check_;

/* The number of roots: the largest N of which 1.root.json to N.root.json are there. */
int64_t sut_tree_roots(const struct sut_tree *t);

/*
 * Everything up to the root with this version, by lib/tuf. now is 0 when expiry does not matter.
 * Every delegation must lead to a file.
 */
int sut_tree_load(const struct sut_tree *t, int64_t root, int64_t now, struct sut_tree_state *ret,
		  struct sut_err *err) _must_check_;
void sut_tree_release(struct sut_tree_state *s);

#endif
