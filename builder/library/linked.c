// SPDX-License-Identifier: Apache-2.0
#include "library/linked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { VERSIONS_MAX = 1 << 16 };

static int bad(struct sut_err *err, const char *what)
{
	return sut_err_set(err, EBADMSG, "this is no whole ELF file of x86-64: %s", what);
}

/* Is [off, off + n * size) within the file? */
static bool within(const struct sut_linked *l, uint64_t off, uint64_t n, uint64_t size)
{
	return off <= l->len && (!size || n <= (l->len - off) / size);
}

static int read_segments(struct sut_linked *l, const Elf64_Ehdr *h, struct sut_err *err)
{
	if (h->e_phnum > SUT_LINKED_SEGMENTS_MAX || h->e_phentsize != sizeof(Elf64_Phdr) ||
	    !within(l, h->e_phoff, h->e_phnum, sizeof(Elf64_Phdr)))
		return bad(err, "its program headers");
	l->loads = calloc(h->e_phnum + 1u, sizeof(*l->loads));
	if (!l->loads)
		return sut_err_oom(err);
	for (unsigned int i = 0; i < h->e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, l->data + h->e_phoff + i * sizeof(p), sizeof(p));
		l->interp |= p.p_type == PT_INTERP;
		if (p.p_type == PT_TLS) {
			l->tls_vaddr = p.p_vaddr;
			l->tls_memsz = p.p_memsz;
			l->tls_align = p.p_align;
		}
		if (p.p_type != PT_LOAD)
			continue;
		if (!within(l, p.p_offset, 1, p.p_filesz) || p.p_memsz < p.p_filesz ||
		    p.p_vaddr + p.p_memsz < p.p_vaddr)
			return bad(err, "a segment lies outside of it");
		if (l->nloads &&
		    p.p_vaddr < l->loads[l->nloads - 1].p_vaddr + l->loads[l->nloads - 1].p_memsz)
			return bad(err, "its segments overlap");
		l->loads[l->nloads++] = p;
	}
	return 0;
}

/* A string of a string table; NULL when it does not end within it. */
static const char *string_at(const struct sut_linked *l, const struct sut_linked_section *tab,
			     uint64_t off)
{
	const char *s;

	/* Only where this is the type has the place been checked. */
	if (tab->type != SHT_STRTAB || off >= tab->size)
		return NULL;
	s = (const char *)l->data + tab->offset + off;
	return memchr(s, 0, tab->size - off) ? s : NULL;
}

static int read_sections(struct sut_linked *l, const Elf64_Ehdr *h, struct sut_err *err)
{
	if (!h->e_shnum || h->e_shnum > SUT_LINKED_SECTIONS_MAX ||
	    h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shstrndx >= h->e_shnum ||
	    !within(l, h->e_shoff, h->e_shnum, sizeof(Elf64_Shdr)))
		return bad(err, "it has no section headers that can be read");
	l->sections = calloc(h->e_shnum, sizeof(*l->sections));
	if (!l->sections)
		return sut_err_oom(err);
	l->nsections = h->e_shnum;
	for (size_t i = 0; i < l->nsections; i++) {
		struct sut_linked_section *s = &l->sections[i];
		Elf64_Shdr sh;

		memcpy(&sh, l->data + h->e_shoff + i * sizeof(sh), sizeof(sh));
		*s = (struct sut_linked_section){.name = "",
						 .type = sh.sh_type,
						 .link = sh.sh_link,
						 .info = sh.sh_info,
						 .flags = sh.sh_flags,
						 .vaddr = sh.sh_addr,
						 .offset = sh.sh_offset,
						 .size = sh.sh_size,
						 .entsize = sh.sh_entsize};
		if (s->type != SHT_NULL && s->type != SHT_NOBITS &&
		    !within(l, s->offset, 1, s->size))
			return bad(err, "a section lies outside of it");
		if (s->vaddr + s->size < s->vaddr)
			return bad(err, "a section is too long");
	}
	for (size_t i = 0; i < l->nsections; i++) {
		Elf64_Shdr sh;
		const char *name;

		memcpy(&sh, l->data + h->e_shoff + i * sizeof(sh), sizeof(sh));
		name = string_at(l, &l->sections[h->e_shstrndx], sh.sh_name);
		if (!name)
			return bad(err, "the name of a section");
		l->sections[i].name = name;
	}
	return 0;
}

static const struct sut_linked_section *of_type(const struct sut_linked *l, uint32_t type)
{
	for (size_t i = 0; i < l->nsections; i++)
		if (l->sections[i].type == type)
			return &l->sections[i];
	return NULL;
}

