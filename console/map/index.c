// SPDX-License-Identifier: Apache-2.0
#include "map/index.h"

#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "cve/changelog.h"
#include "json/parse.h"
#include "map/index_read.h"
#include "map/strings.h"

enum { DEPTH = 16 };

/* What a changelog says, whichever target told it. */
struct known {
	const char *distribution, *source; /* of the pool: equal ones are one pointer */
	int64_t cve;
	const char *fixed_in;
};

struct library {
	const char *package, *soname;
};

struct map_index {
	_Atomic unsigned int refs;
	struct strings *pool;
	struct index_target *v; /* by build id */
	size_t n, cap;
	const struct index_target **by_kernel_id, **by_package;
	size_t nby_kernel_id;
	struct known *known;
	size_t nknown, known_cap;
	struct library *libraries; /* by package */
	size_t nlibraries, libraries_cap;
	const char *feeds[INDEX_FEEDS_MAX];
	unsigned int nfeeds;
};

/* --- life --- */

static void index_free(struct map_index *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free((void *)x->v[i].levels);
		free((void *)x->v[i].fixes);
	}
	free(x->v);
	free(x->by_kernel_id);
	free(x->by_package);
	free(x->known);
	free(x->libraries);
	strings_free(x->pool);
	free(x);
}

struct map_index *index_ref(struct map_index *x)
{
	if (x)
		atomic_fetch_add(&x->refs, 1);
	return x;
}

void index_unref(struct map_index *x)
{
	if (x && atomic_fetch_sub(&x->refs, 1) == 1)
		index_free(x);
}

void index_unrefp(struct map_index **x)
{
	index_unref(*x);
}

int64_t index_cve(const char *name)
{
	int64_t number = 0, year = 0;

	if (!sut_cve_id_ok(name))
		return 0;
	for (int i = 4; i < 8; i++)
		year = year * 10 + (name[i] - '0');
	for (const char *s = name + 9; *s; s++)
		number = number * 10 + (*s - '0');
	return year * 100000000000000 + number; /* an id has at most 14 digits behind the year */
}

void index_cve_name(int64_t key, char ret[static INDEX_CVE_NAME])
{
	snprintf(ret, INDEX_CVE_NAME, "CVE-%04lld-%04lld", (long long)(key / 100000000000000),
		 (long long)(key % 100000000000000));
}

/* --- reading one target --- */

static int grow(void **v, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap ? *cap * 2 : 64;
	void *more;

	if (n < *cap)
		return 0;
	more = reallocarray(*v, want, size);
	if (!more)
		return -ENOMEM;
	*v = more;
	*cap = want;
	return 0;
}

/* A string of the pool; NULL when it is not there or empty. -ENOMEM. */
static int text(struct map_index *x, const json_t *of, const char *member, const char **ret)
{
	const char *s = json_string_value(json_object_get(of, member));

	*ret = s && *s ? strings_add(x->pool, s) : NULL;
	return s && *s && !*ret ? -ENOMEM : 0;
}

static int64_t seconds(const char *s)
{
	struct tm tm = {0};
	const char *end = s ? strptime(s, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;

	return end && !*end ? timegm(&tm) : 0;
}

static uint32_t level_of(const json_t *of)
{
	json_int_t n = json_integer_value(json_object_get(of, "level"));

	return n > 0 && n <= INT32_MAX ? (uint32_t)n : 0;
}

static int add_feed(struct map_index *x, const char *name, uint64_t *bits)
{
	*bits |= index_feed(x, name);
	if (index_feed(x, name) || x->nfeeds == INDEX_FEEDS_MAX)
		return 0;
	x->feeds[x->nfeeds] = strings_add(x->pool, name);
	if (!x->feeds[x->nfeeds])
		return -ENOMEM;
	*bits |= UINT64_C(1) << x->nfeeds++;
	return 0;
}

static int by_level(const void *a, const void *b)
{
	const struct index_level *x = a, *y = b;

	return (x->level > y->level) - (x->level < y->level);
}

static int read_levels(struct map_index *x, const json_t *list, struct index_target *t)
{
	size_t n = json_array_size(list);
	struct index_level *v;

	if (n > INDEX_LEVELS_MAX)
		return -EFBIG;
	v = calloc(n ? n : 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	t->levels = v;
	for (size_t i = 0; i < n; i++) {
		const json_t *j = json_array_get(list, i);
		const json_t *feeds = json_object_get(j, "feeds");
		struct index_level *l = &v[t->nlevels];

		l->level = level_of(j);
		l->released = seconds(sut_json_text(j, "released"));
		if (!l->level)
			return -EBADMSG;
		if (text(x, j, "patchset", &l->patchset) < 0)
			return -ENOMEM;
		for (size_t f = 0; f < json_array_size(feeds); f++) {
			const char *name = json_string_value(json_array_get(feeds, f));

			if (name && *name && add_feed(x, name, &l->feeds) < 0)
				return -ENOMEM;
		}
		t->nlevels++;
	}
	qsort(v, t->nlevels, sizeof(*v), by_level);
	return 0;
}

static int by_cve(const void *a, const void *b)
{
	const struct index_fix *x = a, *y = b;

	return (x->cve > y->cve) - (x->cve < y->cve);
}

enum list { FIXED, PARTIAL, PENDING };

static int read_list(struct map_index *x, const json_t *list, enum list which,
		     struct index_target *t, struct index_fix *v)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *j = json_array_get(list, i);
		struct index_fix *f = &v[t->nfixes];
		uint32_t level = level_of(j);

		f->cve = index_cve(sut_json_text(j, "cve"));
		if (!f->cve)
			continue; /* a name of another kind of list: nobody finds it */
		if (which != PENDING && !level)
			return -EBADMSG;
		f->level = which == FIXED ? level : 0;
		f->partial = which == PARTIAL ? level : 0;
		if (text(x, j, "fixed_in", &f->fixed_in) < 0 ||
		    (which == PARTIAL &&
		     (text(x, j, "status", &f->status) < 0 || text(x, j, "note", &f->note) < 0)))
			return -ENOMEM;
		t->nfixes++;
	}
	return 0;
}

