// SPDX-License-Identifier: Apache-2.0
#include "kernel/emit.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "kernel/resolve.h"

enum { TEXT_PAD = 0xcc /* int3 between functions */ };

int sut_emitter_init(struct sut_emitter *e, const struct sut_profile *p,
		     struct sut_payload_unit *units, size_t n, struct sut_err *err)
{
	struct sut_place anchor;
	bool absolute;
	int r;

	*e = (struct sut_emitter){.profile = p, .units = units, .nunits = n};
	e->out = sut_object_new();
	e->syms = calloc(n ? n : 1, sizeof(*e->syms));
	e->offs = calloc(n ? n : 1, sizeof(*e->offs));
	if (!e->out || !e->syms || !e->offs)
		return sut_err_oom(err);
	for (size_t i = 0; i < n; i++) {
		e->syms[i] = calloc(units[i].atoms->n + 1, sizeof(**e->syms));
		e->offs[i] = calloc(units[i].atoms->n + 1, sizeof(**e->offs));
		if (!e->syms[i] || !e->offs[i])
			return sut_err_oom(err);
	}
	r = sut_resolve_name(p, "_printk", &anchor, err);
	if (r < 0)
		return sut_err_prefix(err, "the anchor symbol");
	if (anchor.reach != SUT_REACH_EXPORT)
		return sut_err_set(err, ENOENT,
				   "this kernel does not export _printk, which "
				   "unexported symbols are reached from");
	return sut_prove_extern(p, "_printk", &e->anchor_addr, &absolute, err);
}

void sut_emitter_release(struct sut_emitter *e)
{
	for (size_t i = 0; i < e->nunits; i++) {
		if (e->syms)
			free(e->syms[i]);
		if (e->offs)
			free(e->offs[i]);
	}
	free(e->syms);
	free(e->offs);
	for (size_t i = 0; i < e->nanchored; i++)
		free(e->anchored[i].name);
	free(e->anchored);
	sut_object_free(e->out);
	*e = (struct sut_emitter){0};
}

int sut_emit_section(struct sut_emitter *e, const char *name, uint32_t type, uint64_t flags,
		     uint64_t align)
{
	uint32_t s = sut_object_section(e->out, name);
	int r, sym;

	if (s) {
		if (align > e->out->sections[s].align)
			e->out->sections[s].align = align;
		return (int)s;
	}
	r = sut_object_add_section(e->out, name, type, flags, align ? align : 1, 0, NULL, 0);
	if (r < 0)
		return r;
	sym = sut_object_add_sym(e->out, "", STB_LOCAL, STT_SECTION, (uint32_t)r, 0, 0);
	if (sym < 0)
		return sym;
	e->out->sections[r].sym = (uint32_t)sym;
	return r;
}

int sut_emit_bytes(struct sut_emitter *e, uint32_t section, const void *data, uint64_t len,
		   uint64_t align, uint64_t *ret_off)
{
	struct sut_section *s = &e->out->sections[section];
	uint64_t off = align > 1 ? (s->size + align - 1) & ~(align - 1) : s->size;

	if (off + len > SUT_OBJECT_MAX)
		return -E2BIG;
	if (align > s->align)
		s->align = align;
	if (s->type != SHT_NOBITS) {
		uint8_t *p = realloc(s->data, off + len ? off + len : 1);

		if (!p)
			return -ENOMEM;
		s->data = p;
		memset(p + s->size, s->flags & SHF_EXECINSTR ? TEXT_PAD : 0, off - s->size);
		if (data)
			memcpy(p + off, data, len);
		else
			memset(p + off, 0, len);
	}
	s->size = off + len;
	*ret_off = off;
	return 0;
}

int sut_emit_undefined(struct sut_emitter *e, const char *name)
{
	for (uint32_t i = 1; i < e->out->nsyms; i++)
		if (!e->out->syms[i].shndx && sut_streq(e->out->syms[i].name, name))
			return (int)i;
	return sut_object_add_sym(e->out, name, STB_GLOBAL, STT_NOTYPE, SHN_UNDEF, 0, 0);
}

