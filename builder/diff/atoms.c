// SPDX-License-Identifier: Apache-2.0
#include "diff/atoms.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "diff/backend.h"
#include "diff/frames.h"
#include "diff/insn.h"

bool sut_name_alike(const char *a, const char *b)
{
	for (;;) {
		while (*a == '.' && isdigit((unsigned char)a[1]))
			for (a++; isdigit((unsigned char)*a); a++)
				;
		while (*b == '.' && isdigit((unsigned char)b[1]))
			for (b++; isdigit((unsigned char)*b); b++)
				;
		if (*a != *b)
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

bool sut_name_numbered(const char *name)
{
	for (const char *p = strchr(name, '.'); p; p = strchr(p + 1, '.'))
		if (isdigit((unsigned char)p[1]))
			return true;
	return false;
}

static bool made_up(const struct sut_atoms *a, const struct sut_atom *t)
{
	if (!t->sym || t->class == SUT_SEC_MERGE)
		return true;
	return t->class != SUT_SEC_TEXT && a->backend->made_up(a->object, t);
}

const uint8_t *sut_atom_bytes(const struct sut_atoms *a, uint32_t atom)
{
	const struct sut_atom *t = &a->atoms[atom];
	const struct sut_section *s = &a->object->sections[t->section];

	return s->data ? s->data + t->off : NULL;
}

/* ---- making the atoms ---- */

struct place {
	uint32_t section, sym;
	uint64_t off, size;
	bool local;
};

/* Nearest first: by section, offset, larger first, global first, then as in the table. */
static int by_place(const void *x, const void *y)
{
	const struct place *a = x, *b = y;

	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	if (a->local != b->local)
		return a->local ? 1 : -1;
	return a->sym < b->sym ? -1 : a->sym > b->sym;
}

static bool holds_atoms(enum sut_section_class c)
{
	return c != SUT_SEC_TABLE && c != SUT_SEC_DROP;
}

static int add_atom(struct sut_atoms *a, uint32_t section, uint32_t sym, uint64_t off,
		    uint64_t size)
{
	const struct sut_object *o = a->object;

	a->atoms[a->n] = (struct sut_atom){
		.section = section,
		.sym = sym,
		.off = off,
		.size = size,
		.name = sym ? o->syms[sym].name : o->sections[section].name,
		.class = a->rules[section].class,
		.parent = SUT_NO_ATOM,
		.child = SUT_NO_ATOM,
	};
	a->atoms[a->n].anonymous = made_up(a, &a->atoms[a->n]);
	return (int)a->n++;
}

static bool names_atom(const struct sut_sym *s)
{
	return (s->type == STT_FUNC || s->type == STT_OBJECT || s->type == STT_COMMON ||
		s->type == STT_TLS || s->type == STT_GNU_IFUNC) &&
	       s->shndx && s->shndx < SHN_LORESERVE;
}

static int make_room(struct sut_atoms *a, struct sut_err *err)
{
	struct sut_atom *v;

	if (a->n < a->max)
		return 0;
	v = reallocarray(a->atoms, 2 * (size_t)a->max, sizeof(*v));
	if (!v)
		return sut_err_oom(err);
	a->atoms = v;
	a->max *= 2;
	return 0;
}

static int by_number(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

/*
 * A section without symbols is one atom; but code without symbols (.altinstr_aux: the slow paths of
 * static_cpu_has(), one after another) is cut where code jumps to, so that a function brings its own
 * pieces only.
 */
static int add_unnamed(struct sut_atoms *a, uint32_t s, struct sut_err *err)
{
	const struct sut_object *o = a->object;
	uint64_t *cuts = NULL, size = o->sections[s].size;
	size_t n = 0, max = 0;
	int r = 0;

	if (a->rules[s].class != SUT_SEC_TEXT || !o->sections[s].sym) {
		r = make_room(a, err);
		if (!r)
			add_atom(a, s, 0, 0, size);
		return r;
	}
	for (uint32_t i = 1; i < o->nsections; i++)
		max += i == s ? 0 : o->sections[i].nrelas;
	cuts = calloc(max + 1, sizeof(*cuts));
	if (!cuts)
		return sut_err_oom(err);
	cuts[n++] = 0;
	for (uint32_t i = 1; i < o->nsections; i++) {
		if (i == s || a->rules[i].class != SUT_SEC_TEXT)
			continue;
		for (size_t k = 0; k < o->sections[i].nrelas; k++) {
			const struct sut_rela *rela = &o->sections[i].relas[k];
			/* A jump's distance is the last field of the instruction. */
			int64_t at = rela->addend + (sut_rela_is_pcrel(rela->type) ? 4 : 0);

			if (rela->sym == o->sections[s].sym && at > 0 && (uint64_t)at < size)
				cuts[n++] = (uint64_t)at;
		}
	}
	qsort(cuts, n, sizeof(*cuts), by_number);
	for (size_t i = 0; i < n; i++) {
		uint64_t end = size;

		if (i + 1 < n && cuts[i + 1] == cuts[i])
			continue;
		if (i + 1 < n)
			end = cuts[i + 1];
		r = make_room(a, err);
		if (r < 0)
			break;
		add_atom(a, s, 0, cuts[i], end - cuts[i]);
	}
	free(cuts);
	return r;
}

/* Symbols at one place with sizes 0 and more: the zero-sized one is an atom of its own, but a
 * second name of the same range is the same atom. */
static int make_atoms(struct sut_atoms *a, struct sut_err *err)
{
	const struct sut_object *o = a->object;
	struct place *p = calloc(o->nsyms, sizeof(*p));
	uint32_t n = 0;
	int r = 0;

	a->max = o->nsyms + o->nsections;
	a->atoms = calloc(a->max, sizeof(*a->atoms));
	a->sym_atom = malloc(o->nsyms * sizeof(*a->sym_atom));
	if (!p || !a->atoms || !a->sym_atom) {
		free(p);
		return sut_err_oom(err);
	}
	for (uint32_t i = 0; i < o->nsyms; i++) {
		const struct sut_sym *s = &o->syms[i];

		a->sym_atom[i] = SUT_NO_ATOM;
		if (!names_atom(s) || !holds_atoms(a->rules[s->shndx].class) ||
		    a->rules[s->shndx].class == SUT_SEC_MERGE)
			continue;
		p[n++] = (struct place){s->shndx, i, s->value, s->size, s->bind == STB_LOCAL};
	}
	qsort(p, n, sizeof(*p), by_place);
	for (uint32_t i = 0; i < n; i++) {
		if (i && p[i].section == p[i - 1].section && p[i].off == p[i - 1].off &&
		    p[i].size == p[i - 1].size)
			a->sym_atom[p[i].sym] = a->n - 1;
		else
			a->sym_atom[p[i].sym] =
				(uint32_t)add_atom(a, p[i].section, p[i].sym, p[i].off, p[i].size);
	}
	for (uint32_t s = 1; !r && s < o->nsections; s++) {
		bool named = false;

		for (uint32_t i = 0; i < n && !named; i++)
			named = p[i].section == s;
		if (!named && holds_atoms(a->rules[s].class))
			r = add_unnamed(a, s, err);
	}
	free(p);
	return r;
}

static int by_atom_place(const void *x, const void *y, void *atoms)
{
	const struct sut_atom *a = (const struct sut_atom *)atoms + *(const uint32_t *)x;
	const struct sut_atom *b = (const struct sut_atom *)atoms + *(const uint32_t *)y;

	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return a->size < b->size ? -1 : a->size > b->size; /* the one with bytes is found last */
}

static int sort_atoms(struct sut_atoms *a, struct sut_err *err)
{
	a->by_place = malloc((a->n ? a->n : 1) * sizeof(*a->by_place));
	if (!a->by_place)
		return sut_err_oom(err);
	for (uint32_t i = 0; i < a->n; i++)
		a->by_place[i] = i;
	qsort_r(a->by_place, a->n, sizeof(*a->by_place), by_atom_place, a->atoms);
	return 0;
}

uint32_t sut_atoms_at(const struct sut_atoms *a, uint32_t section, uint64_t off)
{
	uint32_t lo = 0, hi = a->n, first = SUT_NO_ATOM;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		const struct sut_atom *t = &a->atoms[a->by_place[mid]];

		if (t->section < section || (t->section == section && t->off <= off))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo && a->atoms[a->by_place[lo - 1]].section == section)
		return a->by_place[lo - 1];
	if (lo < a->n && a->atoms[a->by_place[lo]].section == section)
		first = a->by_place[lo];
	return first;
}

/* foo.cold, foo.isra.0.cold and foo.cold.3 were split off foo and foo.isra.0. */
static void link_cold_parts(struct sut_atoms *a)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const char *dot;
		size_t len;

		if (a->atoms[i].class != SUT_SEC_TEXT || !a->atoms[i].sym)
			continue;
		dot = strstr(a->atoms[i].name, ".cold");
		if (!dot || (dot[5] && dot[5] != '.'))
			continue;
		len = (size_t)(dot - a->atoms[i].name);
		for (uint32_t k = 0; k < a->n; k++) {
			struct sut_atom *t = &a->atoms[k];

			if (k == i || t->class != SUT_SEC_TEXT || strlen(t->name) != len ||
			    strncmp(t->name, a->atoms[i].name, len))
				continue;
			a->atoms[i].parent = k;
			t->child = i;
		}
	}
}

