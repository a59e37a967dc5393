// SPDX-License-Identifier: Apache-2.0
#include "cve/import.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cve/knowledge.h"

enum { ROWS = 20 }; /* of one statement */

void import_done_release(struct import_done *d)
{
	free(d->version);
	free(d->oldest);
	*d = (struct import_done){0};
}

/* What is to be said of one CVE. */
struct fact {
	const char *cve, *version, *subject;
};

struct facts {
	struct fact *v;
	size_t n;
};

static void facts_release(struct facts *f)
{
	free(f->v);
}

struct span {
	const char *newest, *oldest;
};

static struct span span_of(const struct sut_changelog *c)
{
	struct span s = {c->versions[0].version, c->versions[0].version};

	for (size_t i = 1; i < c->nversions; i++) {
		const char *v = c->versions[i].version;

		if (sut_debversion_cmp(v, s.newest) > 0)
			s.newest = v;
		if (sut_debversion_cmp(v, s.oldest) < 0)
			s.oldest = v;
	}
	return s;
}

/* The side that reaches further, and what the other one has from before its beginning. Both are sorted by
 * CVE, and so is the result. */
static void unite(const struct facts *far, const char *far_oldest, const struct facts *other,
		  struct facts *out)
{
	size_t i = 0, j = 0;

	while (i < far->n || j < other->n) {
		const struct fact *a = i < far->n ? &far->v[i] : NULL;
		const struct fact *b = j < other->n ? &other->v[j] : NULL;
		int d = !a ? 1 : !b ? -1 : strcmp(a->cve, b->cve);
		bool before = b && d >= 0 && sut_debversion_cmp(b->version, far_oldest) < 0;

		if (before)
			out->v[out->n++] = *b;
		else if (a && d <= 0)
			out->v[out->n++] = *a;
		i += d <= 0;
		j += d >= 0;
	}
}

static int facts_of_changelog(const struct sut_changelog *c, struct facts *ret)
{
	ret->v = calloc(c->nfixes + 1, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	for (size_t i = 0; i < c->nfixes; i++)
		ret->v[ret->n++] =
			(struct fact){c->fixes[i].cve, c->versions[c->fixes[i].version].version,
				      c->fixes[i].subject};
	return 0;
}

static int facts_of_source(const struct known_source *s, struct facts *ret)
{
	ret->v = calloc((s ? s->nfixes : 0) + 1, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	for (size_t i = 0; s && i < s->nfixes; i++)
		ret->v[ret->n++] = (struct fact){s->fixes[i].cve, s->versions[s->fixes[i].rank / 2],
						 s->fixes[i].subject};
	return 0;
}

/* Rows of four columns, of which the first is the same, many in one statement. */
struct rows {
	struct sut_db *db;
	const char *one, *many;
	int64_t source;
	struct sut_db_arg args[1 + 3 * ROWS];
	size_t n;
	struct sut_err *err;
};

static int rows_flush(struct rows *w)
{
	int r = 0;

	w->args[0] = SUT_DB_I(w->source);
	if (w->n == ROWS) {
		r = sut_db_exec(w->db, w->many, w->args, 1 + 3 * ROWS, NULL, w->err);
	} else {
		for (size_t i = 0; r == 0 && i < w->n; i++) {
			struct sut_db_arg args[4] = {w->args[0], w->args[1 + 3 * i],
						     w->args[2 + 3 * i], w->args[3 + 3 * i]};

			r = sut_db_exec(w->db, w->one, args, 4, NULL, w->err);
		}
	}
	w->n = 0;
	return r;
}

static int rows_add(struct rows *w, struct sut_db_arg a, struct sut_db_arg b, struct sut_db_arg c)
{
	w->args[1 + 3 * w->n] = a;
	w->args[2 + 3 * w->n] = b;
	w->args[3 + 3 * w->n] = c;
	return ++w->n == ROWS ? rows_flush(w) : 0;
}

#define ROW1 "($1, $2, $3, $4)"
#define ROW20                                                                                       \
	ROW1 ", ($1, $5, $6, $7), ($1, $8, $9, $10), ($1, $11, $12, $13), ($1, $14, $15, $16), "    \
	     "($1, $17, $18, $19), ($1, $20, $21, $22), ($1, $23, $24, $25), ($1, $26, $27, $28), " \
	     "($1, $29, $30, $31), ($1, $32, $33, $34), ($1, $35, $36, $37), ($1, $38, $39, $40), " \
	     "($1, $41, $42, $43), ($1, $44, $45, $46), ($1, $47, $48, $49), ($1, $50, $51, $52), " \
	     "($1, $53, $54, $55), ($1, $56, $57, $58), ($1, $59, $60, $61)"

/* From what is to what shall be; both sorted by CVE. */
static int write_fixes(struct sut_db *db, int64_t source, const struct facts *is,
		       const struct facts *shall, struct import_done *done, struct sut_err *err)
{
#define INSERT "INSERT INTO cve_fixes (source, cve, version, subject) VALUES "
#define UPSERT                                                                                     \
	" ON CONFLICT (source, cve) DO UPDATE SET version = excluded.version, "                    \
	"subject = excluded.subject"
	static const char one[] = INSERT ROW1 UPSERT, many[] = INSERT ROW20 UPSERT;
	static const char gone[] = "DELETE FROM cve_fixes WHERE source = $1 AND cve = $2";
	struct rows w = {.db = db, .one = one, .many = many, .source = source, .err = err};
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < is->n || j < shall->n)) {
		const struct fact *a = i < is->n ? &is->v[i] : NULL;
		const struct fact *b = j < shall->n ? &shall->v[j] : NULL;
		int d = !a ? 1 : !b ? -1 : strcmp(a->cve, b->cve);

		i += d <= 0;
		j += d >= 0;
		if (d < 0) {
			done->removed++;
			r = sut_db_exec(db, gone, SUT_DB_ARGS(SUT_DB_I(source), SUT_DB_T(a->cve)),
					NULL, err);
			continue;
		}
		if (d == 0 && sut_streq(a->version, b->version) &&
		    sut_streq(a->subject, b->subject))
			continue;
		done->added += d > 0;
		done->changed += d == 0;
		r = rows_add(&w, SUT_DB_T(b->cve), SUT_DB_T(b->version), SUT_DB_T(b->subject));
	}
	return r < 0 ? r : rows_flush(&w);
}