static int absolute_symbol(struct sut_emitter *e, const char *name, uint64_t value)
{
	for (uint32_t i = 1; i < e->out->nsyms; i++)
		if (e->out->syms[i].shndx == SHN_ABS && e->out->syms[i].value == value &&
		    sut_streq(e->out->syms[i].name, name))
			return (int)i;
	return sut_object_add_sym(e->out, name, STB_LOCAL, STT_NOTYPE, SHN_ABS, value, 0);
}

int sut_emit_anchored64(struct sut_emitter *e, uint32_t section, uint64_t off, uint64_t addr)
{
	int s = sut_emit_undefined(e, "_printk");

	return s < 0 ? s
		     : sut_object_add_rela(e->out, section, off, R_X86_64_64, (uint32_t)s,
					   (int64_t)(addr - e->anchor_addr));
}

static int note_anchored(struct sut_emitter *e, const struct sut_place *p)
{
	struct sut_anchored *v;

	for (size_t i = 0; i < e->nanchored; i++)
		if (e->anchored[i].addr == p->addr && sut_streq(e->anchored[i].name, p->name))
			return 0;
	v = reallocarray(e->anchored, e->nanchored + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	e->anchored = v;
	v[e->nanchored] = (struct sut_anchored){strdup(p->name), p->addr};
	return v[e->nanchored++].name ? 0 : -ENOMEM;
}

/* ---- contents ---- */

static const char *out_section(const struct sut_atoms *a, const struct sut_atom *t)
{
	const char *name = a->object->sections[t->section].name;

	switch (t->class) {
	case SUT_SEC_TEXT:
		return ".text";
	case SUT_SEC_RODATA:
	case SUT_SEC_MERGE:
		return sut_startswith(name, ".") ? ".rodata" : name;
	default:
		/* Named data sections (.data..percpu, __dyndbg) mean something to the loader, which
		 * knows one per-CPU section only: the others are for the linker of the image. */
		if (sut_startswith(name, ".data..percpu"))
			return ".data..percpu";
		if (sut_startswith(name, ".data.") && name[6] != '.')
			return ".data";
		if (sut_startswith(name, ".bss.") && name[5] != '.')
			return ".bss";
		return name;
	}
}

static int put_atom(struct sut_emitter *e, size_t u, uint32_t i)
{
	const struct sut_atoms *a = e->units[u].atoms;
	const struct sut_atom *t = &a->atoms[i];
	const struct sut_section *s = &a->object->sections[t->section];
	uint64_t align = t->class == SUT_SEC_TEXT && s->align < 16 ? 16 : s->align, off;
	uint64_t flags = s->flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR);
	uint32_t type = s->type == SHT_NOBITS ? SHT_NOBITS : SHT_PROGBITS;
	const char *name = out_section(a, t);
	int sec, r;

	if (sut_streq(name, ".rodata"))
		flags = SHF_ALLOC;
	sec = sut_emit_section(e, name, type, flags, align);
	if (sec < 0)
		return sec;
	r = sut_emit_bytes(e, (uint32_t)sec, sut_atom_bytes(a, i), t->size, align, &off);
	if (r < 0)
		return r;
	if (!t->sym && t->class != SUT_SEC_TEXT) {
		e->syms[u][i] = e->out->sections[sec].sym;
		e->offs[u][i] = (int64_t)off;
		return 0;
	}
	/* Code without a symbol (.altinstr_aux) gets one, for whoever reads a stack or the payload. */
	r = sut_object_add_sym(e->out, t->sym ? t->name : t->name + (*t->name == '.'),
			       e->units[u].diff ? STB_LOCAL : STB_GLOBAL,
			       t->sym ? a->object->syms[t->sym].type : STT_FUNC, (uint32_t)sec, off,
			       t->size);
	if (r < 0)
		return r;
	e->syms[u][i] = (uint32_t)r;
	return 0;
}

/* ---- references ---- */

