// SPDX-License-Identifier: Apache-2.0
#include "upatch.h"

#include <elf.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "crypto/sha256.h"
#include "elf/object.h"
#include "patch/container.h"
#include "patch/library.h"

enum { FILE_MAX = 64 << 20, RECORDS_MAX = 4096, MTIME = 1795000000 };

/* ------------------------------------------------------------------ */
/* The target: made by our own compiler, so it is taken as it is.      */

struct target {
	struct sut_buf file;
	const Elf64_Ehdr *eh;
	const Elf64_Phdr *ph;
	const Elf64_Shdr *sh;
	const Elf64_Sym *syms, *dynsyms;
	size_t nsyms;
	const char *names, *dynnames;
	uint8_t build_id[SUT_LIBRARY_BUILD_ID_LEN];
};

static const void *at_off(const struct target *t, uint64_t off)
{
	return t->file.data + off;
}

static const uint8_t *at_vaddr(const struct target *t, uint64_t vaddr, uint64_t len)
{
	for (size_t i = 0; i < t->eh->e_phnum; i++) {
		const Elf64_Phdr *p = &t->ph[i];

		if (p->p_type == PT_LOAD && vaddr >= p->p_vaddr &&
		    vaddr + len <= p->p_vaddr + p->p_filesz)
			return at_off(t, p->p_offset + (vaddr - p->p_vaddr));
	}
	return NULL;
}

static void read_notes(struct target *t, const Elf64_Shdr *s)
{
	for (uint64_t at = s->sh_offset; at + sizeof(Elf64_Nhdr) <= s->sh_offset + s->sh_size;) {
		const Elf64_Nhdr *n = at_off(t, at);

		at += sizeof(*n) + ((n->n_namesz + 3) & ~3U);
		if (n->n_type == NT_GNU_BUILD_ID && n->n_descsz == sizeof(t->build_id))
			memcpy(t->build_id, at_off(t, at), sizeof(t->build_id));
		at += (n->n_descsz + 3) & ~3U;
	}
}

static int target_open(const char *path, struct target *t, struct sut_err *err)
{
	int r;

	t->file = SUT_BUF_INIT(FILE_MAX);
	r = sut_file_read(path, &t->file, err);
	if (r < 0)
		return r;
	t->eh = at_off(t, 0);
	if (t->file.len < sizeof(*t->eh) || memcmp(t->eh->e_ident, ELFMAG, SELFMAG) != 0 ||
	    t->eh->e_machine != EM_X86_64)
		return sut_err_set(err, EINVAL, "%s is no ELF file for x86-64", path);
	t->ph = at_off(t, t->eh->e_phoff);
	t->sh = at_off(t, t->eh->e_shoff);
	for (size_t i = 0; i < t->eh->e_shnum; i++) {
		const Elf64_Shdr *s = &t->sh[i];

		if (s->sh_type == SHT_SYMTAB) {
			t->syms = at_off(t, s->sh_offset);
			t->nsyms = s->sh_size / sizeof(*t->syms);
			t->names = at_off(t, t->sh[s->sh_link].sh_offset);
		} else if (s->sh_type == SHT_DYNSYM) {
			t->dynsyms = at_off(t, s->sh_offset);
			t->dynnames = at_off(t, t->sh[s->sh_link].sh_offset);
		} else if (s->sh_type == SHT_NOTE) {
			read_notes(t, s);
		}
	}
	if (!t->syms)
		return sut_err_set(err, EINVAL, "%s has no symbols: do not strip it", path);
	return 0;
}

static const Elf64_Sym *target_sym(const struct target *t, const char *name)
{
	for (size_t i = 0; i < t->nsyms; i++)
		if (t->syms[i].st_shndx != SHN_UNDEF && t->syms[i].st_shndx < SHN_LORESERVE &&
		    sut_streq(t->names + t->syms[i].st_name, name))
			return &t->syms[i];
	return NULL;
}

/*
 * The GOT slot that the dynamic linker fills by a relocation of one of two types for `name`; or, name NULL, for no symbol and with
 * `addend` (in the relocation, or `behind` it in the next slot). 0: there is none.
 */
