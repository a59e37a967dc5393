// SPDX-License-Identifier: Apache-2.0
#include "change_view.h"

#include <string.h>

#include "base/str.h"

static enum sut_tuf_type type_of(const char *role)
{
	return sut_streq(role, "root") ? SUT_TUF_ROOT : SUT_TUF_TARGETS;
}

void sut_change_view_release(struct sut_change_view *v)
{
	for (size_t i = 0; i < v->n; i++) {
		sut_tuf_meta_free(v->v[i].before);
		sut_tuf_meta_free(v->v[i].after);
	}
	free(v->v);
	*v = (struct sut_change_view){0};
}

const struct sut_change_view_role *sut_change_view_find(const struct sut_change_view *v,
							const char *role)
{
	for (size_t i = 0; i < v->n; i++)
		if (sut_streq(v->v[i].name, role))
			return &v->v[i];
	return NULL;
}

static int load(json_t *entry, const char *key, const char *role, struct sut_tuf_meta **ret,
		struct sut_err *err)
{
	json_t *doc = json_object_get(entry, key);

	return doc ? sut_tuf_meta_load(doc, type_of(role), role, ret, err) : 0;
}

int sut_change_view_make(const struct sut_change *c, struct sut_change_view *ret,
			 struct sut_err *err)
{
	json_t *roles = json_object_get(c->doc, "roles"), *entry;
	const struct sut_tree_state *published = c->repo ? &c->repo->state : NULL;
	_cleanup_(sut_change_view_release) struct sut_change_view v = {0};
	size_t nchange = json_object_size(roles), max;
	const char *name;

	max = nchange + (published ? published->nroles : 0);
	v.v = calloc(max ? max : 1, sizeof(*v.v));
	if (!v.v)
		return sut_err_oom(err);
	json_object_foreach(roles, name, entry) {
		struct sut_change_view_role *x = &v.v[v.n++];
		int r;

		x->name = name;
		r = load(entry, "before", name, &x->before, err);
		if (r == 0)
			r = load(entry, "after", name, &x->after, err);
		if (r < 0)
			return r;
		x->now = x->after ? x->after : x->before;
	}
	for (size_t i = 0; published && i < published->nroles; i++) {
		const struct sut_tree_role *p = &published->roles[i];

		if (sut_repo_is_targets(p->name) || sut_streq(p->name, "root"))
			if (!json_object_get(roles, p->name))
				v.v[v.n++] = (struct sut_change_view_role){.name = p->name,
									   .now = p->meta};
	}
	*ret = v;
	v = (struct sut_change_view){0};
	return 0;
}

const struct sut_change_view_role *sut_change_view_delegator(const struct sut_change_view *v,
							     const char *role,
							     const struct sut_tuf_delegation **ret)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct sut_tuf_meta *m = v->v[i].now;

		for (size_t d = 0; m && d < m->ndelegations; d++)
			if (sut_streq(m->delegations[d].name, role)) {
				*ret = &m->delegations[d];
				return &v->v[i];
			}
	}
	return NULL;
}

static bool same_group(const struct sut_tuf_role *a, const struct sut_tuf_role *b)
{
	if (a->threshold != b->threshold || a->nkeyids != b->nkeyids)
		return false;
	for (size_t i = 0; i < a->nkeyids; i++) {
		size_t j = 0;

		while (j < b->nkeyids && !sut_streq(a->keyids[i], b->keyids[j]))
			j++;
		if (j == b->nkeyids)
			return false;
	}
	return true;
}

static size_t root_groups(const struct sut_change_view_role *root,
			  struct sut_change_view_group ret[static 2])
{
	const struct sut_tuf_meta *old = root->before, *new = root->after;
	size_t n = 0;

	if (old && same_group(&old->roles[SUT_TUF_ROOT], &new->roles[SUT_TUF_ROOT]))
		old = NULL;
	if (old)
		ret[n++] = (struct sut_change_view_group){"the root keys until now", &old->keys,
							  &old->roles[SUT_TUF_ROOT]};
	ret[n++] = (struct sut_change_view_group){old ? "the root keys from now on" : "root",
						  &new->keys, &new->roles[SUT_TUF_ROOT]};
	return n;
}

size_t sut_change_view_groups(const struct sut_change_view *v,
			      const struct sut_change_view_role *role,
			      struct sut_change_view_group ret[static 2])
{
	const struct sut_tuf_delegation *d = NULL;
	const struct sut_change_view_role *by;

	if (sut_streq(role->name, "root"))
		return root_groups(role, ret);
	if (sut_streq(role->name, "targets")) {
		by = sut_change_view_find(v, "root");
		if (!by || !by->now)
			return 0;
		*ret = (struct sut_change_view_group){"targets", &by->now->keys,
						      &by->now->roles[SUT_TUF_TARGETS]};
		return 1;
	}
	by = sut_change_view_delegator(v, role->name, &d);
	if (!by)
		return 0;
	*ret = (struct sut_change_view_group){role->name, &by->now->keys, &d->role};
	return 1;
}