/* ---- resolving relocations ---- */

static void resolve(const struct sut_atoms *a, const struct sut_rela *r, int64_t adjust,
		    struct sut_ref *ref)
{
	const struct sut_sym *s = &a->object->syms[r->sym];
	int64_t pos;

	*ref = (struct sut_ref){.atom = SUT_NO_ATOM,
				.sym = r->sym,
				.target = r->addend + adjust,
				.addend = r->addend,
				.type = r->type};
	/* Only what lies in a section has a value that is a place in it. */
	if (!s->shndx || s->shndx >= SHN_LORESERVE)
		return;
	pos = (int64_t)s->value + r->addend + adjust;
	if (a->sym_atom[r->sym] != SUT_NO_ATOM)
		ref->atom = a->sym_atom[r->sym];
	else
		ref->atom = sut_atoms_at(a, s->shndx, pos < 0 ? 0 : (uint64_t)pos);
	if (ref->atom == SUT_NO_ATOM)
		return; /* into a dropped section: seen as an undefined reference */
	ref->target = pos - (int64_t)a->atoms[ref->atom].off;
	ref->addend = (int64_t)s->value + r->addend - (int64_t)a->atoms[ref->atom].off;
}

/* call, jmp or jcc with a 32-bit distance, which is the instruction's last field. The relocation's
 * type does not tell: assemblers turn PLT32 into PC32 for local functions. */
