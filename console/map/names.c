// SPDX-License-Identifier: Apache-2.0
/* What lives longer than one view: names, find sets. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "map/view_internal.h"

struct kept_set *kept_set_new(int64_t id, struct find_set *set)
{
	struct kept_set *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->id = id;
	s->set = *set;
	*set = (struct find_set){0};
	atomic_init(&s->refs, 1);
	return s;
}

struct kept_set *kept_set_ref(struct kept_set *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void kept_set_put(struct kept_set *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	find_set_release(&s->set);
	free(s);
}

struct names *names_new(uint32_t cves, uint32_t packages, uint32_t natives)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	atomic_init(&n->refs, 1);
	n->ncves = cves;
	n->npackages = packages;
	n->nnatives = natives;
	n->pool = strings_new();
	n->cve = calloc(cves + 1, sizeof(void *));
	n->cve_key = calloc(cves + 1, sizeof(*n->cve_key));
	n->package = calloc(packages + 1, sizeof(void *));
	n->version = calloc(packages + 1, sizeof(void *));
	n->native = calloc(natives + 1, sizeof(void *));
	n->title = calloc(natives + 1, sizeof(void *));
	if (n->pool && n->cve && n->cve_key && n->package && n->version && n->native && n->title)
		return n;
	names_put(n);
	return NULL;
}

struct names *names_ref(struct names *n)
{
	atomic_fetch_add(&n->refs, 1);
	return n;
}

void names_put(struct names *n)
{
	if (!n || atomic_fetch_sub(&n->refs, 1) != 1)
		return;
	strings_free(n->pool);
	free(n->cve);
	free(n->cve_key);
	free(n->package);
	free(n->version);
	free(n->native);
	free(n->title);
	free(n);
}

static int put(struct names *n, const char **to, const char *s)
{
	*to = strings_add(n->pool, s ? s : "");
	return *to ? 0 : -ENOMEM;
}

int names_cve(struct names *n, uint32_t id, const char *name)
{
	if (id >= n->ncves)
		return -ERANGE;
	n->cve_key[id] = index_cve(name);
	return put(n, &n->cve[id], name);
}

int names_package(struct names *n, uint32_t id, const char *name, const char *version)
{
	if (id >= n->npackages)
		return -ERANGE;
	return put(n, &n->package[id], name) < 0 || put(n, &n->version[id], version) < 0 ? -ENOMEM
											 : 0;
}

int names_native(struct names *n, uint32_t id, const char *key, const char *title)
{
	if (id >= n->nnatives)
		return -ERANGE;
	return put(n, &n->native[id], key) < 0 || put(n, &n->title[id], title) < 0 ? -ENOMEM : 0;
}

/* --- subjects --- */

int subjects_init(struct subjects *s, const struct map_view *v)
{
	*s = (struct subjects){.v = v, .n = v->names->npackages};
	s->s = calloc(2 * ((size_t)s->n + 1), sizeof(*s->s));
	s->known = calloc(2 * ((size_t)s->n + 1), 1);
	if (s->s && s->known)
		return 0;
	subjects_release(s);
	return -ENOMEM;
}

void subjects_for(struct subjects *s, const struct view_class *c)
{
	memset(s->known, 0, 2 * ((size_t)s->n + 1));
	s->c = c;
}

void subjects_release(struct subjects *s)
{
	free(s->s);
	free(s->known);
	*s = (struct subjects){0};
}

const struct verdict_subject *subject_of(struct subjects *s, const struct find_rec *r)
{
	const struct names *n = s->v->names;
	uint32_t package = r->package < s->n ? r->package : 0;
	bool not_running = r->flags & FIND_NOT_RUNNING;
	size_t i = 2 * (size_t)package + not_running;

	if (!s->known[i]) {
		verdict_subject(s->v->index, &s->c->host, n->package[package], n->version[package],
				not_running, &s->s[i]);
		s->known[i] = 1;
	}
	return &s->s[i];
}

size_t same_cve(const struct find_set *set, size_t i)
{
	size_t k = i;

	while (k < set->n && set->v[k].cve == set->v[i].cve)
		k++;
	return k;
}

size_t find_cve(const struct find_set *set, uint32_t cve)
{
	size_t lo = 0, hi = set->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (set->v[mid].cve < cve)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < set->n && set->v[lo].cve == cve ? lo : set->n;
}