static int read_syms(struct sut_linked *l, uint32_t type, struct sut_linked_sym **ret,
		     size_t *ret_n, struct sut_err *err)
{
	const struct sut_linked_section *s = of_type(l, type), *tab;
	struct sut_linked_sym *v;
	size_t n;

	if (!s)
		return 0;
	if (s->link >= l->nsections || s->size / sizeof(Elf64_Sym) > SUT_LINKED_SYMS_MAX)
		return bad(err, "its symbol table");
	tab = &l->sections[s->link];
	n = s->size / sizeof(Elf64_Sym);
	v = calloc(n + 1, sizeof(*v));
	if (!v)
		return sut_err_oom(err);
	*ret = v;
	for (size_t i = 0; i < n; i++) {
		Elf64_Sym sym;

		memcpy(&sym, l->data + s->offset + i * sizeof(sym), sizeof(sym));
		v[i] = (struct sut_linked_sym){.name = string_at(l, tab, sym.st_name),
					       .version = "",
					       .value = sym.st_value,
					       .size = sym.st_size,
					       .shndx = sym.st_shndx,
					       .type = ELF64_ST_TYPE(sym.st_info),
					       .bind = ELF64_ST_BIND(sym.st_info),
					       .other = sym.st_other};
		if (!v[i].name)
			return bad(err, "the name of a symbol");
	}
	*ret_n = n;
	return 0;
}

/* The linker writes "name@VERSION" and "name@@VERSION" into .symtab. */
static int cut_versions(struct sut_linked *l, struct sut_err *err)
{
	size_t room = 0;
	char *p;

	for (size_t i = 0; i < l->nsyms; i++)
		if (strchr(l->syms[i].name, '@'))
			room += strlen(l->syms[i].name) + 1;
	if (!room)
		return 0;
	p = l->names = malloc(room);
	if (!p)
		return sut_err_oom(err);
	for (size_t i = 0; i < l->nsyms; i++) {
		const char *at = strchr(l->syms[i].name, '@');
		size_t n = strlen(l->syms[i].name) + 1;

		if (!at)
			continue;
		memcpy(p, l->syms[i].name, n);
		p[at - l->syms[i].name] = 0;
		at = p + (at - l->syms[i].name) + 1;
		l->syms[i].name = p;
		l->syms[i].version = at + (*at == '@');
		p += n;
	}
	return 0;
}

/* Names of versions by their index; those that are wanted and those that are defined. */
static int version_names(const struct sut_linked *l, const char **names, struct sut_err *err)
{
	const struct sut_linked_section *need = of_type(l, SHT_GNU_verneed);
	const struct sut_linked_section *def = of_type(l, SHT_GNU_verdef);
	size_t steps = 0;

	if ((need && need->link >= l->nsections) || (def && def->link >= l->nsections))
		return bad(err, "its versions");
	for (uint64_t off = 0; need && off + sizeof(Elf64_Verneed) <= need->size;) {
		Elf64_Verneed n;
		uint64_t a;

		memcpy(&n, l->data + need->offset + off, sizeof(n));
		a = off + n.vn_aux;
		for (unsigned int i = 0; i < n.vn_cnt && a + sizeof(Elf64_Vernaux) <= need->size;
		     i++) {
			Elf64_Vernaux x;
			const char *name;

			if (++steps > VERSIONS_MAX)
				return bad(err, "too many versions");
			memcpy(&x, l->data + need->offset + a, sizeof(x));
			name = string_at(l, &l->sections[need->link], x.vna_name);
			if (!name)
				return bad(err, "the name of a version");
			names[x.vna_other & 0x7fff] = name;
			if (!x.vna_next)
				break;
			a += x.vna_next;
		}
		if (!n.vn_next)
			break;
		off += n.vn_next;
	}
	for (uint64_t off = 0; def && off + sizeof(Elf64_Verdef) <= def->size;) {
		Elf64_Verdef d;
		Elf64_Verdaux x;
		const char *name;

		memcpy(&d, l->data + def->offset + off, sizeof(d));
		if (++steps > VERSIONS_MAX)
			return bad(err, "too many versions");
		if (off + d.vd_aux + sizeof(x) > def->size)
			return bad(err, "the definition of a version");
		memcpy(&x, l->data + def->offset + off + d.vd_aux, sizeof(x));
		name = string_at(l, &l->sections[def->link], x.vda_name);
		if (!name)
			return bad(err, "the name of a version");
		/* The base version is the file's own name, not a version of symbols. */
		if (!(d.vd_flags & VER_FLG_BASE))
			names[d.vd_ndx & 0x7fff] = name;
		if (!d.vd_next)
			break;
		off += d.vd_next;
	}
	return 0;
}

