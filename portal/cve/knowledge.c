// SPDX-License-Identifier: Apache-2.0
#include "cve/knowledge.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static void release_source(struct known_source *s)
{
	for (size_t i = 0; i < s->nversions; i++)
		free(s->versions[i]);
	for (size_t i = 0; s->subjects && i < s->nfixes; i++)
		free(s->subjects[i]);
	free(s->versions);
	free(s->fixes);
	free(s->subjects);
	free(s->distribution);
	free(s->name);
	free(s->version);
	free(s->oldest);
}

void knowledge_free(struct knowledge *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++)
		release_source(&k->sources[i]);
	free(k->sources);
	free(k);
}

void knowledge_freep(struct knowledge **k)
{
	knowledge_free(*k);
}

/* Room for one more of size bytes; arrays double when n reaches a power of two. */
static int grow(void *array, size_t n, size_t size)
{
	void **a = array, *more;

	if (n & (n - 1) || (n && n < 16))
		return 0;
	more = reallocarray(*a, n ? n * 2 : 16, size);
	if (!more)
		return -ENOMEM;
	*a = more;
	return 0;
}

static int by_version(const void *a, const void *b)
{
	return sut_debversion_cmp(*(char *const *)a, *(char *const *)b);
}

static int load_versions(struct sut_db *db, struct known_source *s, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(db, "SELECT version FROM source_versions WHERE source = $1",
			     SUT_DB_ARGS(SUT_DB_I(s->id)), &rows, err);

	if (r < 0)
		return r;
	while ((r = sut_db_next(rows, err)) > 0) {
		if (grow(&s->versions, s->nversions, sizeof(*s->versions)) < 0)
			return sut_err_oom(err);
		s->versions[s->nversions] = strdup(sut_db_text(rows, 0));
		if (!s->versions[s->nversions])
			return sut_err_oom(err);
		s->nversions++;
	}
	if (r == 0 && s->nversions)
		qsort(s->versions, s->nversions, sizeof(*s->versions), by_version);
	return r;
}

uint32_t known_rank(const struct known_source *s, const char *version)
{
	size_t lo = 0, hi = s->nversions;

	/* Ranks are odd for what is in the list, even between. */
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int d = sut_debversion_cmp(s->versions[mid], version);

		if (d == 0)
			return (uint32_t)mid * 2 + 1;
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (uint32_t)lo * 2;
}

static int by_cve(const void *a, const void *b)
{
	return strcmp(((const struct known_fix *)a)->cve, ((const struct known_fix *)b)->cve);
}

static int load_fixes(struct sut_db *db, struct known_source *s, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(db, "SELECT cve, version, subject FROM cve_fixes WHERE source = $1",
			     SUT_DB_ARGS(SUT_DB_I(s->id)), &rows, err);

	if (r < 0)
		return r;
	while ((r = sut_db_next(rows, err)) > 0) {
		uint32_t rank = known_rank(s, sut_db_text(rows, 1));
		struct known_fix *f;

		if (!sut_cve_id_ok(sut_db_text(rows, 0)) || !(rank & 1))
			continue;
		if (grow(&s->fixes, s->nfixes, sizeof(*s->fixes)) < 0 ||
		    grow(&s->subjects, s->nfixes, sizeof(*s->subjects)) < 0)
			return sut_err_oom(err);
		f = &s->fixes[s->nfixes];
		memcpy(f->cve, sut_db_text(rows, 0), strlen(sut_db_text(rows, 0)) + 1);
		f->rank = rank;
		f->subject = s->subjects[s->nfixes] = strdup(sut_db_text(rows, 2));
		if (!f->subject)
			return sut_err_oom(err);
		s->nfixes++;
	}
	if (r == 0 && s->nfixes)
		qsort(s->fixes, s->nfixes, sizeof(*s->fixes), by_cve);
	return r;
}

static int by_name(const void *a, const void *b)
{
	const struct known_source *x = a, *y = b;
	int d = strcmp(x->distribution, y->distribution);

	return d ? d : strcmp(x->name, y->name);
}

static int load_sources(struct sut_db *db, struct knowledge *k, struct sut_err *err)
{
	static const char sql[] =
		"SELECT id, distribution, name, version, oldest, imported FROM sources";
	_cleanup_rows_ struct sut_db_rows *rows = NULL;
	int r = sut_db_query(db, sql, SUT_DB_NONE, &rows, err);

	if (r < 0)
		return r;
	while ((r = sut_db_next(rows, err)) > 0) {
		struct known_source *s;

		if (grow(&k->sources, k->n, sizeof(*k->sources)) < 0)
			return sut_err_oom(err);
		s = &k->sources[k->n++];
		*s = (struct known_source){
			.id = sut_db_int(rows, 0),
			.distribution = strdup(sut_db_text(rows, 1)),
			.name = strdup(sut_db_text(rows, 2)),
			.version = strdup(sut_db_text(rows, 3)),
			.oldest = strdup(sut_db_text(rows, 4)),
			.imported = sut_db_int(rows, 5),
		};
		if (!s->distribution || !s->name || !s->version || !s->oldest)
			return sut_err_oom(err);
	}
	if (r == 0 && k->n)
		qsort(k->sources, k->n, sizeof(*k->sources), by_name);
	return r;
}

int knowledge_load(struct sut_db *db, struct knowledge **ret, struct sut_err *err)
{
	_cleanup_(knowledge_freep) struct knowledge *k = calloc(1, sizeof(*k));
	int r = k ? load_sources(db, k, err) : sut_err_oom(err);

	for (size_t i = 0; r == 0 && i < k->n; i++) {
		r = load_versions(db, &k->sources[i], err);
		if (r == 0)
			r = load_fixes(db, &k->sources[i], err);
	}
	if (r < 0)
		return r;
	*ret = sut_steal(k);
	return 0;
}

/* "debian" and "debian-12" are of "debian/…". */
static bool of_distribution(const char *distribution, const char *target)
{
	size_t n = strcspn(target, "/");

	return strncmp(distribution, target, n) == 0 &&
	       (distribution[n] == 0 || distribution[n] == '-');
}

static bool is_kernel(const char *name)
{
	return sut_streq(name, "linux") || sut_startswith(name, "linux-");
}

/* The version of the source: without "+b1". "": there is none of that length. */
static void source_version(const char *version, char ret[static 256])
{
	char *b;

	snprintf(ret, 256, "%s", strlen(version) < 256 ? version : "");
	b = strrchr(ret, '+');
	if (b && b[1] == 'b' && b[2] && strspn(b + 2, "0123456789") == strlen(b + 2))
		*b = 0;
}

const struct known_source *knowledge_source(const struct knowledge *k,
					    const struct known_package *p, uint32_t *ret_rank)
{
	const struct known_source *found = NULL;
	bool kernel = sut_streq(p->product, "kernel");
	const char *package = *p->source ? p->source : p->name;
	char v[256];

	source_version(*p->source_version ? p->source_version : p->version, v);
	for (size_t i = 0; *v && i < k->n; i++) {
		const struct known_source *s = &k->sources[i];
		uint32_t rank;

		if (!of_distribution(s->distribution, p->target) || is_kernel(s->name) != kernel ||
		    (*p->source && !sut_streq(s->name, p->source)))
			continue;
		rank = known_rank(s, v);
		if (!(rank & 1))
			continue;
		/* Of several the one that is named as the package, or else the one that knows most. */
		if (!found || sut_streq(s->name, package) ||
		    (!sut_streq(found->name, package) &&
		     sut_debversion_cmp(s->version, found->version) > 0)) {
			found = s;
			*ret_rank = rank;
		}
	}
	return found;
}
