// SPDX-License-Identifier: Apache-2.0
#include "change/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { JUMP_LEN = 5 };

static int add(struct ranges *r, uint64_t start, uint64_t end, struct ranges_who who,
	       struct sut_err *err)
{
	if (start >= end)
		return 0;
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		struct inside_range *v = reallocarray(r->v, cap, sizeof(*v));
		struct ranges_who *w;

		if (!v)
			return sut_err_oom(err);
		r->v = v;
		w = reallocarray(r->who, cap, sizeof(*w));
		if (!w)
			return sut_err_oom(err);
		r->who = w;
		r->cap = cap;
	}
	who.start = start;
	r->who[r->n] = who;
	r->v[r->n] = (struct inside_range){
		.start = start, .end = end, .func = (uint32_t)r->n, .jump_len = JUMP_LEN};
	r->n++;
	return 0;
}

/* "wordexp.cold", "wordexp.part.0" belong to "wordexp". */
static uint32_t parent_of(const struct sut_library *l, const char *child)
{
	for (size_t i = 0; i < l->nfuncs; i++) {
		size_t n = strlen(l->funcs[i].name);

		if (!strncmp(l->funcs[i].name, child, n) && child[n] == '.')
			return (uint32_t)i;
	}
	return RANGES_ALL;
}

int ranges_add_library(struct ranges *r, const struct sut_library *l, uint64_t bias, uint32_t site,
		       struct sut_err *err)
{
	int rc = 0;

	for (size_t i = 0; i < l->nfuncs && !rc; i++) {
		const struct sut_library_func *f = &l->funcs[i];

		rc = add(r, f->vaddr + bias, f->vaddr + bias + f->size,
			 (struct ranges_who){f->name, site, (uint32_t)i, 0}, err);
	}
	for (size_t i = 0; i < l->nranges && !rc; i++) {
		const struct sut_library_range *g = &l->ranges[i];

		if (g->kind != SUT_LIBRARY_CHILD && g->kind != SUT_LIBRARY_BUSY)
			continue;
		rc = add(r, g->vaddr + bias, g->vaddr + bias + g->size,
			 (struct ranges_who){g->name, site,
					     g->kind == SUT_LIBRARY_CHILD ? parent_of(l, g->name)
									  : RANGES_ALL,
					     0},
			 err);
	}
	return rc;
}

static int by_new_addr(const void *a, const void *b)
{
	const struct record_place *const *x = a, *const *y = b;

	return ((*x)->new_addr > (*y)->new_addr) - ((*x)->new_addr < (*y)->new_addr);
}

static uint32_t func_of(const struct sut_library *l, uint64_t vaddr)
{
	for (size_t i = 0; l && i < l->nfuncs; i++)
		if (l->funcs[i].vaddr == vaddr)
			return (uint32_t)i;
	return RANGES_ALL;
}

static int add_busy(struct ranges *r, const struct proc *p, const struct record *rec, uint32_t site,
		    struct sut_err *err)
{
	_cleanup_(sut_freep) struct record_busy *v = calloc(rec->head.nbusy + 1, sizeof(*v));
	int rc = 0;

	if (!v)
		return sut_err_oom(err);
	if (proc_read(p, rec->at + rec->head.busy_off, v, rec->head.nbusy * sizeof(*v)) < 0)
		return 0;
	for (uint32_t i = 0; i < rec->head.nbusy && !rc; i++)
		if (v[i].len <= SUT_LIBRARY_FUNC_MAX && v[i].start <= UINT64_MAX - v[i].len)
			rc = add(r, v[i].start, v[i].start + v[i].len,
				 (struct ranges_who){"what the patch goes with", site, RANGES_ALL,
						     0},
				 err);
	return rc;
}

int ranges_add_record(struct ranges *r, const struct proc *p, const struct record *rec,
		      const struct sut_library *l, uint32_t site, struct sut_err *err)
{
	uint32_t n = rec->head.nplaces;
	_cleanup_(sut_freep) const struct record_place **order = calloc(n + 1, sizeof(void *));
	uint64_t at = rec->at + SUT_LIBRARY_HEAD, end = rec->at + rec->head.image_len;
	struct ranges_who who = {NULL, site, RANGES_ALL, 0};
	int rc = 0;

	if (!order)
		return sut_err_oom(err);
	for (uint32_t i = 0; i < n; i++)
		order[i] = &rec->places[i];
	qsort(order, n, sizeof(void *), by_new_addr);
	/* How long a new function is, is not known: up to the next one. What lies before the first may be anybody's. */
	for (uint32_t i = 0; i <= n && !rc; i++) {
		uint64_t next = i < n ? order[i]->new_addr : end;

		rc = add(r, at, next, who, err);
		at = next;
		if (i < n)
			who.func = func_of(l, order[i]->func - rec->head.bias);
	}
	/* Who stands at the beginning of an island is already on his way. */
	for (uint32_t i = 0; i < n && !rc; i++)
		if (rec->places[i].island)
			rc = add(r, rec->places[i].island - 1, rec->places[i].island + JUMP_LEN,
				 (struct ranges_who){NULL, site, RANGES_ALL, 0}, err);
	return rc ? rc : add_busy(r, p, rec, site, err);
}

static int by_start(const void *a, const void *b)
{
	const struct inside_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

void ranges_end(struct ranges *r)
{
	if (r->n)
		qsort(r->v, r->n, sizeof(*r->v), by_start);
	/* Of records, which are hostile, they might overlap. */
	for (size_t i = 1; i < r->n; i++)
		if (r->v[i].start < r->v[i - 1].end) {
			r->v[i].start = r->v[i - 1].end;
			if (r->v[i].end < r->v[i].start)
				r->v[i].end = r->v[i].start;
		}
}

void ranges_release(struct ranges *r)
{
	free(r->v);
	free(r->who);
	*r = (struct ranges){0};
}