static uint64_t target_slot(const struct target *t, uint32_t type1, uint32_t type2,
			    const char *name, uint64_t addend, bool behind)
{
	for (size_t i = 0; i < t->eh->e_shnum; i++) {
		const Elf64_Shdr *s = &t->sh[i];
		const Elf64_Rela *r = at_off(t, s->sh_offset);

		if (s->sh_type != SHT_RELA || !(s->sh_flags & SHF_ALLOC))
			continue;
		for (; (const uint8_t *)r < t->file.data + s->sh_offset + s->sh_size; r++) {
			uint32_t sym = ELF64_R_SYM(r->r_info), type = ELF64_R_TYPE(r->r_info);
			const uint8_t *next;
			uint64_t value;

			if (type != type1 && type != type2)
				continue;
			if (name) {
				if (sym && sut_streq(t->dynnames + t->dynsyms[sym].st_name, name))
					return r->r_offset;
				continue;
			}
			next = at_vaddr(t, r->r_offset + 8, 8);
			value = (uint64_t)r->r_addend;
			if (behind && next)
				memcpy(&value, next, sizeof(value));
			if (!sym && value == addend)
				return r->r_offset;
		}
	}
	return 0;
}

/* In a program the thread pointer's distance is known when it is linked. */
static uint64_t target_tpoff(const struct target *t, const Elf64_Sym *s)
{
	for (size_t i = 0; i < t->eh->e_phnum; i++)
		if (t->ph[i].p_type == PT_TLS)
			return s->st_value - ((t->ph[i].p_memsz + t->ph[i].p_align - 1) &
					      ~(t->ph[i].p_align - 1));
	return 0;
}

/* ------------------------------------------------------------------ */
/* The image: sections of the object, a table of addresses, stubs.     */

struct maker {
	const struct upatch *u;
	struct target t;
	struct sut_object *o;
	uint64_t *place; /* of each section, in the image; 0: not there */
	bool *needed;
	struct sut_buf exec, data;
	uint64_t data_off, bss;
	struct sut_library_reloc relocs[RECORDS_MAX];
	struct sut_library_import imports[64];
	const char *import_names[64]; /* as the object has them */
	char *import_copies[64];
	struct sut_library_func funcs[UPATCH_LIST_MAX];
	struct sut_library_range ranges[3 * UPATCH_LIST_MAX];
	char *names[UPATCH_LIST_MAX];
	uint8_t *wrong;
	size_t nrelocs, nimports, nfuncs, nranges;
	/* Everything has a place; addresses and stubs are counted, then written. */
	struct slot {
		char name[SUT_LIBRARY_NAME_MAX];
		uint64_t off;
		bool stub;
	} slots[256];
	size_t nslots;
	struct sut_library l;
};

static void maker_release(struct maker *m)
{
	sut_buf_release(&m->t.file);
	sut_buf_release(&m->exec);
	sut_buf_release(&m->data);
	sut_object_free(m->o);
	free(m->place);
	free(m->needed);
	free(m->wrong);
	for (size_t i = 0; i < UPATCH_LIST_MAX; i++)
		free(m->names[i]);
	for (size_t i = 0; i < m->nimports; i++)
		free(m->import_copies[i]);
}

static int add_reloc(struct maker *m, uint64_t off, uint32_t field, uint32_t base, uint32_t import,
		     int64_t addend, struct sut_err *err)
{
	if (m->nrelocs == SUT_ARRAY_SIZE(m->relocs))
		return sut_err_set(err, EINVAL, "too many relocations");
	m->relocs[m->nrelocs++] =
		(struct sut_library_reloc){(uint32_t)off, field, base, import, addend};
	return 0;
}

static int import_index(struct maker *m, const struct sut_sym *s, uint32_t *ret,
			struct sut_err *err)
{
	char *at;

