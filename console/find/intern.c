// SPDX-License-Identifier: Apache-2.0
#include "find/intern.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

enum table { CVES, PACKAGES, NATIVES, TABLES };

struct entry {
	char *a, *b; /* name; package: version, native: title */
	uint32_t id; /* 0: not asked yet */
};

struct names {
	struct entry *v; /* by place - 1 */
	size_t n, cap;
	uint32_t *slots; /* places, by hash; a power of two of them */
	size_t nslots;
};

struct intern {
	int64_t tenant;
	struct names t[TABLES];
};

int intern_new(int64_t tenant, struct intern **ret, struct sut_err *err)
{
	struct intern *in = calloc(1, sizeof(*in));

	if (!in)
		return sut_err_oom(err);
	in->tenant = tenant;
	*ret = in;
	return 0;
}

void intern_free(struct intern *in)
{
	if (!in)
		return;
	for (int t = 0; t < TABLES; t++) {
		for (size_t i = 0; i < in->t[t].n; i++) {
			free(in->t[t].v[i].a);
			free(in->t[t].v[i].b);
		}
		free(in->t[t].v);
		free(in->t[t].slots);
	}
	free(in);
}

void intern_freep(struct intern **in)
{
	intern_free(*in);
}

static uint64_t hash(const char *a, const char *b)
{
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */

	for (; *a; a++)
		h = (h ^ (uint8_t)*a) * 0x100000001b3;
	for (h *= 31; b && *b; b++)
		h = (h ^ (uint8_t)*b) * 0x100000001b3;
	return h ^ h >> 29;
}

/* A title is no part of what a finding is known by. */
static uint32_t *slot(const struct names *t, uint32_t *slots, size_t n, enum table which,
		      const char *a, const char *b)
{
	const char *second = which == PACKAGES ? b : NULL;
	size_t i = hash(a, second) & (n - 1);

	while (slots[i]) {
		const struct entry *e = &t->v[slots[i] - 1];

		if (!strcmp(e->a, a) && (!second || !strcmp(e->b, second)))
			break;
		i = (i + 1) & (n - 1);
	}
	return &slots[i];
}