static int read_versions(struct sut_linked *l, struct sut_err *err)
{
	const struct sut_linked_section *s = of_type(l, SHT_GNU_versym);
	_cleanup_(sut_freep) const char **names = NULL;
	int r;

	if (!s)
		return 0;
	names = calloc(0x8000, sizeof(*names));
	if (!names)
		return sut_err_oom(err);
	r = version_names(l, names, err);
	for (size_t i = 0; i < l->ndynsyms && i < s->size / 2 && r == 0; i++) {
		uint16_t v;

		memcpy(&v, l->data + s->offset + 2 * i, sizeof(v));
		if (names[v & 0x7fff])
			l->dynsyms[i].version = names[v & 0x7fff];
	}
	return r;
}

static int add_rel(struct sut_linked *l, size_t *cap, struct sut_linked_rel rel,
		   struct sut_err *err)
{
	if (l->nrels == *cap) {
		size_t n = *cap ? *cap * 2 : 1024;
		struct sut_linked_rel *p =
			n > SUT_LINKED_RELS_MAX ? NULL : realloc(l->rels, n * sizeof(*p));

		if (!p)
			return n > SUT_LINKED_RELS_MAX ? bad(err, "too many relocations")
						       : sut_err_oom(err);
		l->rels = p;
		*cap = n;
	}
	l->rels[l->nrels++] = rel;
	return 0;
}

static int add_relr(struct sut_linked *l, size_t *cap, uint64_t vaddr, struct sut_err *err)
{
	const uint8_t *p = sut_linked_bytes(l, vaddr, 8);
	struct sut_linked_rel rel = {.vaddr = vaddr, .type = R_X86_64_RELATIVE};

	if (!p)
		return bad(err, "a packed relocation lies outside of it");
	memcpy(&rel.addend, p, 8);
	return add_rel(l, cap, rel, err);
}

/* An even word is an address; an odd one is a map of the 63 words behind the last. */
static int read_relr(struct sut_linked *l, const struct sut_linked_section *s, size_t *cap,
		     struct sut_err *err)
{
	uint64_t next = 0;

