// SPDX-License-Identifier: Apache-2.0
#include "cve/target.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

void target_release(struct target *t)
{
	for (size_t i = 0; i < t->ncves; i++) {
		free(t->cves[i].status);
		free(t->cves[i].note);
	}
	free(t->cves);
	free(t->product);
	free(t->name);
	free(t->arch);
	free(t->release);
	free(t->package);
	free(t->version);
	free(t->file);
	free(t->soname);
	free(t->source_name);
	free(t->source_version);
	*t = (struct target){0};
}

static int add(struct target *t, size_t *cap, const struct target_cve *c)
{
	if (t->ncves == *cap) {
		size_t want = *cap ? *cap * 2 : 64;
		struct target_cve *more = reallocarray(t->cves, want, sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->cves = more;
		*cap = want;
	}
	t->cves[t->ncves++] = *c;
	return 0;
}

static int by_cve(const void *a, const void *b)
{
	const struct target_cve *x = a, *y = b;
	int d = strcmp(x->cve, y->cve);

	if (d == 0)
		d = (int)y->whole - (int)x->whole;
	return d ? d : (x->level > y->level) - (x->level < y->level);
}

/* Levels are cumulative: what counts is the lowest that has it. */
static int load_fixed(struct sut_db *db, struct target *t, size_t *cap, struct sut_err *err)
{
	static const char sql[] =
		"SELECT c.cve, MIN(t.level) FROM patch_targets t JOIN patch_cves c ON c.target = t.id "
		"WHERE t.build_id = $1 AND t.gone IS NULL AND c.status = 'fixed' GROUP BY c.cve";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(db, sql, SUT_DB_ARGS(SUT_DB_T(t->build_id)), &rows, err);

	if (r < 0)
		return r;
	while ((r = sut_db_next(rows, err)) > 0) {
		struct target_cve c = {.level = sut_db_int(rows, 1), .whole = true};

		if (!sut_cve_id_ok(sut_db_text(rows, 0)))
			continue;
		memcpy(c.cve, sut_db_text(rows, 0), strlen(sut_db_text(rows, 0)) + 1);
		if (add(t, cap, &c) < 0)
			return sut_err_oom(err);
	}
	return r;
}

static int load_partial(struct sut_db *db, struct target *t, size_t *cap, struct sut_err *err)
{
	static const char sql[] =
		"SELECT c.cve, t.level, c.status, c.note FROM patch_targets t "
		"JOIN patch_cves c ON c.target = t.id "
		"WHERE t.build_id = $1 AND t.gone IS NULL AND c.status <> 'fixed'";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(db, sql, SUT_DB_ARGS(SUT_DB_T(t->build_id)), &rows, err);

	if (r < 0)
		return r;
	while ((r = sut_db_next(rows, err)) > 0) {
		struct target_cve c = {.level = sut_db_int(rows, 1)};

		if (!sut_cve_id_ok(sut_db_text(rows, 0)))
			continue;
		memcpy(c.cve, sut_db_text(rows, 0), strlen(sut_db_text(rows, 0)) + 1);
		c.status = strdup(sut_db_text(rows, 2));
		c.note = strdup(sut_db_text(rows, 3));
		if (!c.status || !c.note || add(t, cap, &c) < 0) {
			free(c.status);
			free(c.note);
			return sut_err_oom(err);
		}
	}
	return r;
}

int target_load(struct sut_db *db, struct target *t, struct sut_err *err)
{
	size_t cap = 0;
	int r = load_fixed(db, t, &cap, err);

	if (r == 0)
		r = load_partial(db, t, &cap, err);
	if (r == 0 && t->ncves)
		qsort(t->cves, t->ncves, sizeof(*t->cves), by_cve);
	return r;
}

/* A partial fix of one level, and a whole one of a later: both are told. */
static int walk_patched(const struct target *t, size_t *i, target_fn fn, void *ctx,
			const struct known_fix *known)
{
	const struct target_cve *first = &t->cves[*i], *told = NULL;
	int r = 0;

	for (; r == 0 && *i < t->ncves; (*i)++) {
		const struct target_cve *c = &t->cves[*i];

		if (!sut_streq(c->cve, first->cve))
			break;
		if (c->whole) {
			r = fn(ctx, TARGET_FIXED, c->cve, c, known);
		} else if ((!first->whole || c->level < first->level) &&
			   (!told || !sut_streq(told->status, c->status))) {
			told = c;
			r = fn(ctx, TARGET_PARTIAL, c->cve, c, known);
		}
	}
	return r;
}

int target_walk(const struct target *t, target_fn fn, void *ctx)
{
	const struct known_source *s = t->source;
	size_t i = 0, j = 0, n = s ? s->nfixes : 0;
	int r = 0;

	while (r == 0 && (i < t->ncves || j < n)) {
		const struct target_cve *c = i < t->ncves ? &t->cves[i] : NULL;
		const struct known_fix *f = j < n ? &s->fixes[j] : NULL;
		int d = !c ? 1 : !f ? -1 : strcmp(c->cve, f->cve);

		if (d > 0) {
			j++;
			if (f->rank > t->rank)
				r = fn(ctx, TARGET_PENDING, f->cve, NULL, f);
			continue;
		}
		if (d < 0 || f->rank <= t->rank)
			f = NULL;
		r = walk_patched(t, &i, fn, ctx, f);
		j += d == 0;
	}
	return r;
}