	for (size_t i = 0; i < m->nimports; i++)
		if (sut_streq(m->import_names[i], s->name)) {
			*ret = (uint32_t)i;
			return 0;
		}
	if (m->nimports == SUT_ARRAY_SIZE(m->imports))
		return sut_err_set(err, EINVAL, "too many imports");
	m->imports[m->nimports] = (struct sut_library_import){s->name, "", s->bind == STB_WEAK};
	m->import_names[m->nimports] = s->name;
	/* As .symver writes it. */
	at = strchr(s->name, '@');
	if (at) {
		m->imports[m->nimports].version = at + 1;
		m->import_copies[m->nimports] = strndup(s->name, (size_t)(at - s->name));
		m->imports[m->nimports].name = m->import_copies[m->nimports];
		if (!m->imports[m->nimports].name)
			return sut_err_oom(err);
	}
	*ret = (uint32_t)m->nimports++;
	return 0;
}

static bool is_placed(const struct maker *m, uint32_t i)
{
	const struct sut_section *s = &m->o->sections[i];

	return m->needed[i] && s->type != SHT_NOTE && s->flags & SHF_ALLOC && s->size > 0;
}

/* The sections that the new functions lead to; everything when it has unwind tables, which lead to every function. */
static void need(struct maker *m, uint32_t i)
{
	const struct sut_section *s = &m->o->sections[i];

	if (m->needed[i] || s->type == SHT_NULL)
		return;
	m->needed[i] = true;
	for (size_t j = 0; j < s->nrelas; j++) {
		uint32_t shndx = m->o->syms[s->relas[j].sym].shndx;

		if (shndx != SHN_UNDEF && shndx < m->o->nsections)
			need(m, shndx);
	}
}

static void need_all(struct maker *m)
{
	for (uint32_t i = 1; m->u->frames && i < m->o->nsections; i++)
		need(m, i);
	for (size_t i = 0; m->u->replace[i]; i++) {
		const char *new = strchr(m->u->replace[i], '=') + 1;

		need(m, m->o->syms[sut_object_sym(m->o, new)].shndx);
	}
}

/* Room for the sections of one kind. */
static int place_sections(struct maker *m, bool write, bool frames, struct sut_buf *out,
			  uint64_t base, struct sut_err *err)
{
	for (uint32_t i = 1; i < m->o->nsections; i++) {
		const struct sut_section *s = &m->o->sections[i];
		int r;

		if (!is_placed(m, i) || !(s->flags & SHF_WRITE) == write || s->type == SHT_NOBITS ||
		    sut_streq(s->name, ".eh_frame") != frames)
			continue;
		if (s->flags & SHF_TLS || s->type == SHT_INIT_ARRAY)
			return sut_err_set(err, EINVAL, "%s has %s, which cannot be added",
					   m->u->object, s->name);
		r = sut_buf_align(out, s->align ? s->align : 1);
		m->place[i] = base + out->len;
		if (r == 0)
			r = sut_buf_add(out, s->data, s->size);
		if (r < 0)
			return sut_err_oom(err);
	}
	return 0;
}

static int place_all(struct maker *m, struct sut_err *err)
{
	int r = sut_buf_addzero(&m->exec, sut_library_head_len(m->nfuncs));

	if (r == 0)
		r = place_sections(m, false, false, &m->exec, 0, err);
	if (r == 0)
		r = sut_buf_align(&m->exec, 16);
	/* The tables of addresses and stubs. */
	for (uint32_t i = 1; i < m->o->nsections; i++)
		if (m->needed[i]) /* no more than there are relocations */
			m->bss += m->o->sections[i].nrelas;
	m->l.eh_frame_off = (uint32_t)(m->exec.len + 16 * m->bss);
	if (r == 0)
		r = sut_buf_addzero(&m->exec, 16 * m->bss);
	m->slots[0].off = m->l.eh_frame_off - 16 * m->bss;
	m->bss = 0;
	if (r == 0)
		r = place_sections(m, false, true, &m->exec, 0, err);
	m->l.eh_frame_len = (uint32_t)(m->exec.len - m->l.eh_frame_off);
	if (r == 0 && m->l.eh_frame_len) {
		r = sut_buf_addzero(&m->exec, 4);
		m->l.eh_frame_len += 4;
	} else {
		m->l.eh_frame_off = 0;
	}
	m->data_off = (m->exec.len + SUT_LIBRARY_PAGE - 1) & ~(uint64_t)(SUT_LIBRARY_PAGE - 1);
	if (r == 0)
		r = place_sections(m, true, false, &m->data, m->data_off, err);
	m->bss = m->data.len;
	for (uint32_t i = 1; i < m->o->nsections; i++) {
		const struct sut_section *s = &m->o->sections[i];

		if (!is_placed(m, i) || s->type != SHT_NOBITS)
			continue;
		m->bss = (m->bss + s->align - 1) & ~(s->align - 1);
		m->place[i] = m->data_off + m->bss;
		m->bss += s->size;
	}
	m->bss += m->u->bss;
	return r;
}

