// SPDX-License-Identifier: Apache-2.0
#include "diff/compare.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "diff/insn.h"

enum { DEPTH_MAX = 8 };

static bool content_equal(const struct sut_diff *d, uint32_t o, uint32_t p, int depth);

/* ---- merged strings and constants ---- */

/* Bytes before the terminator, which is one character of zeros (L"…" has wider ones). */
static size_t string_len(const uint8_t *s, size_t max, uint64_t width)
{
	static const uint8_t zeros[8];
	size_t n = 0;

	if (width <= 1 || width > sizeof(zeros))
		return strnlen((const char *)s, max);
	while (n + width <= max && memcmp(s + n, zeros, width) != 0)
		n += width;
	return n;
}

static bool merged_equal(const struct sut_diff *d, const struct sut_ref *o, const struct sut_ref *p)
{
	const struct sut_atom *ta = &d->orig->atoms[o->atom], *tb = &d->patched->atoms[p->atom];
	const struct sut_section *sa = &d->orig->object->sections[ta->section];
	const struct sut_section *sb = &d->patched->object->sections[tb->section];
	size_t la, lb;

	if (o->target < 0 || p->target < 0 || (uint64_t)o->target > ta->size ||
	    (uint64_t)p->target > tb->size || sa->flags != sb->flags || sa->entsize != sb->entsize)
		return false;
	la = ta->size - (uint64_t)o->target;
	lb = tb->size - (uint64_t)p->target;
	if (sa->flags & SHF_STRINGS) {
		const uint8_t *a = sa->data + ta->off + o->target;
		const uint8_t *b = sb->data + tb->off + p->target;
		size_t n = string_len(a, la, sa->entsize);

		return n == string_len(b, lb, sb->entsize) && !memcmp(a, b, n);
	}
	if (sa->entsize && la >= sa->entsize && lb >= sa->entsize)
		return !memcmp(sa->data + ta->off + o->target, sb->data + tb->off + p->target,
			       sa->entsize);
	return la == lb &&
	       !memcmp(sa->data + ta->off + o->target, sb->data + tb->off + p->target, la);
}

/* ---- references ---- */

static bool ref_equal(const struct sut_diff *d, const struct sut_ref *o, const struct sut_ref *p,
		      int depth)
{
	const struct sut_atom *a, *b;

	if (o->type != p->type && !((o->type == R_X86_64_PC32 || o->type == R_X86_64_PLT32) &&
				    (p->type == R_X86_64_PC32 || p->type == R_X86_64_PLT32)))
		return false;
	if (o->atom == SUT_NO_ATOM || p->atom == SUT_NO_ATOM) {
		const struct sut_sym *x = &d->orig->object->syms[o->sym];
		const struct sut_sym *y = &d->patched->object->syms[p->sym];

		if (o->atom != p->atom)
			return false;
		if (!*x->name || !*y->name) /* into a dropped section */
			return *x->name == *y->name;
		return sut_streq(x->name, y->name) && o->target == p->target;
	}
	if (d->twin[p->atom] == o->atom)
		return o->target == p->target;
	a = &d->orig->atoms[o->atom];
	b = &d->patched->atoms[p->atom];
	if (a->class != b->class)
		return false;
	if (a->class == SUT_SEC_MERGE)
		return merged_equal(d, o, p);
	if (!a->anonymous || !b->anonymous || o->target != p->target || depth >= DEPTH_MAX)
		return false;
	if (a->sym && b->sym && !sut_name_alike(a->name, b->name) &&
	    strncmp(a->name, "__UNIQUE_ID_", 12) != 0)
		return false;
	return content_equal(d, o->atom, p->atom, depth + 1);
}

static bool refs_equal(const struct sut_diff *d, const struct sut_ref *o, uint32_t no,
		       const struct sut_ref *p, uint32_t np, uint64_t *at, int depth)
{
	for (uint32_t i = 0; i < no && i < np; i++) {
		if (o[i].offset != p[i].offset || !ref_equal(d, &o[i], &p[i], depth)) {
			*at = o[i].offset < p[i].offset ? o[i].offset : p[i].offset;
			return false;
		}
	}
	if (no != np) {
		*at = no > np ? o[np].offset : p[no].offset;
		return false;
	}
	return true;
}