/* Where in out an included atom's byte is. */
static void out_place(const struct sut_emitter *e, size_t u, uint32_t atom, uint32_t *sec,
		      uint64_t *off)
{
	const struct sut_sym *s = &e->out->syms[e->syms[u][atom]];

	*sec = s->shndx;
	*off = s->value + (uint64_t)e->offs[u][atom];
}

static bool included(const struct sut_emitter *e, size_t u, uint32_t atom)
{
	return e->units[u].selection.include[atom];
}

static bool is_new(const struct sut_payload_unit *u, uint32_t atom)
{
	return !u->diff || u->diff->verdict[atom] == SUT_NEW;
}

/* Does the reference mean the payload's own copy? The address of a function that is only
 * redirected stays the original one, so that it is the same before and after, and after undoing. */
static bool means_copy(const struct sut_emitter *e, size_t u, const struct sut_ref *r)
{
	const struct sut_payload_unit *unit = &e->units[u];

	if (!included(e, u, r->atom))
		return false;
	if (is_new(unit, r->atom) || sut_ref_is_call(r) || !unit->selection.replace[r->atom])
		return true;
	return r->target != 0; /* into the middle: switch tables, .altinstr_aux, the .cold part */
}

/* The unit and atom that a reference means: for a name that is not defined here, a global of another
 * file of the same patch. SUT_NO_ATOM: not in this patch. */
static uint32_t meant(const struct sut_emitter *e, size_t *u, const struct sut_ref *r)
{
	const char *name = e->units[*u].atoms->object->syms[r->sym].name;

	for (size_t v = 0; r->atom == SUT_NO_ATOM && v < e->nunits; v++) {
		uint32_t atom = v == *u ? SUT_NO_ATOM : sut_atoms_global(e->units[v].atoms, name);

		if (atom != SUT_NO_ATOM) {
			*u = v;
			return atom;
		}
	}
	return r->atom;
}

static int put_kernel_ref(struct sut_emitter *e, uint32_t sec, uint64_t off,
			  const struct sut_ref *r, const struct sut_place *place)
{
	int64_t addend = r->addend;
	int s;

	switch (place->reach) {
	case SUT_REACH_EXPORT:
		s = sut_emit_undefined(e, place->name);
		break;
	case SUT_REACH_ABSOLUTE:
		s = absolute_symbol(e, place->name, place->addr);
		break;
	default:
		s = sut_emit_undefined(e, "_printk");
		addend += (int64_t)(place->addr - e->anchor_addr);
		if (s >= 0 && note_anchored(e, place) < 0)
			s = -ENOMEM;
		break;
	}
	return s < 0 ? s : sut_object_add_rela(e->out, sec, off, r->type, (uint32_t)s, addend);
}

/* The relocations that the loader of modules knows: none through a GOT, no TLS. */
static bool of_modules(uint32_t type)
{
	return type == R_X86_64_64 || type == R_X86_64_32 || type == R_X86_64_32S ||
	       type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_PC64;
}