static bool is_branch(const uint8_t *code, uint64_t off, uint64_t end)
{
	if (end != off + 4 || !off)
		return false;
	if (code[off - 1] == 0xe8 || code[off - 1] == 0xe9)
		return true;
	return off >= 2 && code[off - 2] == 0x0f && (code[off - 1] & 0xf0) == 0x80;
}

static int atom_refs(struct sut_atoms *a, uint32_t i, uint32_t *ends, struct sut_err *err)
{
	struct sut_atom *t = &a->atoms[i];
	const struct sut_section *s = &a->object->sections[t->section];
	bool code = (s->flags & SHF_EXECINSTR) && s->data;
	size_t k = sut_section_first_rela(s, t->off);

	t->first_ref = a->nrefs;
	if (code && t->size && k < s->nrelas && s->relas[k].offset < t->off + t->size) {
		int r = sut_insn_ends(s->data + t->off, t->size, ends, err);

		if (r < 0)
			return r;
	}
	for (; k < s->nrelas && s->relas[k].offset < t->off + t->size; k++) {
		const struct sut_rela *r = &s->relas[k];
		uint64_t off = r->offset - t->off;
		int64_t adjust = 0;

		if (r->type == R_X86_64_NONE)
			continue;
		if (code && sut_rela_is_pcrel(r->type))
			adjust = (int64_t)(ends[off] - off);
		resolve(a, r, adjust, &a->refs[a->nrefs]);
		a->refs[a->nrefs].branch = code && sut_rela_is_pcrel(r->type) &&
					   is_branch(s->data + t->off, off, ends[off]);
		a->refs[a->nrefs++].offset = off;
		t->nrefs++;
	}
	return 0;
}

static int make_refs(struct sut_atoms *a, struct sut_err *err)
{
	const struct sut_object *o = a->object;
	uint64_t longest = 1;
	size_t total = 0;
	uint32_t *ends;
	int r = 0;

	for (uint32_t i = 1; i < o->nsections; i++)
		total += o->sections[i].nrelas;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->atoms[i].size > longest)
			longest = a->atoms[i].size;
	a->refs = calloc(total ? total : 1, sizeof(*a->refs));
	ends = calloc(longest, sizeof(*ends));
	if (!a->refs || !ends)
		r = sut_err_oom(err);
	/* Overlapping atoms (a symbol inside another) may see a relocation twice. */
	for (uint32_t i = 0; !r && i < a->n; i++) {
		const struct sut_atom *t = &a->atoms[i];
		const struct sut_section *s = &o->sections[t->section];
		size_t n = sut_section_first_rela(s, t->off + t->size) -
			   sut_section_first_rela(s, t->off);

		if (a->nrefs + n > total) {
			struct sut_ref *p = reallocarray(a->refs, a->nrefs + n, sizeof(*p));

			if (!p) {
				r = sut_err_oom(err);
				break;
			}
			a->refs = p;
		}
		r = atom_refs(a, i, ends, err);
	}
	free(ends);
	return r;
}