/* Writes into the part of the image that has it. */
static void put(struct maker *m, uint64_t off, const void *v, size_t len)
{
	uint8_t *p = off < m->data_off ? m->exec.data + off : m->data.data + (off - m->data_off);

	memcpy(p, v, len);
}

/* Where a symbol of the object is, for the new code. */
struct home {
	uint32_t base; /* enum sut_library_base */
	uint64_t value;
	/* The target's own GOT slot for it: what the dynamic linker chose. 0: none */
	uint64_t slot;
};

static struct home home_of(struct maker *m, const struct sut_sym *s)
{
	const Elf64_Sym *t = s->name[0] ? target_sym(&m->t, s->name) : NULL;
	bool here = s->shndx != SHN_UNDEF && s->shndx < m->o->nsections && m->place[s->shndx];
	uint64_t slot;

	/* What the target has, too (DW.ref.…, inline functions), is the target's. */
	if (here && !(s->bind == STB_WEAK && t))
		return (struct home){SUT_LIBRARY_IMAGE, m->place[s->shndx] + s->value, 0};
	slot = target_slot(&m->t, R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT, s->name, 0, false);
	if (t)
		return (struct home){SUT_LIBRARY_TARGET, t->st_value, slot};
	return (struct home){SUT_LIBRARY_IMPORT, 0, slot};
}

/* A place of 8 bytes in the table (or a stub of 6) under a name. */
static int take_slot(struct maker *m, const char *name, bool stub, uint64_t *ret, bool *ret_new,
		     struct sut_err *err)
{
	for (size_t i = 1; i < m->nslots; i++)
		if (m->slots[i].stub == stub && sut_streq(m->slots[i].name, name)) {
			*ret = m->slots[i].off;
			*ret_new = false;
			return 0;
		}
	if (m->nslots == 0)
		m->nslots = 1;
	if (m->nslots == SUT_ARRAY_SIZE(m->slots))
		return sut_err_set(err, EINVAL, "too many addresses");
	snprintf(m->slots[m->nslots].name, sizeof(m->slots[0].name), "%s", name);
	m->slots[m->nslots].stub = stub;
	m->slots[m->nslots].off = m->slots[0].off + 8 * (m->nslots - 1);
	*ret = m->slots[m->nslots++].off;
	*ret_new = true;
	return 0;
}

/* The address of a symbol, in the table. */
static int address_slot(struct maker *m, const struct sut_sym *s, const struct home *h,
			uint64_t *ret, struct sut_err *err)
{
	char key[SUT_LIBRARY_NAME_MAX];
	uint32_t import = 0;
	bool fresh;
	int r;

	snprintf(key, sizeof(key), "%s+%#lx", s->name, h->value);
	r = take_slot(m, key, false, ret, &fresh, err);
	if (r < 0 || !fresh)
		return r;
	if (h->base == SUT_LIBRARY_IMPORT)
		r = import_index(m, s, &import, err);
	return r < 0 ? r
		     : add_reloc(m, *ret, SUT_LIBRARY_ABS64, h->base, import, (int64_t)h->value,
				 err);
}

/* P - 4 + addend … of a field that reaches `to` of the image. */
static void put_near(struct maker *m, uint64_t off, uint64_t to, int64_t addend)
{
	int32_t v = (int32_t)((int64_t)to + addend - (int64_t)off);

	put(m, off, &v, sizeof(v));
}

/* "jmp *slot(%rip)" for a function elsewhere. */
static int call_stub(struct maker *m, const struct sut_sym *s, const struct home *h, uint64_t *ret,
		     struct sut_err *err)
{
	static const uint8_t jmp[] = {0xff, 0x25};
	uint64_t slot;
	bool fresh;
	int r = take_slot(m, s->name, true, ret, &fresh, err);