static int put_ref(struct sut_emitter *e, size_t u, uint32_t from, uint32_t sec, uint64_t off,
		   const struct sut_ref *r, struct sut_err *err)
{
	const struct sut_atoms *a = e->units[u].atoms;
	const struct sut_payload_unit *unit;
	struct sut_ref to = *r;
	struct sut_place place;
	size_t v = u;
	int k;

	if (!of_modules(r->type))
		return sut_err_set(err, EOPNOTSUPP, "relocation type %u in %s is not supported",
				   r->type, a->atoms[from].name);
	to.atom = meant(e, &v, r);
	unit = &e->units[v];
	if (to.atom == SUT_NO_ATOM) {
		const char *name = a->object->syms[r->sym].name;
		uint32_t s = 0;

		if (!unit->diff)
			s = sut_object_sym(e->out, name); /* of the payload itself */
		if (!s && !unit->diff && sut_startswith(name, "suture_payload_"))
			s = (uint32_t)sut_emit_undefined(e, name);
		if (s)
			k = sut_object_add_rela(e->out, sec, off, r->type, s, r->addend);
		else {
			k = sut_resolve_name(e->profile, name, &place, err);
			if (k < 0)
				return sut_err_prefix(err, "%s refers to %s", a->atoms[from].name,
						      name);
			k = put_kernel_ref(e, sec, off, r, &place);
		}
	} else if (means_copy(e, v, &to)) {
		k = sut_object_add_rela(e->out, sec, off, r->type, e->syms[v][to.atom],
					r->addend + e->offs[v][to.atom]);
	} else {
		uint32_t orig = unit->diff ? unit->diff->twin[to.atom] : SUT_NO_ATOM;
		const char *name = unit->atoms->atoms[to.atom].name;

		if (orig == SUT_NO_ATOM)
			return sut_err_set(err, EINVAL,
					   "internal: %s refers to %s, which is neither in "
					   "the kernel nor in the patch",
					   a->atoms[from].name, name);
		k = sut_resolve_atom(e->profile, unit->exact, unit->diff->orig, orig, &place, err);
		if (k < 0)
			return sut_err_prefix(err, "%s refers to %s", a->atoms[from].name, name);
		k = put_kernel_ref(e, sec, off, r, &place);
	}
	return k < 0 ? sut_err_oom(err) : 0;
}

/* Only read or written: a PC-relative field of an instruction other than lea. */
static bool is_access(const struct sut_atoms *a, uint32_t from, const struct sut_ref *r)
{
	const uint8_t *code = sut_atom_bytes(a, from);

	return a->atoms[from].class == SUT_SEC_TEXT && sut_rela_is_pcrel(r->type) &&
	       r->offset >= 2 && code[r->offset - 2] != 0x8d;
}

/* New functions and variables whose address is taken: whoever has it may use it later. Strings and
 * what macros make up (__func__, the state of a ratelimit) are taken to be passed on only. */
static void note_escape(struct sut_emitter *e, size_t u, uint32_t from, const struct sut_ref *r)
{
	const struct sut_atoms *a = e->units[u].atoms;
	uint32_t t = meant(e, &u, r);
	const struct sut_atom *to;

	if (t == SUT_NO_ATOM || !e->units[u].diff || !included(e, u, t) || !is_new(&e->units[u], t))
		return;
	to = &e->units[u].atoms->atoms[t];
	if (to->class == SUT_SEC_TEXT)
		e->keep |= to->sym && r->target == 0 && !sut_ref_is_call(r);
	else
		e->keep |= !to->anonymous && !is_access(a, from, r);
}

static int put_atom_refs(struct sut_emitter *e, size_t u, uint32_t i, struct sut_err *err)
{
	const struct sut_atoms *a = e->units[u].atoms;
	const struct sut_atom *t = &a->atoms[i];
	uint32_t sec;
	uint64_t off;
	int r = 0;

	out_place(e, u, i, &sec, &off);
	for (uint32_t k = 0; !r && k < t->nrefs; k++) {
		const struct sut_ref *ref = &a->refs[t->first_ref + k];

		note_escape(e, u, i, ref);
		r = put_ref(e, u, i, sec, off + ref->offset, ref, err);
	}
	return r;
}

/* ---- records ---- */

static int put_orc(struct sut_emitter *e, const struct sut_atoms *a, const struct sut_record *rec)
{
	uint32_t size = e->profile->sizes.orc_entry;
	uint32_t from = sut_object_section(a->object, ".orc_unwind");
	uint64_t at = (uint64_t)rec->offset / 4 * size, off;
	int sec;

	if (!from || at + size > a->object->sections[from].size)
		return -EBADMSG;
	sec = sut_emit_section(e, ".orc_unwind", SHT_PROGBITS, SHF_ALLOC, 2);
	return sec < 0 ? sec
		       : sut_emit_bytes(e, (uint32_t)sec, a->object->sections[from].data + at, size,
					1, &off);
}

