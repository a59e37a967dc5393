// SPDX-License-Identifier: Apache-2.0
/* Where the linker put each section of the object. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "prove/match.h"

/* Bases that were proposed, with how often. */
struct votes {
	struct vote {
		uint64_t base;
		size_t n;
	} * v;
	size_t n, cap;
};

static void votes_release(struct votes *v)
{
	free(v->v);
	*v = (struct votes){0};
}

static int vote(struct votes *v, uint64_t base)
{
	for (size_t i = 0; i < v->n; i++) {
		if (v->v[i].base == base) {
			v->v[i].n++;
			return 0;
		}
	}
	if (v->n == v->cap) {
		size_t cap = v->cap ? 2 * v->cap : 16;
		void *p = realloc(v->v, cap * sizeof(*v->v));

		if (!p)
			return -ENOMEM;
		v->v = p;
		v->cap = cap;
	}
	v->v[v->n++] = (struct vote){base, 1};
	return 0;
}

static enum sut_section_kind kind_of(const struct sut_section *s)
{
	static const char *const dropped[] = {".discard", ".modinfo", ".exitcall.exit",
					      ".export_symbol", ".note"};

	if (!(s->flags & SHF_ALLOC) || (s->type != SHT_PROGBITS && s->type != SHT_NOBITS))
		return SUT_SECTION_SKIPPED;
	for (size_t i = 0; i < SUT_ARRAY_SIZE(dropped); i++)
		if (sut_startswith(s->name, dropped[i]))
			return SUT_SECTION_SKIPPED;
	return s->flags & SHF_MERGE ? SUT_SECTION_MERGED : SUT_SECTION_BLOCK;
}

static bool is_percpu(const struct sut_section *s)
{
	return sut_startswith(s->name, ".data..percpu");
}

static bool plausible(const struct sut_section *s, uint64_t base)
{
	if (s->align > 1 && base % s->align)
		return false;
	return is_percpu(s) || base >= SUT_IMAGE_START;
}

/* A symbol of section sec whose name tells where the section is. Weak ones do
 * not: the image may have another definition of them. */
static bool tells(const struct sut_sym *s, uint32_t sec, bool weak)
{
	return s->shndx == sec && *s->name && s->type != STT_SECTION && s->type != STT_FILE &&
	       (s->bind == STB_WEAK) == weak;
}

/* Is one of the image's symbols of that name at addr? */
static bool named_at(const struct sut_match *m, const char *name, uint64_t addr)
{
	const uint32_t *idx;
	size_t n = m->image->lookup(m->image->ctx, name, &idx);

	for (size_t i = 0; i < n; i++)
		if (m->image->syms[idx[i]].addr == addr)
			return true;
	return false;
}

/* How many of the section's symbols agree with a base; *ret_all: how many the image names. */
static size_t agreement(const struct sut_match *m, uint32_t sec, uint64_t base, size_t *ret_all)
{
	const struct sut_object *o = m->object;
	size_t all = 0, agree = 0;

	for (uint32_t i = 1; i < o->nsyms; i++) {
		const struct sut_sym *s = &o->syms[i];
		const uint32_t *idx;

		if (!tells(s, sec, false) || !m->image->lookup(m->image->ctx, s->name, &idx))
			continue;
		all++;
		agree += named_at(m, s->name, base + s->value);
	}
	*ret_all = all;
	return agree;
}

/* All bases that the entries of one symbol's name propose. */
static int propose(const struct sut_match *m, const struct sut_section *sec,
		   const struct sut_sym *s, struct votes *v)
{
	const uint32_t *idx;
	size_t n = m->image->lookup(m->image->ctx, s->name, &idx);
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		uint64_t base = m->image->syms[idx[i]].addr - s->value;

		if (plausible(sec, base))
			r = vote(v, base);
	}
	return r;
}

/* The strong symbol of the section with the fewest namesakes in the image, 0 for none. */
static uint32_t rarest(const struct sut_match *m, uint32_t sec)
{
	const struct sut_object *o = m->object;
	size_t best_n = SIZE_MAX;
	uint32_t best = 0;

	for (uint32_t i = 1; i < o->nsyms; i++) {
		const uint32_t *idx;
		size_t n;

		if (!tells(&o->syms[i], sec, false))
			continue;
		n = m->image->lookup(m->image->ctx, o->syms[i].name, &idx);
		if (n && n < best_n) {
			best_n = n;
			best = i;
		}
	}
	return best;
}

/* Every symbol with content that the base would put in its place is there. */
static bool content_agrees(struct sut_match *m, uint32_t sec, uint64_t base)
{
	const struct sut_object *o = m->object;
	struct sut_placed *p = &m->sections[sec], old = *p;
	bool ok = true, any = false;

	*p = (struct sut_placed){.kind = p->kind, .placed = true, .whole = true, .base = base};
	for (uint32_t i = 1; ok && i < o->nsyms; i++) {
		const struct sut_sym *s = &o->syms[i];
		uint64_t off;

		if (s->shndx != sec || !s->size || (s->type != STT_FUNC && s->type != STT_OBJECT))
			continue;
		any = true;
		ok = sut_match_content(m, i, base + s->value, &off) != SUT_MATCH_OTHER;
	}
	*p = old;
	return ok && any;
}

/* By the names of the section's symbols. When several bases explain all of
 * them (a lone `init`), those are left in *ret_open for other evidence. */
