// SPDX-License-Identifier: Apache-2.0
/*
 * 1. Plain names: a name the programmer gave, once in each object.
 * 2. Numbered functions (foo.isra.3): the same without numbers; among several, the same number.
 * 3. Numbered variables (statics in functions): numbers are arbitrary, so a variable is known by
 *    who refers to it: code of the same shape refers to the same things one by one.
 * 4. Likewise for variables with another name: they were renamed.
 * 5. What is left in a function that changed: the only one of that name there, in both.
 * 6. When a variable is gone and a new one may be it under another name or in another place,
 *    nothing is guessed.
 */
#include "diff/correlate.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diff/compare.h"

static bool is_code(const struct sut_atom *a)
{
	return a->class == SUT_SEC_TEXT || a->class == SUT_SEC_INIT;
}

static bool is_variable(const struct sut_atom *a)
{
	return a->class == SUT_SEC_DATA || a->class == SUT_SEC_RODATA || a->class == SUT_SEC_TLS ||
	       a->class == SUT_SEC_UNKNOWN;
}

static bool same_kind(const struct sut_atom *a, const struct sut_atom *b)
{
	return a->class == b->class;
}

static void pair(struct sut_diff *d, uint32_t o, uint32_t p)
{
	d->twin[p] = o;
	d->twin_back[o] = p;
}

static bool free_pair(const struct sut_diff *d, uint32_t o, uint32_t p)
{
	return d->twin[p] == SUT_NO_ATOM && d->twin_back[o] == SUT_NO_ATOM;
}

/* Data of any class: a variable that becomes constant, or is no longer __initdata, is the same one. */
static bool is_data(const struct sut_atoms *a, const struct sut_atom *t)
{
	return (is_variable(t) || t->class == SUT_SEC_INIT) &&
	       !(a->object->sections[t->section].flags & SHF_EXECINSTR);
}

static bool same_or_data(const struct sut_diff *d, uint32_t o, const struct sut_atom *b)
{
	const struct sut_atom *a = &d->orig->atoms[o];

	return same_kind(a, b) || (is_data(d->orig, a) && is_data(d->patched, b));
}

/* Any of the names a place has: the fix may add an alias. */
static void by_plain_name(struct sut_diff *d)
{
	for (uint32_t i = 1; i < d->patched->object->nsyms; i++) {
		uint32_t p = d->patched->sym_atom[i];
		const char *name = d->patched->object->syms[i].name;

		if (p == SUT_NO_ATOM || d->twin[p] != SUT_NO_ATOM ||
		    d->patched->atoms[p].anonymous || sut_name_numbered(name))
			continue;
		for (uint32_t s = 1; s < d->orig->object->nsyms; s++) {
			uint32_t o = d->orig->sym_atom[s];

			if (o == SUT_NO_ATOM || !sut_streq(d->orig->object->syms[s].name, name) ||
			    !same_or_data(d, o, &d->patched->atoms[p]) || !free_pair(d, o, p))
				continue;
			pair(d, o, p);
			break;
		}
	}
}

/* How many unpaired atoms of a there are with a name like that; *ret: the last of them. */
static uint32_t alike(const struct sut_atoms *a, const uint32_t *paired,
		      const struct sut_atom *like, uint32_t *ret)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->n; i++) {
		const struct sut_atom *t = &a->atoms[i];

		if (paired[i] != SUT_NO_ATOM || !t->sym || !same_kind(t, like) ||
		    !sut_name_alike(t->name, like->name))
			continue;
		*ret = i;
		n++;
	}
	return n;
}

static void numbered_functions(struct sut_diff *d)
{
	for (uint32_t p = 0; p < d->patched->n; p++) {
		const struct sut_atom *b = &d->patched->atoms[p];
		uint32_t o = SUT_NO_ATOM, self = SUT_NO_ATOM;

		if (!b->sym || !is_code(b) || d->twin[p] != SUT_NO_ATOM)
			continue;
		for (uint32_t i = 0; i < d->orig->n && o == SUT_NO_ATOM; i++)
			if (d->orig->atoms[i].sym && same_kind(&d->orig->atoms[i], b) &&
			    sut_streq(d->orig->atoms[i].name, b->name) && free_pair(d, i, p))
				o = i;
		if (o != SUT_NO_ATOM || (alike(d->orig, d->twin_back, b, &o) == 1 &&
					 alike(d->patched, d->twin, b, &self) == 1))
			pair(d, o, p);
	}
}

/* Variables that code of the same shape refers to at the same places: of one name, or renamed ones
 * (constants have no state to keep). Returns how many were found. */