/* One CVE may be in two lists: closed in part by one level, whole by a later. */
static void merge(struct index_fix *to, const struct index_fix *f)
{
	if (f->level && (!to->level || f->level < to->level))
		to->level = f->level;
	if (f->partial && (!to->partial || f->partial < to->partial)) {
		to->partial = f->partial;
		to->status = f->status;
		to->note = f->note;
	}
	if (!to->fixed_in)
		to->fixed_in = f->fixed_in;
}

static int read_fixes(struct map_index *x, const json_t *j, struct index_target *t)
{
	static const char *const names[] = {"fixed", "partial", "pending_reboot"};
	struct index_fix *v;
	size_t n = 0, max = 0;
	int r = 0;

	for (size_t i = 0; i < 3; i++)
		max += json_array_size(json_object_get(j, names[i]));
	if (max > INDEX_FIXES_MAX)
		return -EFBIG;
	v = calloc(max ? max : 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	t->fixes = v;
	for (enum list i = FIXED; r == 0 && i <= PENDING; i++)
		r = read_list(x, json_object_get(j, names[i]), i, t, v);
	if (r < 0 || !t->nfixes)
		return r;
	qsort(v, t->nfixes, sizeof(*v), by_cve);
	for (size_t i = 0; i < t->nfixes; i++)
		if (n && v[n - 1].cve == v[i].cve)
			merge(&v[n - 1], &v[i]);
		else
			v[n++] = v[i];
	t->nfixes = n;
	return 0;
}

static int learn(struct map_index *x, const struct index_target *t)
{
	for (size_t i = 0; t->source && i < t->nfixes; i++) {
		if (!t->fixes[i].fixed_in)
			continue;
		if (grow((void **)&x->known, &x->known_cap, x->nknown, sizeof(*x->known)) < 0)
			return -ENOMEM;
		x->known[x->nknown++] = (struct known){t->source_distribution, t->source,
						       t->fixes[i].cve, t->fixes[i].fixed_in};
	}
	return 0;
}

static int add_library(struct map_index *x, const char *package, const char *soname)
{
	if (!package || !soname)
		return 0;
	if (grow((void **)&x->libraries, &x->libraries_cap, x->nlibraries, sizeof(*x->libraries)) <
	    0)
		return -ENOMEM;
	x->libraries[x->nlibraries++] = (struct library){package, soname};
	return 0;
}

static int read_members(struct map_index *x, const json_t *j, struct index_target *t)
{
	const json_t *source = json_object_get(j, "source");
	const struct {
		const json_t *of;
		const char *name;
		const char **to;
	} members[] = {
		{j, "build_id", &t->build_id},
		{j, "kernel_id", &t->kernel_id},
		{j, "target", &t->name},
		{j, "arch", &t->arch},
		{j, "release", &t->release},
		{j, "package", &t->package},
		{j, "package_version", &t->version},
		{j, "file", &t->file},
		{j, "soname", &t->soname},
		{source, "distribution", &t->source_distribution},
		{source, "name", &t->source},
		{source, "version", &t->source_version},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(members); i++)
		if (text(x, members[i].of, members[i].name, members[i].to) < 0)
			return -ENOMEM;
	t->library = sut_streq(sut_json_text(j, "product"), "library");
	return t->build_id ? 0 : -EBADMSG;
}

static int read_target(void *ctx, const char *json, size_t len, struct sut_err *err)
{
	struct map_index *x = ctx;
	_cleanup_json_ json_t *j = NULL;
	struct sut_json_why why = {0};
	struct index_target *t;
	int r;

	if (len > INDEX_TARGET_TEXT_MAX || x->n == INDEX_TARGETS_MAX)
		return sut_err_reason(
			err, EFBIG, "coverage",
			"the coverage document is larger than the console takes: it has "
			"more than %d targets, or one of more than %d MiB",
			INDEX_TARGETS_MAX, INDEX_TARGET_TEXT_MAX >> 20);
	r = sut_json_object_parse(json, len, DEPTH, &j, &why);
	if (r == 0 && grow((void **)&x->v, &x->cap, x->n, sizeof(*x->v)) < 0)
		r = -ENOMEM;
	if (r == 0) {
		t = &x->v[x->n++];
		*t = (struct index_target){0};
		r = read_members(x, j, t);
		if (r == 0)
			r = read_levels(x, json_object_get(j, "levels"), t);
		if (r == 0)
			r = read_fixes(x, j, t);
		if (r == 0)
			r = learn(x, t);
		if (r == 0 && t->library && add_library(x, t->package, t->soname) < 0)
			r = -ENOMEM;
		if (r == 0 && t->library && add_library(x, t->source, t->soname) < 0)
			r = -ENOMEM;
	}
	if (r == -ENOMEM)
		return sut_err_oom(err);
	if (r < 0)
		return sut_err_reason(
			err, -r, "coverage",
			"target %zu of the coverage document %s. Ask the portal again", x->n,
			why.text ? why.text : "is none");
	return 0;
}

/* --- putting it in order --- */

static int by_build_id(const void *a, const void *b)
{
	return strcmp(((const struct index_target *)a)->build_id,
		      ((const struct index_target *)b)->build_id);
}

static int by_kernel_id(const void *a, const void *b)
{
	return strcmp((*(const struct index_target *const *)a)->kernel_id,
		      (*(const struct index_target *const *)b)->kernel_id);
}

static int compare_package(const char *pa, const char *va, const char *pb, const char *vb)
{
	int d = strcmp(pa ? pa : "", pb ? pb : "");

	return d ? d : strcmp(va ? va : "", vb ? vb : "");
}

static int by_package(const void *a, const void *b)
{
	const struct index_target *x = *(const struct index_target *const *)a,
				  *y = *(const struct index_target *const *)b;
	int d = compare_package(x->package, x->version, y->package, y->version);

	return d ? d : strcmp(x->build_id, y->build_id);
}

static int by_known(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	if (x->source != y->source)
		return (uintptr_t)x->source < (uintptr_t)y->source ? -1 : 1;
	if (x->distribution != y->distribution)
		return (uintptr_t)x->distribution < (uintptr_t)y->distribution ? -1 : 1;
	return (x->cve > y->cve) - (x->cve < y->cve);
}

static int by_library(const void *a, const void *b)
{
	const struct library *x = a, *y = b;

	return compare_package(x->package, x->soname, y->package, y->soname);
}

static void settle_known(struct map_index *x)
{
	size_t n = 0;

	if (!x->nknown)
		return;
	qsort(x->known, x->nknown, sizeof(*x->known), by_known);
	for (size_t i = 0; i < x->nknown; i++) {
		if (!n || by_known(&x->known[n - 1], &x->known[i]) != 0)
			x->known[n++] = x->known[i];
		else if (sut_debversion_cmp(x->known[n - 1].fixed_in, x->known[i].fixed_in) < 0)
			x->known[n - 1] = x->known[i]; /* the later one is the one to be sure of */
	}
	x->nknown = n;
}

static int settle(struct map_index *x)
{
	x->by_kernel_id = calloc(x->n ? x->n : 1, sizeof(void *));
	x->by_package = calloc(x->n ? x->n : 1, sizeof(void *));
	if (!x->by_kernel_id || !x->by_package)
		return -ENOMEM;
	if (x->n)
		qsort(x->v, x->n, sizeof(*x->v), by_build_id);
	for (size_t i = 0; i < x->n; i++) {
		x->by_package[i] = &x->v[i];
		if (x->v[i].kernel_id)
			x->by_kernel_id[x->nby_kernel_id++] = &x->v[i];
		if (i && by_build_id(&x->v[i - 1], &x->v[i]) == 0)
			return -EBADMSG;
	}
	if (x->n)
		qsort(x->by_package, x->n, sizeof(void *), by_package);
	if (x->nby_kernel_id)
		qsort(x->by_kernel_id, x->nby_kernel_id, sizeof(void *), by_kernel_id);
	if (x->nlibraries)
		qsort(x->libraries, x->nlibraries, sizeof(*x->libraries), by_library);
	settle_known(x);
	return 0;
}

int index_new(const void *json, size_t len, struct map_index **ret, struct sut_err *err)
{
	struct map_index *x = calloc(1, sizeof(*x));
	int r;

	if (!x)
		return sut_err_oom(err);
	atomic_init(&x->refs, 1);
	x->pool = strings_new();
	r = x->pool ? index_split(json, len, read_target, x, err) : sut_err_oom(err);
	if (r == 0) {
		r = settle(x);
		if (r == -EBADMSG)
			sut_err_reason(
				err, EBADMSG, "coverage",
				"the coverage document has one build id twice. Ask the portal "
				"again");
		else if (r < 0)
			sut_err_oom(err);
	}
	if (r < 0) {
		index_free(x);
		return r;
	}
	*ret = x;
	return 0;
}

/* --- looking --- */

size_t index_count(const struct map_index *x)
{
	return x->n;
}

const struct index_target *index_at(const struct map_index *x, size_t i)
{
	return &x->v[i];
}

const struct index_target *index_by_build_id(const struct map_index *x, const char *build_id)
{
	const struct index_target key = {.build_id = build_id};

	return build_id && *build_id && x->n ? bsearch(&key, x->v, x->n, sizeof(*x->v), by_build_id)
					     : NULL;
}

const struct index_target *index_by_kernel_id(const struct map_index *x, const char *kernel_id)
{
	const struct index_target key = {.kernel_id = kernel_id}, *p = &key, **found = NULL;

	if (kernel_id && *kernel_id && x->nby_kernel_id)
		found = bsearch(&p, x->by_kernel_id, x->nby_kernel_id, sizeof(void *),
				by_kernel_id);
	return found ? *found : NULL;
}

const struct index_target *index_by_package(const struct map_index *x, const char *package,
					    const char *version)
{
	size_t lo = 0, hi = x->n;

	if (!package || !*package)
		return NULL;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct index_target *t = x->by_package[mid];

		if (compare_package(t->package, t->version, package, version) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == x->n || compare_package(x->by_package[lo]->package, x->by_package[lo]->version,
					  package, version) != 0)
		return NULL;
	return x->by_package[lo];
}

static size_t first_library(const struct map_index *x, const char *package)
{
	size_t lo = 0, hi = x->nlibraries;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(x->libraries[mid].package, package) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool index_is_library(const struct map_index *x, const char *package)
{
	size_t i = package ? first_library(x, package) : x->nlibraries;

	return i < x->nlibraries && sut_streq(x->libraries[i].package, package);
}

bool index_library_of(const struct map_index *x, const char *package, const char *soname)
{
	for (size_t i = first_library(x, package);
	     i < x->nlibraries && sut_streq(x->libraries[i].package, package); i++)
		if (sut_streq(x->libraries[i].soname, soname))
			return true;
	return false;
}

const struct index_fix *index_fix(const struct index_target *t, int64_t cve)
{
	size_t lo = 0, hi = t->nfixes;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->fixes[mid].cve < cve)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->nfixes && t->fixes[lo].cve == cve ? &t->fixes[lo] : NULL;
}

const char *index_fixed_in(const struct map_index *x, const struct index_target *t, int64_t cve)
{
	const struct known key = {t->source_distribution, t->source, cve, NULL}, *k = NULL;

	if (t->source && x->nknown)
		k = bsearch(&key, x->known, x->nknown, sizeof(key), by_known);
	return k ? k->fixed_in : NULL;
}

uint64_t index_feed(const struct map_index *x, const char *feed)
{
	for (unsigned int i = 0; feed && i < x->nfeeds; i++)
		if (sut_streq(x->feeds[i], feed))
			return UINT64_C(1) << i;
	return 0;
}

const char *index_feed_name(const struct map_index *x, unsigned int bit)
{
	return bit < x->nfeeds ? x->feeds[bit] : NULL;
}

int64_t index_released(const struct map_index *x, const char *patchset)
{
	for (size_t i = 0; i < x->n; i++)
		for (size_t k = 0; k < x->v[i].nlevels; k++)
			if (sut_streq(x->v[i].levels[k].patchset, patchset))
				return x->v[i].levels[k].released;
	return 0;
}