static int place_by_names(struct sut_match *m, uint32_t sec, struct votes *ret_open)
{
	const struct sut_section *s = &m->object->sections[sec];
	struct sut_placed *p = &m->sections[sec];
	uint32_t first = rarest(m, sec);
	struct votes v = {0};
	size_t full = 0, best = 0, all = 0;
	uint64_t base = 0;
	int r;

	if (!first)
		return 0;
	r = propose(m, s, &m->object->syms[first], &v);
	for (size_t i = 0; r == 0 && i < v.n; i++) {
		size_t agree = agreement(m, sec, v.v[i].base, &all);

		if (agree == all) {
			full++;
			base = v.v[i].base;
			r = vote(ret_open, base);
		}
	}
	votes_release(&v);
	if (r < 0)
		return r;
	if (full == 1) {
		*p = (struct sut_placed){
			.kind = p->kind, .placed = true, .whole = true, .base = base};
		votes_release(ret_open);
	}
	if (full)
		return 0;
	/* No base explains all: the source or the compiler is not the right
	 * one. The base most symbols agree on serves to say what differs. */
	for (uint32_t i = 1; r == 0 && i < m->object->nsyms; i++) {
		const uint32_t *idx;

		if (tells(&m->object->syms[i], sec, false) &&
		    m->image->lookup(m->image->ctx, m->object->syms[i].name, &idx) == 1)
			r = propose(m, s, &m->object->syms[i], &v);
	}
	for (size_t i = 0; i < v.n; i++) {
		if (v.v[i].n > best) {
			best = v.v[i].n;
			p->base = v.v[i].base;
			p->placed = true;
		}
	}
	votes_release(&v);
	return r;
}

/* By fields, in sections that are placed, that refer to this one. */
static int place_by_references(struct sut_match *m, uint32_t sec, const struct votes *open)
{
	const struct sut_object *o = m->object;
	struct sut_placed *p = &m->sections[sec];
	struct votes v = {0};
	size_t best = 0;
	int r = 0;

	for (uint32_t i = 1; i < o->nsections && r == 0; i++) {
		const struct sut_section *from = &o->sections[i];

		if (i == sec || !m->sections[i].whole || !from->data)
			continue;
		for (size_t k = 0; k < from->nrelas && r == 0; k++) {
			const struct sut_rela *rel = &from->relas[k];
			const struct sut_sym *s = &o->syms[rel->sym];
			uint64_t target;

			if (s->shndx != sec || s->bind == STB_WEAK ||
			    !sut_match_field_target(m, rel, m->sections[i].base + rel->offset,
						    &target))
				continue;
			if (is_percpu(&o->sections[sec]))
				target = (uint32_t)target; /* offsets wrap in PC-relative fields */
			if (plausible(&o->sections[sec], target - s->value))
				r = vote(&v, target - s->value);
		}
	}
	for (size_t i = 0; i < v.n && r == 0; i++) {
		bool wanted = !open->n;

		for (size_t k = 0; k < open->n; k++)
			wanted = wanted || open->v[k].base == v.v[i].base;
		if (wanted && v.v[i].n > best) {
			best = v.v[i].n;
			*p = (struct sut_placed){.kind = p->kind,
						 .placed = true,
						 .whole = true,
						 .base = v.v[i].base};
		}
	}
	votes_release(&v);
	return r;
}

/* The one proposed base at which the content is. */
static int place_by_content(struct sut_match *m, uint32_t sec, struct votes *open)
{
	const struct sut_object *o = m->object;
	struct sut_placed *p = &m->sections[sec];
	size_t hits = 0;
	uint64_t base = 0;
	int r = 0;

	/* nothing but weak symbols: they may be ours */
	for (uint32_t i = 1; !open->n && i < o->nsyms && r == 0; i++)
		if (tells(&o->syms[i], sec, true))
			r = propose(m, &o->sections[sec], &o->syms[i], open);
	if (!o->sections[sec].data)
		return r;
	for (size_t i = 0; i < open->n && r == 0; i++) {
		if (content_agrees(m, sec, open->v[i].base)) {
			base = open->v[i].base;
			hits++;
		}
	}
	if (hits == 1)
		*p = (struct sut_placed){
			.kind = p->kind, .placed = true, .whole = true, .base = base};
	return r;
}

static bool is_open(const struct sut_match *m, uint32_t sec)
{
	return m->sections[sec].kind == SUT_SECTION_BLOCK && !m->sections[sec].placed;
}

/* Until nothing more is found: a section placed is evidence for the next. */
static int settle(struct sut_match *m, struct votes *open)
{
	const struct sut_object *o = m->object;
	bool more = true;

	while (more) {
		more = false;
		for (int step = 0; step < 2 && !more; step++) {
			for (uint32_t i = 1; i < o->nsections; i++) {
				int r;

				if (!is_open(m, i))
					continue;
				r = step ? place_by_content(m, i, &open[i])
					 : place_by_references(m, i, &open[i]);
				if (r < 0)
					return r;
				more = more || !is_open(m, i);
			}
		}
	}
	return 0;
}

int sut_match_place(struct sut_match *m)
{
	const struct sut_object *o = m->object;
	struct votes *open;
	int r = 0;

	m->sections = calloc(o->nsections, sizeof(*m->sections));
	open = calloc(o->nsections, sizeof(*open));
	if (!m->sections || !open)
		r = -ENOMEM;
	for (uint32_t i = 1; r == 0 && i < o->nsections; i++)
		m->sections[i].kind = kind_of(&o->sections[i]);
	for (uint32_t i = 1; r == 0 && i < o->nsections; i++)
		if (m->sections[i].kind == SUT_SECTION_BLOCK)
			r = place_by_names(m, i, &open[i]);
	if (r == 0)
		r = settle(m, open);
	for (uint32_t i = 0; open && i < o->nsections; i++)
		votes_release(&open[i]);
	free(open);
	return r;
}
