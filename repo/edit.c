// SPDX-License-Identifier: Apache-2.0
#include "edit.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "crypto/sha256.h"
#include "change_view.h"

static bool is_top(const char *role)
{
	return sut_streq(role, "root") || sut_streq(role, "timestamp") ||
	       sut_streq(role, "snapshot") || sut_streq(role, "targets");
}

static json_t *delegations_of(const json_t *targets)
{
	return json_object_get(json_object_get(targets, "delegations"), "roles");
}

static json_t *find_delegation(const json_t *targets, const char *name, size_t *ret_index)
{
	json_t *list = delegations_of(targets), *d;
	size_t i;

	json_array_foreach(list, i, d)
		if (sut_streq(json_string_value(json_object_get(d, "name")), name)) {
			*ret_index = i;
			return d;
		}
	return NULL;
}

int sut_edit_holder(const struct sut_change *c, const char *role, const char **ret,
		    struct sut_err *err)
{
	json_t *roles = json_object_get(c->doc, "roles"), *entry;
	const char *name;
	size_t i;

	if (is_top(role)) {
		*ret = "root";
		return 0;
	}
	json_object_foreach(roles, name, entry)
		if (find_delegation(sut_change_peek(c, name), role, &i)) {
			*ret = name;
			return 0;
		}
	for (i = 0; c->repo && i < c->repo->state.nroles; i++) {
		size_t at;

		name = c->repo->state.roles[i].name;
		if (!json_object_get(roles, name) &&
		    find_delegation(sut_change_peek(c, name), role, &at)) {
			*ret = name;
			return 0;
		}
	}
	return sut_err_set(err, ENOENT, "there is no role %s; 'suture-repo status' lists them",
			   role);
}

json_t *sut_edit_role(const json_t *holder, const char *role)
{
	size_t i;

	if (is_top(role))
		return json_object_get(json_object_get(holder, "roles"), role);
	return find_delegation(holder, role, &i);
}

json_t *sut_edit_keys(const json_t *holder)
{
	json_t *keys = json_object_get(holder, "keys");

	return keys ? keys : json_object_get(json_object_get(holder, "delegations"), "keys");
}

/* Ids of keys, which are put into the file as well. NULL when memory is short. */
static json_t *add_keys(json_t *holder, const struct sut_key *const *keys, size_t n)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_object_set(sut_edit_keys(holder), keys[i]->id, keys[i]->json) < 0 ||
		    json_array_append_new(ids, json_string(keys[i]->id)) < 0) {
			json_decref(ids);
			return NULL;
		}
	return ids;
}

static int check_threshold(size_t nkeys, uint32_t threshold, const char *role, struct sut_err *err)
{
	if (!threshold || threshold > nkeys)
		return sut_err_set(err, EINVAL,
				   "a threshold of %u cannot be met by the %zu keys of %s; give "
				   "between 1 and the number of keys",
				   threshold, nkeys, role);
	return 0;
}

int sut_edit_root_role(json_t *root, const char *role, const struct sut_key *const *keys,
		       size_t nkeys, uint32_t threshold, struct sut_err *err)
{
	json_t *j;
	int r = check_threshold(nkeys, threshold, role, err);

	if (r < 0)
		return r;
	j = json_pack("{s:o* s:I}", "keyids", add_keys(root, keys, nkeys), "threshold",
		      (json_int_t)threshold);
	if (!json_object_get(j, "keyids") ||
	    json_object_set(json_object_get(root, "roles"), role, j) < 0) {
		json_decref(j);
		return sut_err_oom(err);
	}
	json_decref(j);
	return 0;
}

static ssize_t index_of(const json_t *ids, const char *id)
{
	for (size_t i = 0; i < json_array_size(ids); i++)
		if (sut_streq(json_string_value(json_array_get(ids, i)), id))
			return (ssize_t)i;
	return -1;
}

int sut_edit_add_key(json_t *holder, const char *role, const struct sut_key *key, const char *old,
		     struct sut_err *err)
{
	json_t *ids = json_object_get(sut_edit_role(holder, role), "keyids");
	ssize_t at = old ? index_of(ids, old) : -1;
	int r;

	if (!ids || (old && at < 0))
		return sut_err_set(err, ENOENT, "%s does not have the key that is to be replaced",
				   role);
	if (index_of(ids, key->id) >= 0)
		return sut_err_set(err, EEXIST, "%s has the key %s already", role, key->name);
	r = json_object_set(sut_edit_keys(holder), key->id, key->json);
	if (r == 0)
		r = at >= 0 ? json_array_set_new(ids, (size_t)at, json_string(key->id))
			    : json_array_append_new(ids, json_string(key->id));
	return r < 0 ? sut_err_oom(err) : sut_edit_prune(holder, err);
}