static int make_room(struct names *t, enum table which)
{
	if (t->n == t->cap) {
		size_t want = t->cap ? t->cap * 2 : 256;
		struct entry *more = reallocarray(t->v, want, sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->v = more;
		t->cap = want;
	}
	if (t->n * 2 >= t->nslots) {
		size_t want = t->nslots ? t->nslots * 2 : 1024;
		uint32_t *more = calloc(want, sizeof(*more));

		if (!more)
			return -ENOMEM;
		for (size_t i = 0; i < t->n; i++)
			*slot(t, more, want, which, t->v[i].a, t->v[i].b) = (uint32_t)i + 1;
		free(t->slots);
		t->slots = more;
		t->nslots = want;
	}
	return 0;
}

static int place(struct intern *in, enum table which, const char *a, const char *b, uint32_t *ret,
		 struct sut_err *err)
{
	static const char *const words[TABLES] = {"CVEs", "packages", "findings of the scanner"};
	struct names *t = &in->t[which];
	struct entry e;
	uint32_t *s;

	if (make_room(t, which) < 0)
		return sut_err_oom(err);
	s = slot(t, t->slots, t->nslots, which, a, b);
	if (*s) {
		*ret = *s;
		return 0;
	}
	if (t->n == INTERN_MAX)
		return sut_err_reason(err, EFBIG, "scan",
				      "the scan has more than %d different %s. Split the file",
				      INTERN_MAX, words[which]);
	e = (struct entry){.a = strdup(a), .b = b ? strdup(b) : NULL};
	if (!e.a || (b && !e.b)) {
		free(e.a);
		free(e.b);
		return sut_err_oom(err);
	}
	t->v[t->n++] = e;
	*ret = *s = (uint32_t)t->n;
	return 0;
}

int intern_cve(struct intern *in, const char *name, uint32_t *ret, struct sut_err *err)
{
	return place(in, CVES, name, NULL, ret, err);
}

int intern_package(struct intern *in, const char *name, const char *version, uint32_t *ret,
		   struct sut_err *err)
{
	return place(in, PACKAGES, name, version ? version : "", ret, err);
}

int intern_native(struct intern *in, const char *key, const char *title, uint32_t *ret,
		  struct sut_err *err)
{
	return place(in, NATIVES, key, title ? title : "", ret, err);
}

/* --- ids --- */

struct sql {
	const char *find, *add;
};

static int ask(struct sut_db *db, const char *sql, const struct sut_db_arg *args, size_t n,
	       uint32_t *ret, struct sut_err *err)
{
	_cleanup_rows_ struct sut_db_rows *row = NULL;
	int r = sut_db_one(db, sql, args, n, &row, err);

	if (r > 0 && (sut_db_int(row, 0) < 1 || sut_db_int(row, 0) > UINT32_MAX))
		return sut_err_set(err, EOVERFLOW, "the database has no more numbers for names");
	if (r > 0)
		*ret = (uint32_t)sut_db_int(row, 0);
	return r;
}

/* Another process may add it between the two looks. */
static int find_or_add(struct sut_db *db, const struct sql *sql, const struct sut_db_arg *args,
		       size_t nfind, size_t nadd, uint32_t *ret, struct sut_err *err)
{
	int r = ask(db, sql->find, args, nfind, ret, err);

	if (r == 0)
		r = ask(db, sql->add, args, nadd, ret, err);
	if (r == 0)
		r = ask(db, sql->find, args, nfind, ret, err);
	if (r == 0)
		return sut_err_set(err, EAGAIN, "a name was added at the same time");
	return r < 0 ? r : 0;
}

static struct entry *entry_at(struct intern *in, enum table which, uint32_t place)
{
	return place && place <= in->t[which].n ? &in->t[which].v[place - 1] : NULL;
}

int intern_cve_id(struct intern *in, struct sut_db *db, uint32_t p, uint32_t *ret,
		  struct sut_err *err)
{
	static const struct sql sql = {
		"SELECT id FROM cves WHERE name = $1",
		"INSERT INTO cves (name) VALUES ($1) ON CONFLICT (name) DO NOTHING RETURNING id",
	};
	struct entry *e = entry_at(in, CVES, p);
	int r = 0;

	if (e && !e->id)
		r = find_or_add(db, &sql, (struct sut_db_arg[]){SUT_DB_T(e->a)}, 1, 1, &e->id, err);
	*ret = e && r == 0 ? e->id : 0;
	return r;
}

int intern_package_id(struct intern *in, struct sut_db *db, uint32_t p, uint32_t *ret,
		      struct sut_err *err)
{
	static const struct sql sql = {
		"SELECT id FROM packages WHERE name = $1 AND version = $2",
		"INSERT INTO packages (name, version) VALUES ($1, $2)"
		" ON CONFLICT (name, version) DO NOTHING RETURNING id",
	};
	struct entry *e = entry_at(in, PACKAGES, p);
	int r = 0;

	if (e && !e->id)
		r = find_or_add(db, &sql, (struct sut_db_arg[]){SUT_DB_T(e->a), SUT_DB_T(e->b)}, 2,
				2, &e->id, err);
	*ret = e && r == 0 ? e->id : 0;
	return r;
}

int intern_native_id(struct intern *in, struct sut_db *db, uint32_t p, uint32_t *ret,
		     struct sut_err *err)
{
	static const struct sql sql = {
		"SELECT id FROM natives WHERE tenant = $1 AND key = $2",
		"INSERT INTO natives (tenant, key, title) VALUES ($1, $2, $3)"
		" ON CONFLICT (tenant, key) DO NOTHING RETURNING id",
	};
	struct entry *e = entry_at(in, NATIVES, p);
	int r = 0;

	if (e && !e->id)
		r = find_or_add(
			db, &sql,
			(struct sut_db_arg[]){SUT_DB_I(in->tenant), SUT_DB_T(e->a), SUT_DB_T(e->b)},
			2, 3, &e->id, err);
	*ret = e && r == 0 ? e->id : 0;
	return r;
}