	if (r < 0 || !fresh)
		return r;
	put(m, *ret, jmp, sizeof(jmp));
	if (h->slot)
		return add_reloc(m, *ret + 2, SUT_LIBRARY_PC32, SUT_LIBRARY_TARGET, 0,
				 (int64_t)h->slot - 4, err);
	r = address_slot(m, s, h, &slot, err);
	if (r == 0)
		put_near(m, *ret + 2, slot, -4);
	return r;
}

static int resolve_pc32(struct maker *m, const struct sut_sym *s, uint64_t off, int64_t addend,
			struct sut_err *err)
{
	struct home h = home_of(m, s);
	uint64_t to = h.value;
	int r;

	if (h.base == SUT_LIBRARY_TARGET && !h.slot)
		return add_reloc(m, off, SUT_LIBRARY_PC32, SUT_LIBRARY_TARGET, 0,
				 (int64_t)h.value + addend, err);
	if (h.base != SUT_LIBRARY_IMAGE) {
		r = call_stub(m, s, &h, &to, err);
		if (r < 0)
			return r;
	}
	put_near(m, off, to, addend);
	return 0;
}

static int resolve_got(struct maker *m, const struct sut_sym *s, uint64_t off, int64_t addend,
		       struct sut_err *err)
{
	struct home h = home_of(m, s);
	uint64_t slot;
	int r;

	if (h.slot)
		return add_reloc(m, off, SUT_LIBRARY_PC32, SUT_LIBRARY_TARGET, 0,
				 (int64_t)h.slot + addend, err);
	r = address_slot(m, s, &h, &slot, err);
	if (r == 0)
		put_near(m, off, slot, addend);
	return r;
}

static int resolve_tls(struct maker *m, const struct sut_sym *s, uint32_t type, uint64_t off,
		       int64_t addend, struct sut_err *err)
{
	const Elf64_Sym *t = target_sym(&m->t, s->name);
	bool gd = type == R_X86_64_TLSGD;
	uint32_t want = gd ? R_X86_64_DTPMOD64 : R_X86_64_TPOFF64;
	uint64_t slot = target_slot(&m->t, want, want, s->name, 0, false), value;
	bool fresh;
	int r;

	if (!slot && t)
		slot = target_slot(&m->t, want, want, NULL, t->st_value, gd);
	if (slot)
		return add_reloc(m, off, SUT_LIBRARY_PC32, SUT_LIBRARY_TARGET, 0,
				 (int64_t)slot + addend, err);
	if (!t || gd || target_sym(&m->t, "main") == NULL)
		return sut_err_set(err, EINVAL, "the target has no slot for the TLS variable %s",
				   s->name);
	value = target_tpoff(&m->t, t);
	r = take_slot(m, s->name, false, &slot, &fresh, err);
	if (r < 0)
		return r;
	put(m, slot, &value, sizeof(value));
	put_near(m, off, slot, addend);
	return 0;
}

static int resolve_abs64(struct maker *m, const struct sut_sym *s, uint64_t off, int64_t addend,
			 struct sut_err *err)
{
	struct home h = home_of(m, s);
	uint32_t import = 0;
	int r = h.base == SUT_LIBRARY_IMPORT ? import_index(m, s, &import, err) : 0;

	return r < 0 ? r
		     : add_reloc(m, off, SUT_LIBRARY_ABS64, h.base, import,
				 (int64_t)h.value + addend, err);
}

