// SPDX-License-Identifier: Apache-2.0
#include "library/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct list {
	struct sut_lib_slot *v;
	size_t n, cap;
};

static int push(struct list *l, struct sut_lib_slot s, struct sut_err *err)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 256;
		struct sut_lib_slot *v = realloc(l->v, cap * sizeof(*v));

		if (!v)
			return sut_err_oom(err);
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = s;
	return 0;
}

static uint64_t word(const struct sut_linked *l, uint64_t vaddr)
{
	const uint8_t *p = sut_linked_bytes(l, vaddr, 8);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, 8);
	return v;
}

/* The relocation of a type at exactly this place; NULL. */
static const struct sut_linked_rel *rel_at(const struct sut_linked *l, uint64_t vaddr,
					   uint32_t type)
{
	for (size_t i = sut_linked_rel_from(l, vaddr); i < l->nrels && l->rels[i].vaddr == vaddr;
	     i++)
		if (l->rels[i].type == type)
			return &l->rels[i];
	return NULL;
}

static void name_slot(const struct sut_linked *l, const struct sut_linked_rel *rel,
		      struct sut_lib_slot *s)
{
	s->name = s->version = "";
	if (!rel->sym)
		return;
	s->name = l->dynsyms[rel->sym].name;
	s->version = l->dynsyms[rel->sym].version;
}

/* Is it where the linker puts slots? Relocated data of the program itself is no slot. */
static bool in_got(const struct sut_linked *l, uint64_t vaddr)
{
	const struct sut_linked_section *s = sut_linked_section_at(l, vaddr);

	return s && (sut_streq(s->name, ".got") || sut_streq(s->name, ".got.plt") ||
		     sut_streq(s->name, ".igot") || sut_streq(s->name, ".igot.plt"));
}

/* What a relocation says about the slot that it fills; false when it fills none. */
static bool read_slot(const struct sut_linked *l, const struct sut_linked_rel *rel,
		      struct sut_lib_slot *s)
{
	*s = (struct sut_lib_slot){.kind = SUT_LIB_SLOT_GOT, .vaddr = rel->vaddr};
	name_slot(l, rel, s);
	switch (rel->type) {
	case R_X86_64_GLOB_DAT:
	case R_X86_64_JUMP_SLOT:
		return true;
	case R_X86_64_64:
		return rel->sym && !rel->addend;
	case R_X86_64_RELATIVE:
	case R_X86_64_IRELATIVE:
		s->target = (uint64_t)rel->addend;
		return true;
	case R_X86_64_TPOFF64:
		s->kind = SUT_LIB_SLOT_TLS_IE;
		s->target = *s->name ? 0 : (uint64_t)rel->addend;
		return true;
	case R_X86_64_TLSDESC:
		s->kind = SUT_LIB_SLOT_TLS_DESC;
		s->target = *s->name ? 0 : (uint64_t)rel->addend;
		return true;
	case R_X86_64_DTPMOD64:
		s->kind = SUT_LIB_SLOT_TLS_GD;
		/* Of a local symbol the linker knows the offset already. */
		if (!*s->name)
			s->target = word(l, rel->vaddr + 8);
		return *s->name ? rel_at(l, rel->vaddr + 8, R_X86_64_DTPOFF64) != NULL : true;
	default:
		return false;
	}
}

static int read_got(const struct sut_linked *l, struct list *out, struct sut_err *err)
{
	for (size_t i = 0; i < l->nrels; i++) {
		struct sut_lib_slot s;
		int r;

		if (!in_got(l, l->rels[i].vaddr) || !read_slot(l, &l->rels[i], &s))
			continue;
		r = push(out, s, err);
		/* Of a variable at offset 0 it may as well be the slot of the module, which then serves as both. */
		if (r == 0 && s.kind == SUT_LIB_SLOT_TLS_GD && !*s.name && !s.target) {
			s.kind = SUT_LIB_SLOT_TLS_LD;
			r = push(out, s, err);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* "jmp *slot(%rip)" at p, perhaps behind endbr64 and with a bnd prefix: the slot. */
static bool stub(const uint8_t *p, size_t len, uint64_t vaddr, uint64_t *ret_slot)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	size_t n = 0;
	int32_t rel;

	if (len >= 4 && !memcmp(p, endbr64, 4))
		n = 4;
	n += n < len && p[n] == 0xf2;
	if (len - n < 6 || p[n] != 0xff || p[n + 1] != 0x25)
		return false;
	memcpy(&rel, p + n + 2, 4);
	*ret_slot = vaddr + n + 6 + (uint64_t)(int64_t)rel;
	return true;
}

static int read_plt(const struct sut_linked *l, const struct sut_linked_section *s,
		    struct list *out, struct sut_err *err)
{
	const uint8_t *p = sut_linked_bytes(l, s->vaddr, s->size);

	for (uint64_t off = 0; p && off < s->size; off += 8) {
		struct sut_lib_slot slot;
		uint64_t got;
		int r = 0;

		if (!stub(p + off, s->size - off, s->vaddr + off, &got))
			continue;
		for (size_t i = sut_linked_rel_from(l, got);
		     i < l->nrels && l->rels[i].vaddr == got && r == 0; i++) {
			if (!read_slot(l, &l->rels[i], &slot) || slot.kind != SUT_LIB_SLOT_GOT)
				continue;
			slot.kind = SUT_LIB_SLOT_PLT;
			slot.vaddr = s->vaddr + off;
			r = push(out, slot, err);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare(const struct sut_lib_slot *a, enum sut_lib_slot_kind kind, const char *name,
		   uint64_t target)
{
	int c;

	if (a->kind != kind)
		return a->kind < kind ? -1 : 1;
	c = strcmp(a->name, name);
	if (c || *name)
		return c;
	return a->target < target ? -1 : a->target > target;
}

static int by_all(const void *x, const void *y)
{
	const struct sut_lib_slot *a = x, *b = y;
	int c = compare(a, b->kind, b->name, b->target);

	return c ? c : a->vaddr < b->vaddr ? -1 : a->vaddr > b->vaddr;
}

int sut_slots_read(const struct sut_linked *l, struct sut_lib_slot **ret, size_t *ret_n,
		   struct sut_err *err)
{
	struct list out = {0};
	int r = read_got(l, &out, err);

	for (size_t i = 0; i < l->nsections && r == 0; i++)
		if ((l->sections[i].flags & SHF_EXECINSTR) &&
		    (sut_startswith(l->sections[i].name, ".plt") ||
		     sut_startswith(l->sections[i].name, ".iplt")))
			r = read_plt(l, &l->sections[i], &out, err);
	if (r < 0) {
		free(out.v);
		return r;
	}
	if (out.n)
		qsort(out.v, out.n, sizeof(*out.v), by_all);
	*ret = out.v;
	*ret_n = out.n;
	return 0;
}

const struct sut_lib_slot *sut_slots_find(const struct sut_lib_slot *v, size_t n,
					  enum sut_lib_slot_kind kind, const char *name,
					  uint64_t target)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare(&v[mid], kind, name, target) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && !compare(&v[lo], kind, name, target) ? &v[lo] : NULL;
}