/* The bytes, apart from relocated fields; the place of the first difference in *at. */
static bool bytes_equal(const struct sut_diff *d, uint32_t o, uint32_t p, uint64_t *at)
{
	const struct sut_atom *a = &d->orig->atoms[o], *b = &d->patched->atoms[p];
	const uint8_t *x = sut_atom_bytes(d->orig, o), *y = sut_atom_bytes(d->patched, p);
	uint64_t n = a->size < b->size ? a->size : b->size;
	uint32_t i = 0, k = 0;

	if (!x != !y) {
		*at = 0;
		return false;
	}
	for (uint64_t off = 0; x && off < n; off++) {
		const struct sut_ref *r = &d->orig->refs[a->first_ref];
		const struct sut_ref *q = &d->patched->refs[b->first_ref];

		while (i < a->nrefs && r[i].offset + sut_rela_width(r[i].type) <= off)
			i++;
		while (k < b->nrefs && q[k].offset + sut_rela_width(q[k].type) <= off)
			k++;
		if (i < a->nrefs && k < b->nrefs && r[i].offset == q[k].offset &&
		    r[i].offset <= off)
			continue;
		if (x[off] != y[off]) {
			*at = off;
			return false;
		}
	}
	if (a->size != b->size) {
		*at = n;
		return false;
	}
	return true;
}

static bool content_equal(const struct sut_diff *d, uint32_t o, uint32_t p, int depth)
{
	const struct sut_atom *a = &d->orig->atoms[o], *b = &d->patched->atoms[p];
	uint64_t at;

	return bytes_equal(d, o, p, &at) &&
	       refs_equal(d, &d->orig->refs[a->first_ref], a->nrefs,
			  &d->patched->refs[b->first_ref], b->nrefs, &at, depth);
}

/* ---- records of special sections ---- */

static bool compared(enum sut_table_kind t)
{
	/* The others follow from the code. */
	return t == SUT_TABLE_BUG || t == SUT_TABLE_EXTABLE || t == SUT_TABLE_ALT ||
	       t == SUT_TABLE_PARAVIRT || t == SUT_TABLE_JUMP_LABEL || t == SUT_TABLE_STATIC_CALL ||
	       t == SUT_TABLE_LSDA;
}

static bool replacement_equal(const struct sut_diff *d, const struct sut_record *o,
			      const struct sut_record *p, uint32_t size)
{
	const struct sut_ref *ro = &d->orig->record_refs[o->first_ref];
	const struct sut_ref *rp = &d->patched->record_refs[p->first_ref];
	const struct sut_section *so = &d->orig->object->sections[o->section];
	uint8_t len = so->data[o->offset + size - 1];
	const struct sut_atom *a, *b;
	uint32_t k = 0;

	if (!len)
		return true;
	if (o->nrefs < 2 || p->nrefs < 2 || ro[1].atom == SUT_NO_ATOM || rp[1].atom == SUT_NO_ATOM)
		return false;
	a = &d->orig->atoms[ro[1].atom];
	b = &d->patched->atoms[rp[1].atom];
	if (ro[1].target < 0 || rp[1].target < 0 || (uint64_t)ro[1].target + len > a->size ||
	    (uint64_t)rp[1].target + len > b->size)
		return false;
	for (uint8_t i = 0; i < len; i++) {
		uint64_t oo = (uint64_t)ro[1].target + i, pp = (uint64_t)rp[1].target + i;
		const struct sut_ref *x = NULL, *y = NULL;

		for (k = 0; k < a->nrefs && !x; k++)
			if (d->orig->refs[a->first_ref + k].offset == oo)
				x = &d->orig->refs[a->first_ref + k];
		for (k = 0; k < b->nrefs && !y; k++)
			if (d->patched->refs[b->first_ref + k].offset == pp)
				y = &d->patched->refs[b->first_ref + k];
		if (!x != !y || (x && !ref_equal(d, x, y, 0)))
			return false;
		if (x) {
			i = (uint8_t)(i + sut_rela_width(x->type) - 1);
			continue;
		}
		if (sut_atom_bytes(d->orig, ro[1].atom)[oo] !=
		    sut_atom_bytes(d->patched, rp[1].atom)[pp])
			return false;
	}
	return true;
}