/* static const char msg[] = "…" in a function: there may be many of one name, and since nothing but
 * their contents matters, they are compared by that. */
static void mark_local_constants(struct sut_atoms *a)
{
	for (uint32_t i = 0; i < a->n; i++) {
		struct sut_atom *t = &a->atoms[i];

		if (t->class == SUT_SEC_RODATA && t->sym && !t->nrefs &&
		    a->object->syms[t->sym].bind == STB_LOCAL && sut_name_numbered(t->name))
			t->anonymous = true;
	}
}

/* ---- records of the special sections ---- */

static int add_record(struct sut_atoms *a, uint32_t section, uint32_t off)
{
	const struct sut_section *s = &a->object->sections[section];
	const struct sut_section_rule *rule = &a->rules[section];
	struct sut_record *rec = &a->records[a->nrecords];
	size_t k = sut_section_first_rela(s, off);

	*rec = (struct sut_record){.section = section,
				   .offset = off,
				   .atom = SUT_NO_ATOM,
				   .first_ref = a->nrecord_refs,
				   .table = rule->table};
	for (; k < s->nrelas && s->relas[k].offset < off + rule->record; k++) {
		struct sut_ref *ref = &a->record_refs[a->nrecord_refs];

		if (s->relas[k].type == R_X86_64_NONE)
			continue;
		resolve(a, &s->relas[k], 0, ref);
		ref->offset = s->relas[k].offset - off;
		a->nrecord_refs++;
		rec->nrefs++;
	}
	if (!rec->nrefs || a->record_refs[rec->first_ref].atom == SUT_NO_ATOM)
		return 0; /* belongs to discarded code */
	rec->atom = a->record_refs[rec->first_ref].atom;
	rec->place = (uint64_t)a->record_refs[rec->first_ref].target;
	a->nrecords++;
	return 0;
}