int sut_edit_remove_key(json_t *holder, const char *role, const char *id, struct sut_err *err)
{
	json_t *j = sut_edit_role(holder, role), *ids = json_object_get(j, "keyids");
	ssize_t at = index_of(ids, id);

	if (at < 0)
		return sut_err_set(err, ENOENT, "%s does not have that key", role);
	if ((json_int_t)json_array_size(ids) <= json_integer_value(json_object_get(j, "threshold")))
		return sut_err_set(
			err, EINVAL,
			"without this key the threshold of %s could not be met any more; "
			"name another key with --replace-with",
			role);
	if (json_array_remove(ids, (size_t)at) < 0)
		return sut_err_oom(err);
	return sut_edit_prune(holder, err);
}

bool sut_edit_has_key(const json_t *holder, const char *role, const char *id)
{
	return index_of(json_object_get(sut_edit_role(holder, role), "keyids"), id) >= 0;
}

int sut_edit_holders(const struct sut_change *c, struct sut_strv *ret, struct sut_err *err)
{
	json_t *entry;
	const char *name;

	json_object_foreach(json_object_get(c->doc, "roles"), name, entry)
		if (sut_strv_add(ret, name) < 0)
			return sut_err_oom(err);
	for (size_t i = 0; c->repo && i < c->repo->state.nroles; i++) {
		name = c->repo->state.roles[i].name;
		if ((sut_repo_is_targets(name) || sut_streq(name, "root")) &&
		    !json_object_get(json_object_get(c->doc, "roles"), name) &&
		    sut_strv_add(ret, name) < 0)
			return sut_err_oom(err);
	}
	return 0;
}

int sut_edit_held(const struct sut_change *c, const char *holder, struct sut_strv *ret,
		  struct sut_err *err)
{
	const json_t *signed_ = sut_change_peek(c, holder);
	const char *name;
	json_t *d;
	size_t i;

	json_object_foreach(json_object_get(signed_, "roles"), name, d)
		if (sut_strv_add(ret, name) < 0)
			return sut_err_oom(err);
	json_array_foreach(delegations_of(signed_), i, d)
		if (sut_strv_add(ret, json_string_value(json_object_get(d, "name"))) < 0)
			return sut_err_oom(err);
	return 0;
}

static int swap_key(struct sut_change *c, const char *holder, const char *role, const char *old,
		    const struct sut_key *by, struct sut_err *err)
{
	json_t *signed_;
	int r = sut_change_edit(c, holder, &signed_, err);

	if (r < 0)
		return r;
	return by ? sut_edit_add_key(signed_, role, by, old, err)
		  : sut_edit_remove_key(signed_, role, old, err);
}

int sut_edit_revoke(struct sut_change *c, const char *id, const struct sut_key *by,
		    struct sut_strv *ret_roles, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv holders = {0};
	int r = sut_edit_holders(c, &holders, err);

	for (size_t i = 0; r == 0 && i < holders.n; i++) {
		_cleanup_strv_ struct sut_strv held = {0};

		r = sut_edit_held(c, holders.v[i], &held, err);
		for (size_t j = 0; r == 0 && j < held.n; j++) {
			if (!sut_edit_has_key(sut_change_peek(c, holders.v[i]), held.v[j], id))
				continue;
			if (sut_strv_add(ret_roles, held.v[j]) < 0)
				return sut_err_oom(err);
			r = swap_key(c, holders.v[i], held.v[j], id, by, err);
		}
	}
	return r;
}

int sut_edit_rotate(struct sut_change *c, const char *role, const char *old,
		    const struct sut_key *by, struct sut_err *err)
{
	_cleanup_strv_ struct sut_strv held = {0};
	_cleanup_(sut_freep) char *prefix = sut_sprintf("%s-", role), *copy = NULL;
	const char *holder;
	int r = prefix ? sut_edit_holder(c, role, &holder, err) : sut_err_oom(err);

	if (r < 0)
		return r;
	copy = strdup(holder);
	if (!copy)
		return sut_err_oom(err);
	r = swap_key(c, copy, role, old, by, err);
	if (r == 0 && sut_repo_is_targets(role))
		r = sut_edit_held(c, role, &held, err);
	for (size_t i = 0; r == 0 && i < held.n; i++)
		if (sut_startswith(held.v[i], prefix) &&
		    sut_edit_has_key(sut_change_peek(c, role), held.v[i], old))
			r = swap_key(c, role, held.v[i], old, by, err);
	return r;
}

static bool names_key(const json_t *holder, const char *id)
{
	json_t *roles = json_object_get(holder, "roles"), *role;
	const char *name;
	size_t i;

	json_object_foreach(roles, name, role)
		if (index_of(json_object_get(role, "keyids"), id) >= 0)
			return true;
	json_array_foreach(delegations_of(holder), i, role)
		if (index_of(json_object_get(role, "keyids"), id) >= 0)
			return true;
	return false;
}