static int resolve(struct maker *m, struct sut_err *err)
{
	for (uint32_t i = 1; i < m->o->nsections; i++) {
		const struct sut_section *sec = &m->o->sections[i];

		for (size_t j = 0; m->place[i] && j < sec->nrelas; j++) {
			const struct sut_rela *x = &sec->relas[j];
			const struct sut_sym *s = &m->o->syms[x->sym];
			uint64_t off = m->place[i] + x->offset;
			int r;

			switch (x->type) {
			case R_X86_64_64:
				r = resolve_abs64(m, s, off, x->addend, err);
				break;
			case R_X86_64_PC32:
			case R_X86_64_PLT32:
				r = resolve_pc32(m, s, off, x->addend, err);
				break;
			case R_X86_64_GOTPCREL:
			case R_X86_64_GOTPCRELX:
			case R_X86_64_REX_GOTPCRELX:
				r = resolve_got(m, s, off, x->addend, err);
				break;
			case R_X86_64_GOTTPOFF:
			case R_X86_64_TLSGD:
				r = resolve_tls(m, s, x->type, off, x->addend, err);
				break;
			default:
				r = sut_err_set(err, EINVAL,
						"%s: a relocation of type %u to %s. Compile with "
						"-fPIC",
						m->u->object, x->type, s->name);
			}
			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------ */
/* What is replaced, and what is only looked at.                       */

static bool is_padding(const uint8_t *p, size_t n)
{
	/* Bytes of which the assembler makes its nops, and int3. */
	static const uint8_t known[] = {0x00, 0x0f, 0x1f, 0x2e, 0x40, 0x44,
					0x66, 0x80, 0x84, 0x90, 0xcc};

	for (size_t i = 0; i < n; i++)
		if (!memchr(known, p[i], sizeof(known)))
			return false;
	return true;
}

/* The next function behind `end`: what lies between is padding. */
static uint64_t next_symbol(const struct target *t, uint64_t end)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < t->nsyms; i++) {
		uint64_t v = t->syms[i].st_value;

		if (t->syms[i].st_shndx != SHN_UNDEF && t->syms[i].st_shndx < SHN_LORESERVE &&
		    v >= end && v < next)
			next = v;
	}
	return next;
}

/* Five bytes of padding behind some function, within reach of a short jump. */
static uint64_t find_island(const struct target *t, const struct sut_library_func *f)
{
	uint64_t from = f->vaddr + f->jump_off + 2;

	for (size_t i = 0; i < t->nsyms; i++) {
		const Elf64_Sym *s = &t->syms[i];
		uint64_t end = s->st_value + s->st_size, next;
		const uint8_t *p;

		if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || !s->st_size)
			continue;
		if (end < f->vaddr + f->span && end + 5 > f->vaddr)
			continue;
		next = next_symbol(t, end);
		p = at_vaddr(t, end, 5);
		if (next - end >= 5 && p && is_padding(p, 5) && (int64_t)(end - from) >= INT8_MIN &&
		    (int64_t)(end - from) <= INT8_MAX)
			return end;
	}
	return 0;
}

static int describe_func(struct maker *m, const char *pair, struct sut_err *err)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	struct sut_library_func *f = &m->funcs[m->nfuncs];
	const char *eq = strchr(pair, '=');
	const Elf64_Sym *old;
	uint32_t new;
	char *name;

	name = m->names[m->nfuncs] = eq ? strndup(pair, (size_t)(eq - pair)) : NULL;
	if (!name)
		return sut_err_set(err, EINVAL, "'%s' is not OLD=NEW", pair);
	old = target_sym(&m->t, name);
	new = sut_object_sym(m->o, eq + 1);
	if (!old || !old->st_size || !at_vaddr(&m->t, old->st_value, old->st_size))
		return sut_err_set(err, EINVAL, "%s has no function %s", m->u->target, name);
	if (!new || m->o->syms[new].shndx == SHN_UNDEF)
		return sut_err_set(err, EINVAL, "%s has no function %s", m->u->object, eq + 1);
	f->name = name;
	f->vaddr = old->st_value;
	f->size = f->span = (uint32_t)old->st_size;
	f->bytes = at_vaddr(&m->t, f->vaddr, f->size);
	f->redirect = SUT_LIBRARY_JUMP;
	if (f->size >= 4 && memcmp(f->bytes, endbr64, 4) == 0)
		f->jump_off = 4;
	if (m->u->island_of && sut_streq(m->u->island_of, name))
		f->redirect = SUT_LIBRARY_ISLAND;
	if (f->jump_off + 5 > f->span && f->redirect == SUT_LIBRARY_JUMP) {
		uint64_t end = f->vaddr + f->jump_off + 5;

		if (next_symbol(&m->t, f->vaddr + f->size) >= end &&
		    is_padding(f->bytes + f->size, end - f->vaddr - f->size))
			f->span = f->jump_off + 5;
		else
			f->redirect = SUT_LIBRARY_ISLAND;
	}
	if (f->redirect == SUT_LIBRARY_ISLAND) {
		f->island = find_island(&m->t, f);
		if (!f->island)
			return sut_err_set(err, EINVAL, "there is no room for a jump at %s", name);
		memcpy(f->island_bytes, at_vaddr(&m->t, f->island, 5), 5);
	}
	m->nfuncs++;
	return 0;
}