	for (uint64_t i = 0; i < s->size / 8; i++) {
		uint64_t w;
		int r = 0;

		memcpy(&w, l->data + s->offset + 8 * i, 8);
		if (!(w & 1)) {
			r = add_relr(l, cap, w, err);
			next = w + 8;
		} else {
			for (unsigned int b = 1; b < 64 && r == 0; b++)
				if (w >> b & 1)
					r = add_relr(l, cap, next + 8ULL * (b - 1), err);
			next += 63 * 8;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int by_vaddr(const void *a, const void *b)
{
	const struct sut_linked_rel *x = a, *y = b;

	if (x->vaddr != y->vaddr)
		return x->vaddr < y->vaddr ? -1 : 1;
	return x->type < y->type ? -1 : x->type > y->type;
}

static int read_rels(struct sut_linked *l, struct sut_err *err)
{
	size_t cap = 0;

	for (size_t i = 0; i < l->nsections; i++) {
		const struct sut_linked_section *s = &l->sections[i];
		int r = 0;

		if (!(s->flags & SHF_ALLOC))
			continue;
		if (s->type == SHT_RELR)
			r = read_relr(l, s, &cap, err);
		for (uint64_t k = 0;
		     s->type == SHT_RELA && k < s->size / sizeof(Elf64_Rela) && r == 0; k++) {
			Elf64_Rela a;
			struct sut_linked_rel rel;

			memcpy(&a, l->data + s->offset + k * sizeof(a), sizeof(a));
			rel = (struct sut_linked_rel){.vaddr = a.r_offset,
						      .addend = a.r_addend,
						      .type = (uint32_t)ELF64_R_TYPE(a.r_info),
						      .sym = (uint32_t)ELF64_R_SYM(a.r_info)};
			if (rel.sym && rel.sym >= l->ndynsyms)
				return bad(err, "a relocation names no symbol");
			r = add_rel(l, &cap, rel, err);
		}
		if (r < 0)
			return r;
	}
	if (l->nrels)
		qsort(l->rels, l->nrels, sizeof(*l->rels), by_vaddr);
	return 0;
}

static int read_dynamic(struct sut_linked *l, struct sut_err *err)
{
	const struct sut_linked_section *s = of_type(l, SHT_DYNAMIC);

	l->soname = "";
	l->dynamic = l->interp;
	if (!s || s->link >= l->nsections)
		return s ? bad(err, "its dynamic section") : 0;
	for (uint64_t i = 0; i < s->size / sizeof(Elf64_Dyn); i++) {
		Elf64_Dyn d;
		const char *name;

		memcpy(&d, l->data + s->offset + i * sizeof(d), sizeof(d));
		if (d.d_tag == DT_NULL)
			break;
		l->dynamic |= d.d_tag == DT_NEEDED || d.d_tag == DT_SONAME;
		if (d.d_tag != DT_SONAME)
			continue;
		name = string_at(l, &l->sections[s->link], d.d_un.d_val);
		if (!name)
			return bad(err, "its soname");
		l->soname = name;
	}
	/* A library that nothing is needed by and that has no name is dynamic, too; a static PIE is not. */
	l->dynamic |= l->type == ET_DYN && !l->interp && l->ndynsyms > 1;
	return 0;
}

static void read_build_id(struct sut_linked *l)
{
	for (size_t i = 0; i < l->nsections; i++) {
		const struct sut_linked_section *s = &l->sections[i];

		for (uint64_t off = 0;
		     s->type == SHT_NOTE && off + sizeof(Elf64_Nhdr) <= s->size;) {
			const uint8_t *p = l->data + s->offset + off;
			Elf64_Nhdr n;
			uint64_t name, desc;

			memcpy(&n, p, sizeof(n));
			name = (n.n_namesz + 3ULL) & ~3ULL;
			desc = (n.n_descsz + 3ULL) & ~3ULL;
			if (sizeof(n) + name + desc > s->size - off)
				break;
			if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 &&
			    !memcmp(p + sizeof(n), "GNU", 4) &&
			    n.n_descsz == SUT_LIB_BUILD_ID_LEN) {
				memcpy(l->build_id, p + sizeof(n) + name, SUT_LIB_BUILD_ID_LEN);
				l->has_build_id = true;
				return;
			}
			off += sizeof(n) + name + desc;
		}
	}
}

int sut_linked_parse(const void *data, size_t len, struct sut_linked **ret, struct sut_err *err)
{
	_cleanup_(sut_linked_freep) struct sut_linked *l = calloc(1, sizeof(*l));
	Elf64_Ehdr h;
	int r;

	if (!l)
		return sut_err_oom(err);
	l->data = data;
	l->len = len;
	if (len < sizeof(h) || len > SUT_LINKED_MAX)
		return bad(err, "its size");
	memcpy(&h, data, sizeof(h));
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_ident[EI_DATA] != ELFDATA2LSB || h.e_machine != EM_X86_64 ||
	    (h.e_type != ET_EXEC && h.e_type != ET_DYN))
		return bad(err, "its header");
	l->type = h.e_type;
	r = read_segments(l, &h, err);
	if (r == 0)
		r = read_sections(l, &h, err);
	if (r == 0)
		r = read_syms(l, SHT_SYMTAB, &l->syms, &l->nsyms, err);
	if (r == 0)
		r = cut_versions(l, err);
	if (r == 0)
		r = read_syms(l, SHT_DYNSYM, &l->dynsyms, &l->ndynsyms, err);
	if (r == 0)
		r = read_versions(l, err);
	if (r == 0)
		r = read_rels(l, err);
	if (r == 0)
		r = read_dynamic(l, err);
	if (r < 0)
		return r;
	read_build_id(l);
	*ret = sut_steal(l);
	return 0;
}

void sut_linked_free(struct sut_linked *l)
{
	if (!l)
		return;
	free(l->loads);
	free(l->sections);
	free(l->syms);
	free(l->dynsyms);
	free(l->rels);
	free(l->names);
	free(l);
}

void sut_linked_freep(struct sut_linked **l)
{
	sut_linked_free(*l);
}

const uint8_t *sut_linked_bytes(const struct sut_linked *l, uint64_t vaddr, size_t len)
{
	for (size_t i = 0; i < l->nloads; i++) {
		const Elf64_Phdr *p = &l->loads[i];

		if (vaddr >= p->p_vaddr && vaddr - p->p_vaddr <= p->p_filesz &&
		    len <= p->p_filesz - (vaddr - p->p_vaddr))
			return l->data + p->p_offset + (vaddr - p->p_vaddr);
	}
	return NULL;
}

const struct sut_linked_section *sut_linked_section(const struct sut_linked *l, const char *name)
{
	for (size_t i = 1; i < l->nsections; i++)
		if (sut_streq(l->sections[i].name, name))
			return &l->sections[i];
	return NULL;
}

const struct sut_linked_section *sut_linked_section_at(const struct sut_linked *l, uint64_t vaddr)
{
	for (size_t i = 1; i < l->nsections; i++) {
		const struct sut_linked_section *s = &l->sections[i];

		/* .tbss takes no room. */
		if ((s->flags & SHF_ALLOC) && !((s->flags & SHF_TLS) && s->type == SHT_NOBITS) &&
		    vaddr >= s->vaddr && vaddr - s->vaddr < s->size)
			return s;
	}
	return NULL;
}

size_t sut_linked_rel_from(const struct sut_linked *l, uint64_t vaddr)
{
	size_t lo = 0, hi = l->nrels;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->rels[mid].vaddr < vaddr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