static bool record_equal(const struct sut_diff *d, const struct sut_record *o,
			 const struct sut_record *p)
{
	uint32_t size = d->orig->rules[o->section].record;
	const uint8_t *x = d->orig->object->sections[o->section].data + o->offset;
	const uint8_t *y = d->patched->object->sections[p->section].data + p->offset;
	const struct sut_ref *ro = &d->orig->record_refs[o->first_ref];
	const struct sut_ref *rp = &d->patched->record_refs[p->first_ref];
	uint32_t i = 0;

	if (o->table != p->table || o->place != p->place || o->nrefs != p->nrefs ||
	    d->patched->rules[p->section].record != size)
		return false;
	for (uint32_t k = 0; k < o->nrefs; k++) {
		if (ro[k].offset != rp[k].offset)
			return false;
		if (k == 1 && o->table == SUT_TABLE_ALT)
			continue;
		if (!ref_equal(d, &ro[k], &rp[k], 0))
			return false;
	}
	for (uint32_t off = 0; off < size; off++) {
		while (i < o->nrefs && ro[i].offset + sut_rela_width(ro[i].type) <= off)
			i++;
		if (i < o->nrefs && ro[i].offset <= off)
			continue;
		/* A bug entry's line number (2 bytes before the 2 of flags) is not its meaning. */
		if (o->table == SUT_TABLE_BUG && off >= size - 4 && off < size - 2)
			continue;
		if (x[off] != y[off])
			return false;
	}
	return o->table != SUT_TABLE_ALT || replacement_equal(d, o, p, size);
}

static const struct sut_record *next_compared(const struct sut_atoms *a, const struct sut_atom *t,
					      uint32_t *i)
{
	while (*i < t->nrecords) {
		const struct sut_record *r = &a->records[t->first_record + (*i)++];

		if (compared(r->table))
			return r;
	}
	return NULL;
}

static const char *table_name(enum sut_table_kind t)
{
	switch (t) {
	case SUT_TABLE_BUG:
		return "BUG/WARN";
	case SUT_TABLE_EXTABLE:
		return "exception table";
	case SUT_TABLE_ALT:
		return "alternative";
	case SUT_TABLE_PARAVIRT:
		return "paravirt";
	case SUT_TABLE_JUMP_LABEL:
		return "static key";
	case SUT_TABLE_LSDA:
		return "exception handler";
	default:
		return "static call";
	}
}

static bool records_equal(const struct sut_diff *d, uint32_t o, uint32_t p, char *why)
{
	const struct sut_atom *a = &d->orig->atoms[o], *b = &d->patched->atoms[p];
	uint32_t i = 0, k = 0;

	for (;;) {
		const struct sut_record *x = next_compared(d->orig, a, &i);
		const struct sut_record *y = next_compared(d->patched, b, &k);

		if (!x && !y)
			return true;
		if (x && y && record_equal(d, x, y))
			continue;
		if (why)
			snprintf(why, SUT_WHY_MAX, "the %s record at +0x%llx differs",
				 table_name((x ? x : y)->table),
				 (unsigned long long)(x ? x : y)->place);
		return false;
	}
}

/* ---- whole atoms ---- */

