// SPDX-License-Identifier: Apache-2.0
#include "feed/view.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "db/db.h"

/* While it is being read. */
struct reading {
	struct view *view;
	struct decide_entry *v;
	int64_t *targets; /* row id of entry i */
	size_t n, cap;
};

void view_free(struct view *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->pub.n; i++)
		free((void *)v->pub.v[i].cves);
	free(v->pub.v);
	sut_strv_release(&v->strings);
	free(v);
}

void view_freep(struct view **v)
{
	view_free(*v);
}

static int keep(struct view *v, const char *s, const char **ret)
{
	if (sut_strv_add(&v->strings, s ? s : "") < 0)
		return -ENOMEM;
	*ret = v->strings.v[v->strings.n - 1];
	v->bytes += strlen(*ret) + 32;
	return 0;
}

static int read_feed(struct sut_db *db, int64_t feed, struct view *v, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, "SELECT name, delay_hours, pin FROM feeds WHERE id = $1",
			   SUT_DB_ARGS(SUT_DB_I(feed)), &rows, err);

	if (r == 0)
		return sut_err_set(err, ENOENT, "there is no feed with the row id %lld",
				   (long long)feed);
	if (r < 0)
		return r;
	snprintf(v->pub.feed, sizeof(v->pub.feed), "%s", sut_db_text(rows, 0));
	v->pub.delay_sec = sut_db_int(rows, 1) * 3600;
	return feed_pin_parse(sut_db_text(rows, 2), &v->pub.pin, err);
}

static enum decide_state state_of(const char *s)
{
	if (!s)
		return DECIDE_ABSENT;
	if (!strcmp(s, "active"))
		return DECIDE_ACTIVE;
	/* What is not known is not given out. */
	return !strcmp(s, "held") ? DECIDE_HELD : DECIDE_WITHDRAWN;
}

static int add_entry(struct reading *g, const struct sut_db_rows *rows)
{
	struct view *view = g->view;
	struct decide_entry *e;
	int r;

	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 8;
		struct decide_entry *v = reallocarray(g->v, cap, sizeof(*v));
		int64_t *targets;

		if (!v)
			return -ENOMEM;
		g->v = v;
		targets = reallocarray(g->targets, cap, sizeof(*targets));
		if (!targets)
			return -ENOMEM;
		g->targets = targets;
		g->cap = cap;
	}
	g->targets[g->n] = sut_db_int(rows, 0);
	e = &g->v[g->n];
	*e = (struct decide_entry){
		.level = (uint32_t)sut_db_int(rows, 1),
		.created = sut_db_int(rows, 3),
		.state = state_of(sut_db_text(rows, 4)),
		.entered = sut_db_int(rows, 5),
		.until = sut_db_int(rows, 6),
		.gone = !sut_db_is_null(rows, 8),
		.length = sut_db_int(rows, 11),
	};
	r = keep(view, sut_db_text(rows, 2), &e->patchset);
	if (r == 0)
		r = keep(view, sut_db_text(rows, 7), &e->reason);
	if (r == 0)
		r = keep(view, sut_db_text(rows, 9), &e->path);
	if (r == 0)
		r = keep(view, sut_db_text(rows, 10), &e->sha256);
	if (r == 0)
		g->n++;
	view->bytes += sizeof(*e);
	return r;
}

static int read_entries(struct sut_db *db, int64_t feed, const char *build_id, struct reading *g,
			struct sut_err *err)
{
	static const char sql[] =
		"SELECT t.id, t.level, p.name, p.created, e.state, e.entered, e.until, e.reason,"
		" t.gone, t.path, t.sha256, t.length"
		" FROM patch_targets t JOIN patchsets p ON p.id = t.patchset"
		" LEFT JOIN feed_entries e ON e.patchset = p.id AND e.feed = $1"
		" WHERE t.build_id = $2 ORDER BY t.level";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(db, sql, SUT_DB_ARGS(SUT_DB_I(feed), SUT_DB_T(build_id)), &rows, err);

	while (r == 0 && (r = sut_db_next(rows, err)) > 0) {
		r = add_entry(g, rows);
		if (r < 0)
			return sut_err_oom(err);
	}
	return r;
}

static int add_cve(struct decide_entry *e, const char *cve, size_t *bytes)
{
	const char **v = (const char **)e->cves;

	if ((e->ncves & (e->ncves - 1)) == 0) { /* full at 0, 1, 2, 4, 8 … */
		const char **bigger = reallocarray(v, e->ncves ? e->ncves * 2 : 1, sizeof(*v));

		if (!bigger)
			return -ENOMEM;
		e->cves = v = bigger;
	}
	v[e->ncves++] = cve;
	*bytes += sizeof(*v);
	return 0;
}

/* Levels are cumulative, so most have the same ones: a name is kept once. */
static int read_cves(struct sut_db *db, const char *build_id, struct reading *g,
		     struct sut_err *err)
{
	static const char sql[] =
		"SELECT c.cve, c.target FROM patch_cves c JOIN patch_targets t ON t.id = c.target"
		" WHERE t.build_id = $1 ORDER BY c.cve, c.target";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	const char *last = "";
	int r = sut_db_query(db, sql, SUT_DB_ARGS(SUT_DB_T(build_id)), &rows, err);

	while (r == 0 && (r = sut_db_next(rows, err)) > 0) {
		const char *cve = sut_db_text(rows, 0);
		int64_t target = sut_db_int(rows, 1);

		r = strcmp(cve, last) ? keep(g->view, cve, &last) : 0;
		for (size_t i = 0; r == 0 && i < g->n; i++)
			if (g->targets[i] == target)
				r = add_cve(&g->v[i], last, &g->view->bytes);
		if (r < 0)
			return sut_err_oom(err);
	}
	return r;
}

int view_read(struct sut_db *db, int64_t feed, const char *build_id, struct view **ret,
	      struct sut_err *err)
{
	_cleanup_(view_freep) struct view *v = calloc(1, sizeof(*v));
	struct reading g = {.view = v};
	int r;

	if (!v)
		return sut_err_oom(err);
	atomic_init(&v->refs, 1);
	v->bytes = sizeof(*v);
	r = read_feed(db, feed, v, err);
	if (r == 0)
		r = read_entries(db, feed, build_id, &g, err);
	if (r == 0 && g.n)
		r = read_cves(db, build_id, &g, err);
	v->pub.v = g.v;
	v->pub.n = g.n;
	free(g.targets);
	if (r < 0)
		return r;
	*ret = sut_steal(v);
	return 0;
}
