/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits of the "signed" part of root and targets files (sut_change_edit()): keys, thresholds,
 * delegations, targets.
 */
#ifndef SUTURE_REPO_EDIT_H
#define SUTURE_REPO_EDIT_H

#include "change.h"

enum { SUT_EDIT_BINS_MAX = 4096 };

/* The role whose file says which keys `role` has: "root" for the top-level ones, else its delegator. -ENOENT when
 * there is no such role. *ret is a string of the change or the repository. */
int sut_edit_holder(const struct sut_change *c, const char *role, const char **ret,
		    struct sut_err *err) _must_check_;

/* The object with "keyids" and "threshold" in the file of its holder. NULL when it is not there. Borrowed. */
json_t *sut_edit_role(const json_t *holder, const char *role);

/* The keys of the file: "keys" of root, "keys" of "delegations". Borrowed; NULL when there are none. */
json_t *sut_edit_keys(const json_t *holder);

/* Gives a top-level role in the file of root its keys and threshold. */
int sut_edit_root_role(json_t *root, const char *role, const struct sut_key *const *keys,
		       size_t nkeys, uint32_t threshold, struct sut_err *err) _must_check_;

/* Puts one key into the file, and its id into the role (in the place of `old` when that is not NULL). -EEXIST when the
 * role has the key. */
int sut_edit_add_key(json_t *holder, const char *role, const struct sut_key *key, const char *old,
		     struct sut_err *err) _must_check_;

/* Takes a key from the role. -EINVAL when its threshold could not be met any more. */
int sut_edit_remove_key(json_t *holder, const char *role, const char *id,
			struct sut_err *err) _must_check_;

/* Takes a key from every role of the repository, or puts another one in its place (by NULL: none). *ret_roles gets the
 * names of the roles that had it. */
int sut_edit_revoke(struct sut_change *c, const char *id, const struct sut_key *by,
		    struct sut_strv *ret_roles, struct sut_err *err) _must_check_;

/* The same for one role, and for its hash bins that have the key. */
int sut_edit_rotate(struct sut_change *c, const char *role, const char *old,
		    const struct sut_key *by, struct sut_err *err) _must_check_;

/* Every role that says which keys another one has: names of root and of all targets roles. */
int sut_edit_holders(const struct sut_change *c, struct sut_strv *ret,
		     struct sut_err *err) _must_check_;

/* Names of the roles whose keys this holder names. */
int sut_edit_held(const struct sut_change *c, const char *holder, struct sut_strv *ret,
		  struct sut_err *err) _must_check_;

/* Does the role have the key? */
bool sut_edit_has_key(const json_t *holder, const char *role, const char *id);

/* Removes keys that no role of the file names. */
int sut_edit_prune(json_t *holder, struct sut_err *err) _must_check_;

struct sut_edit_delegation {
	const char *name;
	const struct sut_strv *paths; /* or, when it is NULL or empty, */
	const struct sut_strv *prefixes;
	const struct sut_key *const *keys;
	size_t nkeys;
	uint32_t threshold;
	bool terminating;
};

/* Adds a delegation at the end, or replaces the one of that name in its place. */
int sut_edit_delegate(json_t *targets, const struct sut_edit_delegation *d,
		      struct sut_err *err) _must_check_;
int sut_edit_undelegate(json_t *targets, const char *name, struct sut_err *err) _must_check_;

/* Delegates everything of role to n hash bins named ROLE-PREFIX with the keys it has itself, and moves its
 * targets there. n is a power of two, 2 to SUT_EDIT_BINS_MAX. */
int sut_edit_bins(struct sut_change *c, const char *role, unsigned int n,
		  struct sut_err *err) _must_check_;

/* The role in whose file a target with this path belongs: clients, who walk the delegations in order, find
 * it there first. The caller frees it. -ENOENT when nobody is in charge. */
int sut_edit_owner(const struct sut_change *c, const char *path, char **ret,
		   struct sut_err *err) _must_check_;

/* The same for many paths, with one view, which holds for as long as no delegation is edited. *ret is
 * a string of the view. */
struct sut_change_view;
int sut_edit_owner_in(const struct sut_change_view *v, const char *path, const char **ret,
		      struct sut_err *err) _must_check_;

/* Puts the entry of a target into the role in charge of its path; entry (one more reference is taken) NULL: takes
 * the path out. */
int sut_edit_target(struct sut_change *c, const struct sut_change_view *v, const char *path,
		    json_t *entry, struct sut_err *err) _must_check_;

#endif
