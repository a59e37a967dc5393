// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "tuf/refresh.h"

int sut_tuf_init(const char *metadata_dir, const void *root, size_t len, struct sut_err *err)
{
	_cleanup_(sut_tuf_trusted_freep) struct sut_tuf_trusted *t = NULL;
	_cleanup_(sut_tuf_store_freep) struct sut_tuf_store *s = NULL;
	int r;

	/* One that is not signed by its own keys would only fail later. Its expiry does not matter: the
	 * next one may be waiting. */
	r = sut_tuf_trusted_new(root, len, 0, &t, err);
	if (r < 0)
		return r;
	r = sut_tuf_store_open(metadata_dir, &s, err);
	/* The root first: whatever is left of an earlier trust is worth nothing under the new one. */
	if (r == 0)
		r = sut_tuf_store_put(s, "root", root, len, err);
	if (r == 0)
		r = sut_tuf_store_keep_only(s, "root", err);
	return r;
}

/* A copy without '/' at the end. */
static int copy_url(const char *url, char **ret, struct sut_err *err)
{
	char *u = strdup(url);
	size_t n = strlen(url);

	if (!u)
		return sut_err_oom(err);
	while (n && u[n - 1] == '/')
		u[--n] = 0;
	*ret = u;
	return 0;
}

int sut_tuf_client_new(const struct sut_tuf_client_opts *opts, struct sut_tuf_client **ret,
		       struct sut_err *err)
{
	_cleanup_(sut_tuf_client_freep) struct sut_tuf_client *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return sut_err_oom(err);
	c->fetcher = opts->fetcher;
	c->now = opts->now;
	r = copy_url(opts->metadata_url, &c->metadata_url, err);
	if (r == 0 && opts->targets_url)
		r = copy_url(opts->targets_url, &c->targets_url, err);
	if (r < 0)
		return r;
	/* A mistyped name must not become a folder. */
	if (!sut_exists(opts->metadata_dir))
		return sut_err_reason(
			err, ENOENT, "no-root",
			"the metadata folder %s is not there; put a trusted root there "
			"first (init)",
			opts->metadata_dir);
	r = sut_tuf_store_open(opts->metadata_dir, &c->store, err);
	if (r == 0)
		*ret = sut_steal(c);
	return r;
}

void sut_tuf_client_free(struct sut_tuf_client *c)
{
	if (!c)
		return;
	sut_tuf_trusted_free(c->trusted);
	sut_tuf_store_free(c->store);
	free(c->metadata_url);
	free(c->targets_url);
	free(c);
}

void sut_tuf_client_freep(struct sut_tuf_client **c)
{
	sut_tuf_client_free(*c);
}

const struct sut_tuf_meta *sut_tuf_client_meta(const struct sut_tuf_client *c,
					       enum sut_tuf_type type)
{
	return c->trusted ? sut_tuf_trusted_get(c->trusted, type) : NULL;
}

/* A delegation that is still to be followed. The names live as long as the metadata they are from. */
struct step {
	const char *role, *delegator;
};

struct walk {
	struct step *v; /* the next one last */
	size_t n, cap;
	const char *visited[SUT_TUF_DELEGATIONS_MAX + 1]; /* with "targets" */
	size_t nvisited;
};

static void walk_release(struct walk *w)
{
	free(w->v);
}

static bool is_visited(const struct walk *w, const char *role)
{
	for (size_t i = 0; i < w->nvisited; i++)
		if (!strcmp(w->visited[i], role))
			return true;
	return false;
}

/* Puts the delegations of m for the path on top, so that the first one comes next. One that
 * terminates is the last to be looked at, here and further up. */
static int push(struct walk *w, const struct sut_tuf_meta *m, const char *role, const char *path)
{
	size_t last = m->ndelegations, n = 0;

	for (size_t i = 0; i < last; i++) {
		if (!sut_tuf_delegates(&m->delegations[i], path))
			continue;
		n++;
		if (m->delegations[i].terminating) {
			w->n = 0;
			last = i + 1;
		}
	}
	if (w->n + n > w->cap) {
		struct step *v = reallocarray(w->v, w->n + n, sizeof(*v));

		if (!v)
			return -ENOMEM;
		w->v = v;
		w->cap = w->n + n;
	}
	for (size_t i = last; i-- > 0;)
		if (sut_tuf_delegates(&m->delegations[i], path))
			w->v[w->n++] = (struct step){m->delegations[i].name, role};
	return 0;
}

/* 5.6.7: pre-order, depth first, in the order of the delegations. */
static int find(struct sut_tuf_client *c, const char *path, struct sut_tuf_target *ret,
		struct sut_err *err)
{
	_cleanup_(walk_release) struct walk w = {0};
	struct step at = {"targets", "root"};

	for (;;) {
		const struct sut_tuf_meta *m;
		int r;

		if (w.nvisited == SUT_ARRAY_SIZE(w.visited))
			return sut_err_reason(
				err, ELOOP, "delegations",
				"more than %d roles are asked for '%.200s'; the operator "
				"of the repository has to delegate more directly",
				SUT_TUF_DELEGATIONS_MAX, path);
		r = sut_tuf_load_role(c, at.role, at.delegator, &m, err);
		if (r < 0)
			return r;
		r = sut_tuf_meta_target(m, path, ret, err);
		if (r != -ENOENT)
			return r;
		w.visited[w.nvisited++] = at.role;
		if (push(&w, m, at.role, path) < 0)
			return sut_err_oom(err);
		do {
			if (!w.n)
				return sut_err_reason(
					err, ENOENT, "no-target",
					"the repository has no target '%.200s'; check its "
					"name",
					path);
			at = w.v[--w.n];
		} while (is_visited(&w, at.role));
	}
}

int sut_tuf_find(struct sut_tuf_client *c, const char *path, struct sut_tuf_target *ret,
		 struct sut_err *err)
{
	struct sut_err own = {0};
	int r;

	if (!err)
		err = &own;
	if (!*path || strlen(path) > SUT_TUF_PATH_MAX)
		return sut_err_set(err, EINVAL, "a target's path has 1 to %d bytes",
				   SUT_TUF_PATH_MAX);
	if (c->state == SUT_TUF_FRESH) {
		r = sut_tuf_refresh(c, err);
		if (r < 0)
			return r;
	}
	if (c->state != SUT_TUF_REFRESHED)
		return sut_err_set(
			err, EPROTO,
			"the metadata could not be refreshed, so nothing can be looked up");
	return find(c, path, ret, err);
}