static uint32_t by_shape(struct sut_diff *d, bool renamed)
{
	uint32_t found = 0;

	for (uint32_t p = 0; p < d->patched->n; p++) {
		uint32_t o = d->twin[p];
		const struct sut_atom *b = &d->patched->atoms[p];

		if (o == SUT_NO_ATOM || !sut_compare_shape(d, o, p))
			continue;
		for (uint32_t i = 0; i < b->nrefs; i++) {
			const struct sut_ref *x = &d->orig->refs[d->orig->atoms[o].first_ref + i];
			const struct sut_ref *y = &d->patched->refs[b->first_ref + i];
			const struct sut_atom *u, *v;

			if (x->atom == SUT_NO_ATOM || y->atom == SUT_NO_ATOM ||
			    !free_pair(d, x->atom, y->atom))
				continue;
			u = &d->orig->atoms[x->atom];
			v = &d->patched->atoms[y->atom];
			if (!u->sym || !v->sym || !is_variable(u) || !same_kind(u, v) ||
			    u->size != v->size || u->anonymous || v->anonymous)
				continue;
			if (renamed ? u->class != SUT_SEC_DATA && u->class != SUT_SEC_TLS
				    : !sut_name_alike(u->name, v->name))
				continue;
			pair(d, x->atom, y->atom);
			found++;
		}
	}
	return found;
}

/* The variables with a name like `like` that atom i refers to; returns how many different ones. */
static uint32_t referred(const struct sut_atoms *a, const uint32_t *paired, uint32_t i,
			 const struct sut_atom *like, uint32_t *ret)
{
	const struct sut_atom *t = &a->atoms[i];
	uint32_t n = 0, last = SUT_NO_ATOM;

	for (uint32_t k = 0; k < t->nrefs; k++) {
		uint32_t at = a->refs[t->first_ref + k].atom;

		if (at == SUT_NO_ATOM || at == last || paired[at] != SUT_NO_ATOM ||
		    !a->atoms[at].sym || !same_kind(&a->atoms[at], like) ||
		    !sut_name_alike(a->atoms[at].name, like->name))
			continue;
		last = at;
		n++;
	}
	*ret = last;
	return n;
}

static int rest_of_changed(struct sut_diff *d, struct sut_err *err)
{
	for (uint32_t p = 0; p < d->patched->n; p++) {
		const struct sut_atom *b = &d->patched->atoms[p];

		if (d->twin[p] == SUT_NO_ATOM)
			continue;
		for (uint32_t i = 0; i < b->nrefs; i++) {
			uint32_t v = d->patched->refs[b->first_ref + i].atom, o, v2, n, m;
			const struct sut_atom *like;

			if (v == SUT_NO_ATOM || d->twin[v] != SUT_NO_ATOM)
				continue;
			like = &d->patched->atoms[v];
			if (!like->sym || !is_variable(like) || like->anonymous)
				continue;
			n = referred(d->orig, d->twin_back, d->twin[p], like, &o);
			m = referred(d->patched, d->twin, p, like, &v2);
			if (!n)
				continue;
			if (n == 1 && m == 1 && d->orig->atoms[o].size == like->size) {
				pair(d, o, v);
				continue;
			}
			return sut_err_reason(
				err, EOPNOTSUPP, "ambiguous-static",
				"%s refers to several static variables like %s, and the fix adds, "
				"removes or resizes one of them: give them different names in the "
				"fix, so that each keeps its memory",
				b->name, like->name);
		}
	}
	return 0;
}

static bool refers(const struct sut_atoms *a, uint32_t from, uint32_t to)
{
	const struct sut_atom *t = &a->atoms[from];

	for (uint32_t k = 0; k < t->nrefs; k++)
		if (a->refs[t->first_ref + k].atom == to)
			return true;
	return false;
}

/* Does something that refers to o refer to v instead, now? */
static bool takes_over(const struct sut_diff *d, uint32_t o, uint32_t v)
{
	for (uint32_t p = 0; p < d->patched->n; p++)
		if (d->twin[p] != SUT_NO_ATOM && refers(d->orig, d->twin[p], o) &&
		    refers(d->patched, p, v))
			return true;
	return false;
}

static bool unpaired_state(const struct sut_atom *t, uint32_t twin)
{
	return twin == SUT_NO_ATOM && (t->class == SUT_SEC_DATA || t->class == SUT_SEC_TLS) &&
	       t->sym && !t->anonymous;
}

static int check_lost(const struct sut_diff *d, struct sut_err *err)
{
	for (uint32_t o = 0; o < d->orig->n; o++) {
		const struct sut_atom *a = &d->orig->atoms[o];

		if (!unpaired_state(a, d->twin_back[o]))
			continue;
		for (uint32_t v = 0; v < d->patched->n; v++) {
			const struct sut_atom *b = &d->patched->atoms[v];

			if (!unpaired_state(b, d->twin[v]))
				continue;
			if (sut_name_alike(a->name, b->name) ||
			    (a->size == b->size && takes_over(d, o, v)))
				return sut_err_reason(
					err, EOPNOTSUPP, "ambiguous-static",
					"the variable %s is gone and %s is new, and may be the same "
					"one: keep the name, the size and the function of a variable "
					"that exists, so that it keeps its memory",
					a->name, b->name);
		}
	}
	return 0;
}

int sut_correlate(struct sut_diff *d, struct sut_err *err)
{
	int r;

	by_plain_name(d);
	numbered_functions(d);
	while (by_shape(d, false))
		;
	while (by_shape(d, true))
		;
	r = rest_of_changed(d, err);
	return r ? r : check_lost(d, err);
}