static bool knows_version(const struct known_source *s, const char *version)
{
	return s && (known_rank(s, version) & 1);
}

/* Versions are only added. */
static int write_versions(struct sut_db *db, int64_t source, const struct known_source *s,
			  const struct sut_changelog *c, struct import_done *done,
			  struct sut_err *err)
{
	static const char sql[] = "INSERT INTO source_versions (source, version, released) "
				  "VALUES ($1, $2, $3) ON CONFLICT (source, version) DO NOTHING";
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->nversions; i++) {
		int64_t n = 0;

		if (knows_version(s, c->versions[i].version))
			continue;
		r = sut_db_exec(db, sql,
				SUT_DB_ARGS(SUT_DB_I(source), SUT_DB_T(c->versions[i].version),
					    SUT_DB_I(c->versions[i].released)),
				&n, err);
		done->new_versions += (size_t)n;
	}
	return r;
}

static const struct known_source *find(const struct knowledge *k, const char *distribution,
				       const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (sut_streq(k->sources[i].distribution, distribution) &&
		    sut_streq(k->sources[i].name, name))
			return &k->sources[i];
	return NULL;
}

static int check_related(const struct known_source *s, const struct sut_changelog *c,
			 struct sut_err *err)
{
	for (size_t i = 0; i < c->nversions; i++)
		if (knows_version(s, c->versions[i].version))
			return 0;
	return sut_err_reason(
		err, ESTALE, "unrelated",
		"this changelog and what is known of %s (%s to %s) have no version in "
		"common, so they are of different branches",
		c->source, s->oldest, s->version);
}

/* The row of the source, made or brought up to date. */
static int write_source(struct sut_db *db, const char *distribution, const char *name,
			const struct span *span, int64_t now, int64_t *ret, struct sut_err *err)
{
	static const char sql[] =
		"INSERT INTO sources (distribution, name, version, oldest, imported) "
		"VALUES ($1, $2, $3, $4, $5) ON CONFLICT (distribution, name) DO UPDATE SET "
		"version = excluded.version, oldest = excluded.oldest, imported = excluded.imported "
		"RETURNING id";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_one(db, sql,
			   SUT_DB_ARGS(SUT_DB_T(distribution), SUT_DB_T(name),
				       SUT_DB_T(span->newest), SUT_DB_T(span->oldest),
				       SUT_DB_I(now)),
			   &rows, err);

	if (r > 0)
		*ret = sut_db_int(rows, 0);
	return r < 0 ? r : 0;
}