int sut_edit_prune(json_t *holder, struct sut_err *err)
{
	json_t *keys = sut_edit_keys(holder), *key;
	const char *id;
	void *tmp;

	json_object_foreach_safe(keys, tmp, id,
				 key) if (!names_key(holder, id) &&
					  json_object_del(keys, id) < 0) return sut_err_oom(err);
	return 0;
}

static json_t *strings(const struct sut_strv *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++)
		if (json_array_append_new(a, json_string(l->v[i])) < 0) {
			json_decref(a);
			return NULL;
		}
	return a;
}

/* The object of "delegations", made when it is not there. */
static int ensure_delegations(json_t *targets, struct sut_err *err)
{
	if (json_object_get(targets, "delegations"))
		return 0;
	if (json_object_set_new(targets, "delegations", json_pack("{s:{} s:[]}", "keys", "roles")) <
	    0)
		return sut_err_oom(err);
	return 0;
}

int sut_edit_delegate(json_t *targets, const struct sut_edit_delegation *d, struct sut_err *err)
{
	bool by_path = d->paths && d->paths->n;
	json_t *ids, *list, *j;
	size_t at;
	int r = check_threshold(d->nkeys, d->threshold, d->name, err);

	if (r == 0)
		r = ensure_delegations(targets, err);
	if (r < 0)
		return r;
	ids = add_keys(targets, d->keys, d->nkeys);
	list = strings(by_path ? d->paths : d->prefixes);
	if (!ids || !list) {
		json_decref(ids);
		json_decref(list);
		return sut_err_oom(err);
	}
	j = json_pack("{s:s s:o s:I s:b s:o}", "name", d->name, "keyids", ids, "threshold",
		      (json_int_t)d->threshold, "terminating", d->terminating,
		      by_path ? "paths" : "path_hash_prefixes", list);
	if (!j)
		return sut_err_oom(err);
	if (find_delegation(targets, d->name, &at))
		r = json_array_set_new(delegations_of(targets), at, j);
	else
		r = json_array_append_new(delegations_of(targets), j);
	return r < 0 ? sut_err_oom(err) : sut_edit_prune(targets, err);
}

int sut_edit_undelegate(json_t *targets, const char *name, struct sut_err *err)
{
	size_t at;

	if (!find_delegation(targets, name, &at))
		return sut_err_set(err, ENOENT, "there is no delegation to %s", name);
	if (json_array_remove(delegations_of(targets), at) < 0)
		return sut_err_oom(err);
	if (!json_array_size(delegations_of(targets)))
		return json_object_del(targets, "delegations") < 0 ? sut_err_oom(err) : 0;
	return sut_edit_prune(targets, err);
}

/* ------------------------------------------------------------------ */

static unsigned int digits_of(unsigned int bins)
{
	unsigned int digits = 1;

	while (1U << (4 * digits) < bins)
		digits++;
	return digits;
}

/* The keys and the threshold of a role, as its holder has them, for its bins. */
static int copy_authority(const struct sut_change *c, const char *role, json_t *to,
			  json_t **ret_ids, json_int_t *ret_threshold, struct sut_err *err)
{
	const json_t *holder, *object;
	const char *name, *id;
	json_t *ids;
	int r = sut_edit_holder(c, role, &name, err);

	if (r < 0)
		return r;
	holder = sut_change_peek(c, name);
	object = sut_edit_role(holder, role);
	ids = json_object_get(object, "keyids");
	for (size_t i = 0; i < json_array_size(ids); i++) {
		id = json_string_value(json_array_get(ids, i));
		if (json_object_set(sut_edit_keys(to), id,
				    json_object_get(sut_edit_keys(holder), id)) < 0)
			return sut_err_oom(err);
	}
	*ret_ids = ids;
	*ret_threshold = json_integer_value(json_object_get(object, "threshold"));
	return 0;
}

static json_t *make_bin(const char *role, unsigned int i, unsigned int n, json_t *ids,
			json_int_t threshold)
{
	unsigned int digits = digits_of(n), each = (1U << (4 * digits)) / n;
	_cleanup_(sut_freep) char *name = sut_sprintf("%s-%0*x", role, (int)digits, i * each);
	json_t *prefixes = json_array(), *copy = json_copy(ids);
	char text[16];

	for (unsigned int p = i * each; prefixes && p < (i + 1) * each; p++) {
		snprintf(text, sizeof(text), "%0*x", (int)digits, p);
		if (json_array_append_new(prefixes, json_string(text)) < 0) {
			json_decref(prefixes);
			prefixes = NULL;
		}
	}
	if (!name || !prefixes || !copy) {
		json_decref(prefixes);
		json_decref(copy);
		return NULL;
	}
	/* Nobody else has this piece: a search ends here. */
	return json_pack("{s:s s:o s:I s:b s:o}", "name", name, "keyids", copy, "threshold",
			 threshold, "terminating", 1, "path_hash_prefixes", prefixes);
}