/* The new function is in place now. */
static int complete_func(struct maker *m, size_t i, struct sut_err *err)
{
	const char *new = strchr(m->u->replace[i], '=') + 1;
	const struct sut_sym *s = &m->o->syms[sut_object_sym(m->o, new)];
	struct sut_library_func *f = &m->funcs[i];

	f->new_off = (uint32_t)(m->place[s->shndx] + s->value);
	f->new_size = (uint32_t)s->size;
	if (m->u->wrong && sut_streq(m->u->wrong, f->name)) {
		m->wrong = malloc(f->span);
		if (!m->wrong)
			return sut_err_oom(err);
		memcpy(m->wrong, f->bytes, f->span);
		m->wrong[f->size - 1] ^= 1;
		f->bytes = m->wrong;
	}
	return 0;
}

static int describe_ranges(struct maker *m, const char *const *names, uint32_t kind,
			   struct sut_err *err)
{
	for (; *names; names++) {
		const Elf64_Sym *s = target_sym(&m->t, *names);
		const uint8_t *p = s ? at_vaddr(&m->t, s->st_value, s->st_size) : NULL;

		if (!p || !s->st_size)
			return sut_err_set(err, EINVAL, "%s has no %s", m->u->target, *names);
		m->ranges[m->nranges++] = (struct sut_library_range){*names, s->st_value,
								     (uint32_t)s->st_size, p, kind};
	}
	return 0;
}

/* ------------------------------------------------------------------ */

static int make_payload(struct maker *m, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf image = SUT_BUF_INIT(SUT_LIBRARY_IMAGE_MAX);
	struct sut_library *l = &m->l;
	int r;

	memcpy(l->build_id, m->t.build_id, sizeof(l->build_id));
	if (m->u->other_build_id)
		l->build_id[0] ^= 1;
	l->head_len = sut_library_head_len(m->nfuncs);
	l->exec_len = (uint32_t)m->exec.len;
	l->data_off = (uint32_t)m->data_off;
	l->mem_len = (uint32_t)((m->data_off + m->bss + SUT_LIBRARY_PAGE - 1) &
				~(uint64_t)(SUT_LIBRARY_PAGE - 1));
	r = sut_buf_add(&image, m->exec.data, m->exec.len);
	if (r == 0 && m->data.len)
		r = sut_buf_addzero(&image, m->data_off - image.len);
	if (r == 0 && m->data.len)
		r = sut_buf_add(&image, m->data.data, m->data.len);
	if (r < 0)
		return sut_err_oom(err);
	l->image = image.data;
	l->image_len = (uint32_t)image.len;
	l->frames = m->u->frames;
	l->funcs = m->funcs;
	l->nfuncs = m->nfuncs;
	l->ranges = m->ranges;
	l->nranges = m->nranges;
	l->relocs = m->relocs;
	l->nrelocs = m->nrelocs;
	l->imports = m->imports;
	l->nimports = m->nimports;
	return sut_library_write(l, out, err);
}

