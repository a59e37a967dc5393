// SPDX-License-Identifier: Apache-2.0
/* All targets: for those who publish what a repository has, and for mirrors. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tuf/refresh.h"

/* A role that speaks by the word of a delegator. Names live as long as the metadata they are from. */
struct voice {
	const char *role, *delegator;
};

struct walk {
	struct voice *v; /* all that were met; those from `next` on are still to be read */
	size_t n, cap, next;
	const char **paths; /* candidates */
	size_t npaths, paths_cap;
};

static void walk_release(struct walk *w)
{
	free(w->v);
	free(w->paths);
}

/* Room for one more in a list that grows. */
static int grow(void *list, size_t n, size_t *cap, size_t size)
{
	void **v = list;
	void *bigger;
	size_t want = *cap ? *cap * 2 : 64;

	if (n < *cap)
		return 0;
	bigger = reallocarray(*v, want, size);
	if (!bigger)
		return -ENOMEM;
	*v = bigger;
	*cap = want;
	return 0;
}

static int meet(struct walk *w, const char *role, const char *delegator, struct sut_err *err)
{
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->v[i].role, role) && !strcmp(w->v[i].delegator, delegator))
			return 0;
	if (w->n == SUT_TUF_ROLES_MAX)
		return sut_err_reason(
			err, ELOOP, "delegations",
			"the repository delegates to more than %d roles; its operator "
			"has to delegate more directly",
			SUT_TUF_ROLES_MAX);
	if (grow(&w->v, w->n, &w->cap, sizeof(*w->v)) < 0)
		return sut_err_oom(err);
	w->v[w->n++] = (struct voice){role, delegator};
	return 0;
}

static int collect(struct walk *w, const struct sut_tuf_meta *m,
		   bool (*want)(void *ctx, const char *path), void *ctx, struct sut_err *err)
{
	json_t *all = json_object_get(json_object_get(m->doc, "signed"), "targets");

	for (void *it = json_object_iter(all); it; it = json_object_iter_next(all, it)) {
		const char *path = json_object_iter_key(it);

		if (!*path || strlen(path) > SUT_TUF_PATH_MAX || (want && !want(ctx, path)))
			continue;
		if (grow(&w->paths, w->npaths, &w->paths_cap, sizeof(*w->paths)) < 0)
			return sut_err_oom(err);
		w->paths[w->npaths++] = path;
	}
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Who has an entry need not be in charge of that path, so each is looked up as a client would. */
static int tell(struct sut_tuf_client *c, struct walk *w,
		int (*each)(void *ctx, const struct sut_tuf_target *t, struct sut_err *err),
		void *ctx, struct sut_err *err)
{
	if (w->npaths)
		qsort(w->paths, w->npaths, sizeof(*w->paths), by_text);
	for (size_t i = 0; i < w->npaths; i++) {
		struct sut_tuf_target t;
		int r;

		if (i && !strcmp(w->paths[i], w->paths[i - 1]))
			continue;
		r = sut_tuf_find(c, w->paths[i], &t, err);
		if (r == -ENOENT)
			continue;
		if (r == 0)
			r = each(ctx, &t, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Reads the files of all roles. each: for every one that is signed as its delegator asks for. */
static int visit(struct sut_tuf_client *c, struct walk *w,
		 int (*each)(struct walk *w, void *ctx, const char *role,
			     const struct sut_tuf_meta *m, struct sut_err *err),
		 void *ctx, struct sut_err *err)
{
	int r = 0;

	if (c->state == SUT_TUF_FRESH)
		r = sut_tuf_refresh(c, err);
	else if (c->state == SUT_TUF_FAILED)
		r = sut_err_set(err, EPROTO,
				"the metadata could not be refreshed, so nothing can be listed");
	if (r == 0)
		r = meet(w, "targets", "root", err);
	for (; r == 0 && w->next < w->n; w->next++) {
		struct voice at = w->v[w->next];
		const struct sut_tuf_meta *m;

		r = sut_tuf_load_role(c, at.role, at.delegator, &m, err);
		if (r == 0)
			r = each(w, ctx, at.role, m, err);
		for (size_t i = 0; r == 0 && i < m->ndelegations; i++)
			r = meet(w, m->delegations[i].name, at.role, err);
	}
	return r;
}

struct filter {
	bool (*want)(void *ctx, const char *path);
	void *ctx;
};

static int collect_role(struct walk *w, void *ctx, const char *role _unused_,
			const struct sut_tuf_meta *m, struct sut_err *err)
{
	const struct filter *f = ctx;

	return collect(w, m, f->want, f->ctx, err);
}

int sut_tuf_each(struct sut_tuf_client *c, bool (*want)(void *ctx, const char *path),
		 int (*each)(void *ctx, const struct sut_tuf_target *t, struct sut_err *err),
		 void *ctx, struct sut_err *err)
{
	_cleanup_(walk_release) struct walk w = {0};
	struct filter f = {want, ctx};
	struct sut_err own = {0};
	int r;

	if (!err)
		err = &own;
	r = visit(c, &w, collect_role, &f, err);
	return r < 0 ? r : tell(c, &w, each, ctx, err);
}

struct role_fn {
	int (*each)(void *ctx, const char *role, const struct sut_tuf_meta *m, struct sut_err *err);
	void *ctx;
};

static int tell_role(struct walk *w, void *ctx, const char *role, const struct sut_tuf_meta *m,
		     struct sut_err *err)
{
	const struct role_fn *f = ctx;

	for (size_t i = 0; i < w->next; i++)
		if (!strcmp(w->v[i].role, role))
			return 0;
	return f->each(f->ctx, role, m, err);
}

int sut_tuf_each_role(struct sut_tuf_client *c,
		      int (*each)(void *ctx, const char *role, const struct sut_tuf_meta *m,
				  struct sut_err *err),
		      void *ctx, struct sut_err *err)
{
	_cleanup_(walk_release) struct walk w = {0};
	struct role_fn f = {each, ctx};
	struct sut_err own = {0};

	if (!err)
		err = &own;
	return visit(c, &w, tell_role, &f, err);
}