static int move_targets(struct sut_change *c, const char *role, json_t *sig, unsigned int n,
			struct sut_err *err)
{
	unsigned int digits = digits_of(n), each = (1U << (4 * digits)) / n;
	json_t *targets = json_object_get(sig, "targets"), *entry, *bin;
	const char *path;

	json_object_foreach(targets, path, entry) {
		_cleanup_(sut_freep) char *name = NULL;
		char hex[SUT_SHA256_HEX];
		unsigned long p;
		int r;

		sut_sha256_hex(path, strlen(path), hex);
		hex[digits] = 0;
		p = strtoul(hex, NULL, 16);
		name = sut_sprintf("%s-%0*lx", role, (int)digits, p / each * each);
		if (!name)
			return sut_err_oom(err);
		r = sut_change_edit(c, name, &bin, err);
		if (r < 0)
			return r;
		if (json_object_set(json_object_get(bin, "targets"), path, entry) < 0)
			return sut_err_oom(err);
	}
	return json_object_clear(targets) < 0 ? sut_err_oom(err) : 0;
}

int sut_edit_bins(struct sut_change *c, const char *role, unsigned int n, struct sut_err *err)
{
	json_t *sig, *ids = NULL;
	json_int_t threshold = 0;
	int r;

	if (n < 2 || n > SUT_EDIT_BINS_MAX || (n & (n - 1)))
		return sut_err_set(err, EINVAL, "the number of bins is a power of two from 2 to %d",
				   SUT_EDIT_BINS_MAX);
	if (json_array_size(delegations_of(sut_change_peek(c, role))))
		return sut_err_set(err, EEXIST,
				   "%s delegates already; only a role that does not can be split "
				   "into bins",
				   role);
	r = sut_change_edit(c, role, &sig, err);
	if (r == 0)
		r = ensure_delegations(sig, err);
	if (r == 0)
		r = copy_authority(c, role, sig, &ids, &threshold, err);
	for (unsigned int i = 0; r == 0 && i < n; i++)
		if (json_array_append_new(delegations_of(sig),
					  make_bin(role, i, n, ids, threshold)) < 0)
			return sut_err_oom(err);
	return r < 0 ? r : move_targets(c, role, sig, n, err);
}

/* ------------------------------------------------------------------ */

int sut_edit_owner_in(const struct sut_change_view *v, const char *path, const char **ret,
		      struct sut_err *err)
{
	const char *role = "targets";
	size_t depth = 0;

	for (;;) {
		const struct sut_change_view_role *x = sut_change_view_find(v, role);
		size_t d = 0;

		/* A role that is new in this change has no file yet, and no delegations. */
		if (!x || !x->now || ++depth > SUT_TUF_DELEGATIONS_MAX)
			break;
		while (d < x->now->ndelegations &&
		       !sut_tuf_delegates(&x->now->delegations[d], path))
			d++;
		if (d == x->now->ndelegations)
			break;
		role = x->now->delegations[d].name;
	}
	if (sut_streq(role, "targets"))
		return sut_err_set(err, ENOENT,
				   "no role is in charge of %s; 'suture-repo delegate' puts one in "
				   "charge",
				   path);
	*ret = role;
	return 0;
}

int sut_edit_owner(const struct sut_change *c, const char *path, char **ret, struct sut_err *err)
{
	_cleanup_(sut_change_view_release) struct sut_change_view v = {0};
	const char *role;
	char *copy;
	int r = sut_change_view_make(c, &v, err);

	if (r == 0)
		r = sut_edit_owner_in(&v, path, &role, err);
	if (r < 0)
		return r;
	copy = strdup(role);
	if (!copy)
		return sut_err_oom(err);
	*ret = copy;
	return 0;
}

int sut_edit_target(struct sut_change *c, const struct sut_change_view *v, const char *path,
		    json_t *entry, struct sut_err *err)
{
	json_t *signed_part, *targets;
	const char *role;
	int r = sut_edit_owner_in(v, path, &role, err);

	if (r == 0)
		r = sut_change_edit(c, role, &signed_part, err);
	if (r < 0)
		return r;
	targets = json_object_get(signed_part, "targets");
	if (!entry) {
		json_object_del(targets, path);
		return 0;
	}
	return json_object_set(targets, path, entry) < 0 ? sut_err_oom(err) : 0;
}