static json_t *manifest_of(const struct maker *m, const char *sha256)
{
	const char *base = strrchr(m->u->target, '/');
	char id[2 * SUT_LIBRARY_BUILD_ID_LEN + 1], address[32];
	json_t *funcs = json_array(), *object;

	base = base ? base + 1 : m->u->target;
	sut_hex(m->l.build_id, sizeof(m->l.build_id), id);
	for (size_t i = 0; i < m->nfuncs; i++) {
		const struct sut_library_func *f = &m->funcs[i];
		bool island = f->redirect == SUT_LIBRARY_ISLAND;

		snprintf(address, sizeof(address), "%#lx", f->vaddr);
		json_array_append_new(funcs, json_pack("{s:s, s:s, s:i, s:i, s:s}", "name", f->name,
						       "address", address, "size", (int)f->size,
						       "new_size", (int)f->new_size, "redirect",
						       island ? "jump-island" : "jump-entry"));
	}
	object = json_pack("{s:s, s:s, s:o}", "object", base, "payload", "payload.bin", "functions",
			   funcs);
	if (m->nimports) {
		json_t *imports = json_array();

		for (size_t i = 0; i < m->nimports; i++)
			json_array_append_new(
				imports,
				json_pack("{s:s, s:s*}", "name", m->imports[i].name, "version",
					  m->imports[i].version[0] ? m->imports[i].version : NULL));
		json_object_set_new(object, "imports", imports);
	}
	return json_pack(
		"{s:s, s:i, s:s, s:i, s:s, s:s, s:{s:s, s:s+, s:s, s:s+, s:s, s:s, s:s, s:s}, "
		"s:{s:i}, s:[s], s:[{s:s, s:s, s:[s]}], s:[o]}",
		"format", "suture-patch", "version", 1, "id", m->u->id ? m->u->id : "U20261122_01",
		"level", (int)(m->u->level ? m->u->level : 1), "created", "2026-11-22T10:00:00Z",
		"generator", "make-upatch", "target", "kind", "library", "name", "test/", base,
		"arch", "x86_64", "file", "/usr/lib/", base, "soname", base, "package", "test",
		"package_version", "1.0", "build_id", id, "engine", "abi", SUT_LIBRARY_ABI, "cves",
		"CVE-2026-0001", "fixes", "member", "fix-1.patch", "sha256", sha256, "files",
		"fix.c", "objects", object);
}

static int make_file(struct maker *m, const struct sut_buf *payload, struct sut_buf *out,
		     struct sut_err *err)
{
	static const char fix[] = "a patch of the tests\n";
	struct sut_member members[] = {
		{(char *)"payload.bin", payload->data, payload->len},
		{(char *)"fix-1.patch", (uint8_t *)fix, sizeof(fix) - 1},
	};
	char sha256[SUT_SHA256_HEX];
	json_t *manifest;
	int r;

	sut_sha256_hex(fix, sizeof(fix) - 1, sha256);
	manifest = manifest_of(m, sha256);
	if (!manifest)
		return sut_err_oom(err);
	r = sut_patch_pack(manifest, members, SUT_ARRAY_SIZE(members), MTIME, out, err);
	json_decref(manifest);
	return r;
}

static int make(struct maker *m, struct sut_buf *out, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf payload = SUT_BUF_INIT(SUT_LIBRARY_MAX);
	int r = target_open(m->u->target, &m->t, err);

	if (r == 0)
		r = sut_object_read(m->u->object, &m->o, err);
	if (r == 0) {
		m->place = calloc(m->o->nsections, sizeof(*m->place));
		m->needed = calloc(m->o->nsections, sizeof(*m->needed));
		if (!m->place || !m->needed)
			r = sut_err_oom(err);
	}
	for (size_t i = 0; r == 0 && m->u->replace[i]; i++)
		r = describe_func(m, m->u->replace[i], err);
	if (r == 0)
		r = describe_ranges(m, m->u->child, SUT_LIBRARY_CHILD, err);
	if (r == 0)
		r = describe_ranges(m, m->u->busy, SUT_LIBRARY_BUSY, err);
	if (r == 0)
		r = describe_ranges(m, m->u->check, SUT_LIBRARY_CHECK, err);
	if (r == 0)
		need_all(m);
	if (r == 0)
		r = place_all(m, err);
	if (r == 0)
		r = resolve(m, err);
	for (size_t i = 0; r == 0 && i < m->nfuncs; i++)
		r = complete_func(m, i, err);
	if (r == 0)
		r = make_payload(m, &payload, err);
	return r < 0 ? r : make_file(m, &payload, out, err);
}

int upatch_make(const struct upatch *u, struct sut_buf *out, struct sut_err *err)
{
	struct maker *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return sut_err_oom(err);
	m->u = u;
	m->exec = SUT_BUF_INIT(SUT_LIBRARY_IMAGE_MAX);
	m->data = SUT_BUF_INIT(SUT_LIBRARY_IMAGE_MAX);
	r = make(m, out, err);
	maker_release(m);
	free(m);
	return r;
}
