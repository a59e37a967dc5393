// SPDX-License-Identifier: Apache-2.0
#include "tree.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

int sut_tree_get(const struct sut_tree *t, const char *name, struct sut_buf *out,
		 struct sut_err *err)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", t->dir, name);

	if (!path)
		return sut_err_oom(err);
	for (size_t i = 0; i < t->nover; i++)
		if (sut_streq(t->over[i].name, name))
			return sut_buf_add(out, t->over[i].data, t->over[i].len) < 0
				       ? sut_err_oom(err)
				       : 0;
	return sut_file_read(path, out, err);
}

static bool has(const struct sut_tree *t, const char *name)
{
	_cleanup_(sut_freep) char *path = sut_sprintf("%s/%s", t->dir, name);

	for (size_t i = 0; i < t->nover; i++)
		if (sut_streq(t->over[i].name, name))
			return true;
	return path && sut_exists(path);
}

int64_t sut_tree_roots(const struct sut_tree *t)
{
	char name[40];
	int64_t n = 0;

	for (;;) {
		snprintf(name, sizeof(name), "%" PRId64 ".root.json", n + 1);
		if (!has(t, name))
			return n;
		n++;
	}
}

void sut_tree_release(struct sut_tree_state *s)
{
	for (size_t i = 0; i < s->nroles; i++) {
		free(s->roles[i].name);
		free(s->roles[i].delegator);
	}
	free(s->roles);
	sut_tuf_trusted_free(s->trusted);
	*s = (struct sut_tree_state){0};
}

static int add_role(struct sut_tree_state *s, const char *name, const char *delegator,
		    const struct sut_tuf_meta *meta, struct sut_err *err)
{
	struct sut_tree_role *v;

	if (s->nroles == SUT_TREE_ROLES_MAX)
		return sut_err_set(err, E2BIG, "the repository has more than %d roles",
				   SUT_TREE_ROLES_MAX);
	v = reallocarray(s->roles, s->nroles + 1, sizeof(*v));
	if (!v)
		return sut_err_oom(err);
	s->roles = v;
	v += s->nroles;
	*v = (struct sut_tree_role){strdup(name), strdup(delegator), meta};
	s->nroles++;
	return v->name && v->delegator ? 0 : sut_err_oom(err);
}

static const struct sut_tree_role *find_role(const struct sut_tree_state *s, const char *name)
{
	for (size_t i = 0; i < s->nroles; i++)
		if (sut_streq(s->roles[i].name, name))
			return &s->roles[i];
	return NULL;
}

static int load_roots(const struct sut_tree *t, int64_t last, int64_t now, struct sut_tree_state *s,
		      struct sut_err *err)
{
	int r = 0;

	for (int64_t n = 1; r == 0 && n <= last; n++) {
		_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_TUF_ROOT_MAX);
		char name[40];

		snprintf(name, sizeof(name), "%" PRId64 ".root.json", n);
		r = sut_tree_get(t, name, &b, err);
		if (r == 0)
			r = n == 1 ? sut_tuf_trusted_new(b.data, b.len, now, &s->trusted, err)
				   : sut_tuf_trusted_root(s->trusted, b.data, b.len, err);
		if (r < 0)
			sut_err_prefix(err, "%s", name);
	}
	if (r == 0)
		r = sut_tuf_trusted_root_done(s->trusted, err);
	return r;
}

static int load_snapshot(const struct sut_tree *t, struct sut_tree_state *s, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf ts = SUT_BUF_INIT(SUT_TUF_TIMESTAMP_MAX),
				     snap = SUT_BUF_INIT(SUT_TUF_SNAPSHOT_MAX);
	char name[48];
	int r = sut_tree_get(t, "timestamp.json", &ts, err);

	if (r == 0) {
		r = sut_tuf_trusted_timestamp(s->trusted, ts.data, ts.len, false, err);
		if (r < 0)
			sut_err_prefix(err, "timestamp.json");
	}
	if (r < 0)
		return r;
	snprintf(name, sizeof(name), "%" PRId64 ".snapshot.json",
		 sut_tuf_trusted_get(s->trusted, SUT_TUF_TIMESTAMP)->refs[0].version);
	r = sut_tree_get(t, name, &snap, err);
	if (r == 0) {
		r = sut_tuf_trusted_snapshot(s->trusted, snap.data, snap.len, false, err);
		if (r < 0)
			sut_err_prefix(err, "%s", name);
	}
	return r < 0 ? r : 0;
}

static int load_targets(const struct sut_tree *t, struct sut_tree_state *s, const char *role,
			const char *delegator, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_TUF_TARGETS_MAX);
	_cleanup_(sut_freep) char *json = sut_sprintf("%s.json", role), *name = NULL;
	const struct sut_tuf_ref *ref;
	int r;

	if (!json)
		return sut_err_oom(err);
	ref = sut_tuf_ref(sut_tuf_trusted_get(s->trusted, SUT_TUF_SNAPSHOT), json);
	if (!ref)
		return sut_err_reason(err, EBADMSG, "missing",
				      "%s delegates to %s, but the snapshot does not have it",
				      delegator, role);
	name = sut_sprintf("%" PRId64 ".%s", ref->version, json);
	if (!name)
		return sut_err_oom(err);
	r = sut_tree_get(t, name, &b, err);
	if (r == 0) {
		r = sut_tuf_trusted_targets(s->trusted, role, delegator, b.data, b.len, err);
		if (r < 0)
			sut_err_prefix(err, "%s", name);
	}
	if (r < 0)
		return r;
	return add_role(s, role, delegator, sut_tuf_trusted_role(s->trusted, role, delegator), err);
}

/* Breadth first: what is found is added at the end, where it is visited in its turn. */
static int load_delegations(const struct sut_tree *t, struct sut_tree_state *s, struct sut_err *err)
{
	for (size_t i = 3; i < s->nroles; i++) {
		const struct sut_tuf_meta *m = s->roles[i].meta;

		for (size_t d = 0; d < m->ndelegations; d++) {
			const char *role = m->delegations[d].name;
			int r;

			if (find_role(s, role))
				return sut_err_reason(err, EBADMSG, "format",
						      "two roles delegate to %s, which "
						      "suture-repo never does",
						      role);
			r = load_targets(t, s, role, s->roles[i].name, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int sut_tree_load(const struct sut_tree *t, int64_t root, int64_t now, struct sut_tree_state *ret,
		  struct sut_err *err)
{
	_cleanup_(sut_tree_release) struct sut_tree_state s = {0};
	int r = load_roots(t, root, now, &s, err);

	if (r == 0)
		r = load_snapshot(t, &s, err);
	for (int i = SUT_TUF_ROOT; r == 0 && i <= SUT_TUF_SNAPSHOT; i++)
		r = add_role(&s, sut_tuf_type_name((enum sut_tuf_type)i), "root",
			     sut_tuf_trusted_get(s.trusted, (enum sut_tuf_type)i), err);
	if (r == 0)
		r = load_targets(t, &s, "targets", "root", err);
	if (r == 0)
		r = load_delegations(t, &s, err);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct sut_tree_state){0};
	return 0;
}