static void describe(const struct sut_diff *d, uint32_t o, uint32_t p, uint64_t at, char *why)
{
	const struct sut_atom *a = &d->orig->atoms[o], *b = &d->patched->atoms[p];
	char x[SUT_INSN_TEXT_MAX], y[SUT_INSN_TEXT_MAX];
	uint32_t *ends;

	if (a->class != SUT_SEC_TEXT || at >= a->size || at >= b->size) {
		snprintf(why, SUT_WHY_MAX, "size %llu → %llu, first difference at +0x%llx",
			 (unsigned long long)a->size, (unsigned long long)b->size,
			 (unsigned long long)at);
		return;
	}
	/* Back to the start of the instruction. */
	ends = calloc(a->size, sizeof(*ends));
	if (ends && sut_insn_ends(sut_atom_bytes(d->orig, o), a->size, ends, NULL) == 0)
		while (at && ends[at - 1] == ends[at])
			at--;
	free(ends);
	sut_insn_text(sut_atom_bytes(d->orig, o) + at, a->size - at, x);
	sut_insn_text(sut_atom_bytes(d->patched, p) + at, b->size - at, y);
	if (sut_streq(x, y))
		snprintf(why, SUT_WHY_MAX, "+0x%llx: %.80s refers to something else",
			 (unsigned long long)at, x);
	else
		snprintf(why, SUT_WHY_MAX, "+0x%llx: %.80s → %.80s", (unsigned long long)at, x, y);
}

/* .data.x, .bss.x, .rodata.x: where the compiler puts a variable that nothing special is said of. */
static bool plain_section(const char *name)
{
	static const char *const plain[] = {".data", ".bss", ".rodata"};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(plain); i++) {
		const char *rest = name + strlen(plain[i]);

		if (sut_startswith(name, plain[i]) && (!*rest || (*rest == '.' && rest[1] != '.')))
			return true;
	}
	return false;
}

/* Is the variable still of the same kind: writable or not, per CPU, write-protected after boot, and
 * not aligned more strictly than the one that exists? */
static bool home_equal(const struct sut_diff *d, uint32_t o, uint32_t p, char *why)
{
	const struct sut_atom *a = &d->orig->atoms[o], *b = &d->patched->atoms[p];
	const struct sut_section *x = &d->orig->object->sections[a->section];
	const struct sut_section *y = &d->patched->object->sections[b->section];

	if (a->class != b->class || ((!plain_section(x->name) || !plain_section(y->name)) &&
				     !sut_streq(x->name, y->name))) {
		if (why)
			snprintf(why, SUT_WHY_MAX, "moves from %.100s to %.100s", x->name, y->name);
		return false;
	}
	if (a->size == x->size && b->size == y->size && y->align > x->align) {
		if (why)
			snprintf(why, SUT_WHY_MAX, "alignment %llu → %llu",
				 (unsigned long long)x->align, (unsigned long long)y->align);
		return false;
	}
	return true;
}

bool sut_compare_atoms(const struct sut_diff *d, uint32_t o, uint32_t p, char *why)
{
	const struct sut_atom *a = &d->orig->atoms[o], *b = &d->patched->atoms[p];
	uint64_t at;

	if (b->class != SUT_SEC_TEXT && b->sym && !home_equal(d, o, p, why))
		return false;
	if (!bytes_equal(d, o, p, &at) ||
	    !refs_equal(d, &d->orig->refs[a->first_ref], a->nrefs, &d->patched->refs[b->first_ref],
			b->nrefs, &at, 0)) {
		if (why)
			describe(d, o, p, at, why);
		return false;
	}
	return records_equal(d, o, p, why);
}

bool sut_compare_shape(const struct sut_diff *d, uint32_t o, uint32_t p)
{
	const struct sut_atom *a = &d->orig->atoms[o], *b = &d->patched->atoms[p];
	uint64_t at;

	if (a->nrefs != b->nrefs || !bytes_equal(d, o, p, &at))
		return false;
	for (uint32_t i = 0; i < a->nrefs; i++) {
		const struct sut_ref *x = &d->orig->refs[a->first_ref + i];
		const struct sut_ref *y = &d->patched->refs[b->first_ref + i];

		if (x->offset != y->offset || x->type != y->type || x->target != y->target)
			return false;
	}
	return true;
}