/* The replacement of an alternative: copied, and the record's reference to it made. */
static int put_replacement(struct sut_emitter *e, size_t u, const struct sut_record *rec,
			   const struct sut_ref *ref, uint32_t sec, uint64_t off,
			   struct sut_err *err)
{
	const struct sut_atoms *a = e->units[u].atoms;
	const struct sut_section *table = &a->object->sections[rec->section];
	uint8_t len = table->data[rec->offset + a->rules[rec->section].record - 1];
	const struct sut_atom *t = &a->atoms[ref->atom];
	uint64_t at = 0;
	int to, r;

	if (ref->target < 0 || (uint64_t)ref->target + len > t->size ||
	    !sut_atom_bytes(a, ref->atom))
		return sut_err_set(err, EBADMSG,
				   "an alternative's replacement is not in its section");
	to = sut_emit_section(e, ".altinstr_replacement", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
			      1);
	if (to < 0)
		return sut_err_oom(err);
	r = sut_emit_bytes(e, (uint32_t)to, sut_atom_bytes(a, ref->atom) + ref->target, len, 1,
			   &at);
	for (uint32_t k = 0; !r && k < t->nrefs; k++) {
		const struct sut_ref *x = &a->refs[t->first_ref + k];

		if (x->offset < (uint64_t)ref->target || x->offset >= (uint64_t)ref->target + len)
			continue;
		r = put_ref(e, u, rec->atom, (uint32_t)to, at + x->offset - (uint64_t)ref->target,
			    x, err);
		if (r < 0)
			return r;
	}
	if (!r)
		r = sut_object_add_rela(e->out, sec, off + ref->offset, ref->type,
					e->out->sections[to].sym, (int64_t)at);
	return r < 0 ? sut_err_oom(err) : 0;
}

static int put_record(struct sut_emitter *e, size_t u, const struct sut_record *rec,
		      struct sut_err *err)
{
	const struct sut_atoms *a = e->units[u].atoms;
	const struct sut_section *s = &a->object->sections[rec->section];
	uint32_t size = a->rules[rec->section].record;
	uint64_t off;
	int sec, r;

	sec = sut_emit_section(e, s->name, SHT_PROGBITS, s->flags & (SHF_ALLOC | SHF_WRITE),
			       size % 8 ? 4 : 8);
	if (sec < 0)
		return sut_err_oom(err);
	r = sut_emit_bytes(e, (uint32_t)sec, s->data + rec->offset, size, 1, &off);
	if (!r && rec->table == SUT_TABLE_ORC)
		r = put_orc(e, a, rec);
	if (r < 0)
		return sut_err_set(err, -r, "cannot copy a record of %s", s->name);
	for (uint32_t k = 0; !r && k < rec->nrefs; k++) {
		const struct sut_ref *ref = &a->record_refs[rec->first_ref + k];

		if (k == 1 && rec->table == SUT_TABLE_ALT && ref->atom != SUT_NO_ATOM)
			r = put_replacement(e, u, rec, ref, (uint32_t)sec, off, err);
		else if (ref->atom == rec->atom) /* the place, never the original's entry */
			r = sut_object_add_rela(e->out, (uint32_t)sec, off + ref->offset, ref->type,
						e->syms[u][ref->atom],
						ref->addend + e->offs[u][ref->atom]);
		else
			r = put_ref(e, u, rec->atom, (uint32_t)sec, off + ref->offset, ref, err);
	}
	return r;
}

int sut_emit_units(struct sut_emitter *e, struct sut_err *err)
{
	int r = 0;

	for (size_t u = 0; u < e->nunits; u++)
		for (uint32_t i = 0; i < e->units[u].atoms->n; i++)
			if (included(e, u, i) && put_atom(e, u, i) < 0)
				return sut_err_oom(err);
	for (size_t u = 0; u < e->nunits; u++)
		for (uint32_t i = 0; !r && i < e->units[u].atoms->n; i++) {
			const struct sut_atom *t = &e->units[u].atoms->atoms[i];

			if (!included(e, u, i))
				continue;
			r = put_atom_refs(e, u, i, err);
			for (uint32_t k = 0; !r && k < t->nrecords; k++)
				r = put_record(e, u,
					       &e->units[u].atoms->records[t->first_record + k],
					       err);
		}
	return r;
}