static int by_owner(const void *x, const void *y)
{
	const struct sut_record *a = x, *b = y;

	if (a->atom != b->atom)
		return a->atom < b->atom ? -1 : 1;
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Where exceptions that pass through a function go: one section per function (-ffunction-sections), shared by its split-off part. In
 * an object with one section for all functions they are not told apart, and not looked at. */
static int add_handlers(struct sut_atoms *a, struct sut_err *err)
{
	const struct sut_object *o = a->object;
	_cleanup_(sut_frames_release) struct sut_frames f = {0};
	_cleanup_(sut_freep) uint32_t *owner = NULL;
	int r;

	if (!sut_object_section(o, ".eh_frame") || a->backend->kernel)
		return 0;
	owner = calloc(o->nsections, sizeof(*owner));
	if (!owner)
		return sut_err_oom(err);
	memset(owner, 0xff, o->nsections * sizeof(*owner));
	r = sut_frames_read(o, &f, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < f.n; i++) {
		uint32_t s = f.v[i].lsda, t;

		if (!s || a->rules[s].table != SUT_TABLE_LSDA || !f.v[i].section)
			continue;
		t = sut_atoms_at(a, f.v[i].section, f.v[i].start);
		if (t != SUT_NO_ATOM && a->atoms[t].parent != SUT_NO_ATOM)
			t = a->atoms[t].parent;
		if (owner[s] == SUT_NO_ATOM)
			owner[s] = t;
		else if (owner[s] != t)
			a->rules[s].table = SUT_TABLE_NONE; /* of several functions */
	}
	for (uint32_t s = 1; s < o->nsections; s++) {
		if (a->rules[s].table != SUT_TABLE_LSDA || owner[s] == SUT_NO_ATOM)
			continue;
		a->rules[s].record = (uint32_t)o->sections[s].size;
		a->records[a->nrecords] = (struct sut_record){.section = s,
							      .atom = owner[s],
							      .first_ref = a->nrecord_refs,
							      .table = SUT_TABLE_LSDA};
		for (size_t k = 0; k < o->sections[s].nrelas; k++) {
			struct sut_ref *ref = &a->record_refs[a->nrecord_refs];

			if (o->sections[s].relas[k].type == R_X86_64_NONE)
				continue;
			resolve(a, &o->sections[s].relas[k], 0, ref);
			ref->offset = o->sections[s].relas[k].offset;
			a->nrecord_refs++;
			a->records[a->nrecords].nrefs++;
		}
		a->nrecords++;
	}
	return 0;
}

static int make_records(struct sut_atoms *a, struct sut_err *err)
{
	const struct sut_object *o = a->object;
	size_t n = 0, nrefs = 0;
	int r;

	for (uint32_t i = 1; i < o->nsections; i++) {
		const struct sut_section *s = &o->sections[i];

		if (a->rules[i].class != SUT_SEC_TABLE || !s->size)
			continue;
		if (!a->rules[i].record)
			return sut_err_reason(err, EOPNOTSUPP, "unknown-record",
					      "the size of the records of %s is not known for this "
					      "kernel: add the target again with this version of "
					      "suture-build",
					      s->name);
		if (s->size % a->rules[i].record)
			return sut_err_set(err, EBADMSG,
					   "%s is not a whole number of records of %u bytes",
					   s->name, a->rules[i].record);
		n += s->size / a->rules[i].record;
		nrefs += s->nrelas;
	}
	for (uint32_t i = 1; i < o->nsections; i++)
		if (a->rules[i].table == SUT_TABLE_LSDA) {
			n++;
			nrefs += o->sections[i].nrelas;
		}
	a->records = calloc(n ? n : 1, sizeof(*a->records));
	a->record_refs = calloc(nrefs ? nrefs : 1, sizeof(*a->record_refs));
	if (!a->records || !a->record_refs)
		return sut_err_oom(err);
	for (uint32_t i = 1; i < o->nsections; i++)
		if (a->rules[i].class == SUT_SEC_TABLE)
			for (uint64_t off = 0; off < o->sections[i].size; off += a->rules[i].record)
				add_record(a, i, (uint32_t)off);
	r = add_handlers(a, err);
	if (r < 0)
		return r;
	qsort(a->records, a->nrecords, sizeof(*a->records), by_owner);
	for (uint32_t i = 0; i < a->nrecords; i++) {
		struct sut_atom *t = &a->atoms[a->records[i].atom];

		if (!t->nrecords)
			t->first_record = i;
		t->nrecords++;
	}
	return 0;
}

int sut_atoms_new_for(const struct sut_backend *b, const struct sut_object *o,
		      const struct sut_record_sizes *sizes, struct sut_atoms **ret,
		      struct sut_err *err)
{
	_cleanup_(sut_atoms_freep) struct sut_atoms *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return sut_err_oom(err);
	a->backend = b;
	a->object = o;
	a->rules = calloc(o->nsections, sizeof(*a->rules));
	if (!a->rules)
		return sut_err_oom(err);
	a->rules[0].class = SUT_SEC_DROP;
	for (uint32_t i = 1; i < o->nsections; i++)
		a->rules[i] = b->section(&o->sections[i], sizes);
	r = make_atoms(a, err);
	if (!r)
		r = sort_atoms(a, err);
	if (r < 0)
		return r;
	link_cold_parts(a);
	r = make_refs(a, err);
	if (r < 0)
		return r;
	mark_local_constants(a);
	r = make_records(a, err);
	if (r < 0)
		return r;
	*ret = sut_steal(a);
	return 0;
}

int sut_atoms_new(const struct sut_object *o, const struct sut_record_sizes *sizes,
		  struct sut_atoms **ret, struct sut_err *err)
{
	return sut_atoms_new_for(&sut_backend_kernel, o, sizes, ret, err);
}

uint32_t sut_atoms_global(const struct sut_atoms *a, const char *name)
{
	for (uint32_t i = 1; i < a->object->nsyms; i++)
		if (a->sym_atom[i] != SUT_NO_ATOM && a->object->syms[i].bind != STB_LOCAL &&
		    sut_streq(a->object->syms[i].name, name))
			return a->sym_atom[i];
	return SUT_NO_ATOM;
}

void sut_atoms_free(struct sut_atoms *a)
{
	if (!a)
		return;
	free(a->rules);
	free(a->atoms);
	free(a->sym_atom);
	free(a->refs);
	free(a->records);
	free(a->record_refs);
	free(a->by_place);
	free(a);
}

void sut_atoms_freep(struct sut_atoms **a)
{
	sut_atoms_free(*a);
}