static int forget(struct sut_db *db, int64_t source, struct sut_err *err)
{
	int r = sut_db_exec(db, "DELETE FROM cve_fixes WHERE source = $1",
			    SUT_DB_ARGS(SUT_DB_I(source)), NULL, err);

	if (r == 0)
		r = sut_db_exec(db, "DELETE FROM source_versions WHERE source = $1",
				SUT_DB_ARGS(SUT_DB_I(source)), NULL, err);
	return r;
}

static void widen(struct span *a, const struct known_source *s)
{
	if (sut_debversion_cmp(s->version, a->newest) > 0)
		a->newest = s->version;
	if (sut_debversion_cmp(s->oldest, a->oldest) < 0)
		a->oldest = s->oldest;
}

/* What is known (NULL: nothing) and the changelog, together. */
static int merge(const struct known_source *s, const struct sut_changelog *c, struct span file,
		 struct facts *is, struct facts *shall)
{
	_cleanup_(facts_release) struct facts said = {0};

	if (facts_of_source(s, is) < 0 || facts_of_changelog(c, &said) < 0)
		return -ENOMEM;
	shall->v = calloc(is->n + said.n + 1, sizeof(*shall->v));
	if (!shall->v)
		return -ENOMEM;
	if (s && sut_debversion_cmp(s->version, file.newest) > 0)
		unite(is, s->oldest, &said, shall);
	else
		unite(&said, file.oldest, is, shall);
	return 0;
}

static int write_all(struct sut_db *db, const char *distribution, const struct sut_changelog *c,
		     const struct known_source *s, bool replace, int64_t now,
		     struct import_done *done, struct sut_err *err)
{
	_cleanup_(facts_release) struct facts is = {0}, shall = {0};
	struct span file = span_of(c), all = file;
	int r = merge(s, c, file, &is, &shall);

	if (r < 0)
		return sut_err_oom(err);
	if (s)
		widen(&all, s);
	r = write_source(db, distribution, c->source, &all, now, &done->source, err);
	if (r == 0 && replace)
		r = forget(db, done->source, err);
	if (r == 0)
		r = write_versions(db, done->source, s, c, done, err);
	if (r == 0)
		r = write_fixes(db, done->source, &is, &shall, done, err);
	if (r < 0)
		return r;
	done->cves = shall.n;
	done->versions = (s ? s->nversions : 0) + done->new_versions;
	done->version = strdup(all.newest);
	done->oldest = strdup(all.oldest);
	return done->version && done->oldest ? 0 : sut_err_oom(err);
}

/* Does the changelog say what is known already, and nothing else? */
static int is_news(const struct known_source *s, const struct sut_changelog *c, bool *ret)
{
	_cleanup_(facts_release) struct facts is = {0}, shall = {0};
	int r = merge(s, c, span_of(c), &is, &shall);

	if (r < 0)
		return r;
	*ret = is.n != shall.n;
	for (size_t i = 0; !*ret && i < is.n; i++)
		*ret = !sut_streq(is.v[i].cve, shall.v[i].cve) ||
		       !sut_streq(is.v[i].version, shall.v[i].version) ||
		       !sut_streq(is.v[i].subject, shall.v[i].subject);
	for (size_t i = 0; !*ret && i < c->nversions; i++)
		*ret = !knows_version(s, c->versions[i].version);
	return 0;
}

static int nothing_new(const struct known_source *s, struct import_done *done, struct sut_err *err)
{
	done->source = s->id;
	done->cves = s->nfixes;
	done->versions = s->nversions;
	done->version = strdup(s->version);
	done->oldest = strdup(s->oldest);
	return done->version && done->oldest ? 0 : sut_err_oom(err);
}

int import_changelog(struct sut_db *db, const char *distribution, const struct sut_changelog *c,
		     bool replace, int64_t now, struct import_done *ret, struct sut_err *err)
{
	_cleanup_(import_done_release) struct import_done done = {.any = true};
	_cleanup_(knowledge_freep) struct knowledge *k = NULL;
	const struct known_source *s;
	int r = knowledge_load(db, &k, err);

	if (r < 0)
		return r;
	s = replace ? NULL : find(k, distribution, c->source);
	if (s) {
		r = check_related(s, c, err);
		if (r == 0 && is_news(s, c, &done.any) < 0)
			r = sut_err_oom(err);
	}
	if (r == 0)
		r = done.any ? write_all(db, distribution, c, s, replace, now, &done, err)
			     : nothing_new(s, &done, err);
	if (r < 0)
		return r;
	*ret = done;
	done = (struct import_done){0};
	return 0;
}
