/* SPDX-License-Identifier: Apache-2.0 */
/* A change with its files parsed: the state of the repository as it would be, and who vouches for what. */
#ifndef SUTURE_REPO_CHANGE_VIEW_H
#define SUTURE_REPO_CHANGE_VIEW_H

#include "change.h"

/* A view is of one moment: an edit of the change does not show in it, and its strings may go with the edit. */
struct sut_change_view_role {
	const char *name;
	struct sut_tuf_meta *before, *after; /* NULL when there is none */
	const struct sut_tuf_meta *now;	     /* after, or else what is published */
};

struct sut_change_view {
	struct sut_change_view_role
		*v; /* those of the change, then the others that are published */
	size_t n;
};

/* Keys of which a threshold must sign a file. */
struct sut_change_view_group {
	const char *why;
	const struct sut_tuf_keys *keys;
	const struct sut_tuf_role *role;
};

int sut_change_view_make(const struct sut_change *c, struct sut_change_view *ret,
			 struct sut_err *err) _must_check_;
void sut_change_view_release(struct sut_change_view *v);

const struct sut_change_view_role *sut_change_view_find(const struct sut_change_view *v,
							const char *role);

/* Who vouches for this role: its delegator (now), NULL for one that is not delegated to. */
const struct sut_change_view_role *sut_change_view_delegator(const struct sut_change_view *v,
							     const char *role,
							     const struct sut_tuf_delegation **ret);

/* The groups that must sign role->after; 0 when nobody vouches for the role. */
size_t sut_change_view_groups(const struct sut_change_view *v,
			      const struct sut_change_view_role *role,
			      struct sut_change_view_group ret[static 2]);

#endif
