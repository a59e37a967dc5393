// SPDX-License-Identifier: Apache-2.0
/* Reading a relocatable object. Every offset and index of the file is checked. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "elf/object.h"

struct reader {
	const uint8_t *data;
	size_t len;
	const Elf64_Shdr *sh;
	uint32_t nsh;
	uint32_t *map; /* file's section index -> ours, 0 when decoded or left out */
	struct sut_object *o;
	struct sut_err *err;
};

#define bad(r, ...) sut_err_set((r)->err, EBADMSG, "damaged object file: " __VA_ARGS__)

static bool within(const struct reader *r, uint64_t off, uint64_t size)
{
	return off <= r->len && size <= r->len - off;
}

/* A string of a string table; NULL when it is not wholly inside. */
static const char *string_at(const struct reader *r, uint32_t shndx, uint32_t off)
{
	const Elf64_Shdr *s;

	if (shndx >= r->nsh)
		return NULL;
	s = &r->sh[shndx];
	if (s->sh_type != SHT_STRTAB || off >= s->sh_size)
		return NULL;
	if (!memchr(r->data + s->sh_offset + off, 0, s->sh_size - off))
		return NULL;
	return (const char *)r->data + s->sh_offset + off;
}

static int read_header(struct reader *r)
{
	const Elf64_Ehdr *eh = (const void *)r->data;

	if (r->len < sizeof(*eh) || memcmp(eh->e_ident, ELFMAG, SELFMAG) ||
	    eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return bad(r, "not a 64-bit little-endian ELF file");
	if (eh->e_type != ET_REL || eh->e_machine != EM_X86_64)
		return bad(r, "not a relocatable object for x86-64");
	if (eh->e_shentsize != sizeof(Elf64_Shdr) || eh->e_shoff % 8 ||
	    !within(r, eh->e_shoff, sizeof(Elf64_Shdr)))
		return bad(r, "bad section header table");
	r->sh = (const void *)(r->data + eh->e_shoff);
	r->nsh = eh->e_shnum;
	if (!r->nsh) { /* more than 65,279 sections */
		if (r->sh[0].sh_size > SUT_OBJECT_SECTIONS_MAX)
			return bad(r, "too many sections");
		r->nsh = (uint32_t)r->sh[0].sh_size;
	}
	if (!r->nsh || r->nsh > SUT_OBJECT_SECTIONS_MAX ||
	    !within(r, eh->e_shoff, (uint64_t)r->nsh * sizeof(Elf64_Shdr)))
		return bad(r, "bad number of sections");
	for (uint32_t i = 1; i < r->nsh; i++)
		if (r->sh[i].sh_type != SHT_NOBITS && r->sh[i].sh_type != SHT_NULL &&
		    !within(r, r->sh[i].sh_offset, r->sh[i].sh_size))
			return bad(r, "section %u lies outside the file", i);
	return 0;
}

static int read_sections(struct reader *r)
{
	const Elf64_Ehdr *eh = (const void *)r->data;
	uint32_t names = eh->e_shstrndx == SHN_XINDEX ? r->sh[0].sh_link : eh->e_shstrndx;

	for (uint32_t i = 1; i < r->nsh; i++) {
		const Elf64_Shdr *s = &r->sh[i];
		const char *name = string_at(r, names, s->sh_name);
		int n;

		if (!name)
			return bad(r, "section %u has no name", i);
		switch (s->sh_type) {
		case SHT_NULL:
		case SHT_SYMTAB:
		case SHT_STRTAB:
		case SHT_RELA:
		case SHT_SYMTAB_SHNDX:
			continue;
		case SHT_REL:
			return bad(r, "relocations without addends in %s", name);
		}
		if (s->sh_size > SUT_OBJECT_MAX)
			return bad(r, "section %s is too large", name);
		n = sut_object_add_section(
			r->o, name, s->sh_type, s->sh_flags, s->sh_addralign, s->sh_entsize,
			s->sh_type == SHT_NOBITS ? NULL : r->data + s->sh_offset, s->sh_size);
		if (n < 0)
			return sut_err_oom(r->err);
		r->map[i] = (uint32_t)n;
	}
	for (uint32_t i = 1; i < r->nsh; i++) {
		if (!r->map[i])
			continue;
		if (r->sh[i].sh_link < r->nsh)
			r->o->sections[r->map[i]].link = r->map[r->sh[i].sh_link];
		r->o->sections[r->map[i]].info = r->sh[i].sh_info;
	}
	return 0;
}

/* The section index of symbol n: from the symbol, or from the extension table. */
static int symbol_section(struct reader *r, const Elf64_Shdr *ext, size_t n, const Elf64_Sym *s,
			  uint32_t *ret)
{
	uint32_t shndx = s->st_shndx;

	if (shndx == SHN_XINDEX) {
		if (!ext || ext->sh_size / 4 <= n)
			return bad(r, "symbol %zu has no section index", n);
		memcpy(&shndx, r->data + ext->sh_offset + 4 * n, 4);
	} else if (shndx == SHN_UNDEF || shndx >= SHN_LORESERVE) {
		*ret = shndx;
		return 0;
	}
	if (shndx >= r->nsh)
		return bad(r, "symbol %zu is in section %u, which is not there", n, shndx);
	/* Of a table that is decoded (group, string table): no section of ours. */
	*ret = r->map[shndx];
	return 0;
}

static int read_symbols(struct reader *r)
{
	const Elf64_Shdr *tab = NULL, *ext = NULL;
	size_t n;

	for (uint32_t i = 1; i < r->nsh; i++) {
		if (r->sh[i].sh_type == SHT_SYMTAB) {
			if (tab)
				return bad(r, "two symbol tables");
			tab = &r->sh[i];
		} else if (r->sh[i].sh_type == SHT_SYMTAB_SHNDX) {
			ext = &r->sh[i];
		}
	}
	if (!tab)
		return 0;
	n = tab->sh_size / sizeof(Elf64_Sym);
	if (tab->sh_entsize != sizeof(Elf64_Sym) || n > SUT_OBJECT_SYMS_MAX)
		return bad(r, "bad symbol table");
	for (size_t i = 1; i < n; i++) {
		Elf64_Sym s;
		const char *name;
		uint32_t shndx = SHN_UNDEF;
		int k;

		memcpy(&s, r->data + tab->sh_offset + i * sizeof(s), sizeof(s));
		name = string_at(r, tab->sh_link, s.st_name);
		if (!name)
			return bad(r, "symbol %zu has no name", i);
		k = symbol_section(r, ext, i, &s, &shndx);
		if (k < 0)
			return k;
		if (shndx && shndx < SHN_LORESERVE &&
		    (s.st_value > r->o->sections[shndx].size ||
		     s.st_size > r->o->sections[shndx].size - s.st_value))
			return bad(r, "symbol %s lies outside its section", name);
		k = sut_object_add_sym(r->o, name, ELF64_ST_BIND(s.st_info),
				       ELF64_ST_TYPE(s.st_info), shndx, s.st_value, s.st_size);
		if (k < 0)
			return sut_err_oom(r->err);
		r->o->syms[k].other = s.st_other;
		if (ELF64_ST_TYPE(s.st_info) == STT_SECTION && shndx && shndx < SHN_LORESERVE)
			r->o->sections[shndx].sym = (uint32_t)k;
	}
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct sut_rela *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int read_relas(struct reader *r, const Elf64_Shdr *s)
{
	size_t n = s->sh_size / sizeof(Elf64_Rela);
	struct sut_section *target;

	if (s->sh_entsize != sizeof(Elf64_Rela) || s->sh_info >= r->nsh)
		return bad(r, "bad relocation section");
	if (!r->map[s->sh_info])
		return 0;
	target = &r->o->sections[r->map[s->sh_info]];
	if (target->relas)
		return bad(r, "two relocation sections for %s", target->name);
	target->relas = calloc(n ? n : 1, sizeof(*target->relas));
	if (!target->relas)
		return sut_err_oom(r->err);
	for (size_t i = 0; i < n; i++) {
		struct sut_rela *out = &target->relas[i];
		Elf64_Rela in;

		memcpy(&in, r->data + s->sh_offset + i * sizeof(in), sizeof(in));
		*out = (struct sut_rela){.offset = in.r_offset,
					 .addend = in.r_addend,
					 .type = (uint32_t)ELF64_R_TYPE(in.r_info),
					 .sym = (uint32_t)ELF64_R_SYM(in.r_info)};
		if (out->sym >= r->o->nsyms)
			return bad(r, "relocation of %s names a missing symbol", target->name);
		if (out->offset > target->size ||
		    sut_rela_width(out->type) > target->size - out->offset)
			return bad(r, "relocation outside %s", target->name);
		/* So that whoever adds a place to it need not think of overflow. */
		if (in.r_addend > INT64_MAX / 2 || in.r_addend < INT64_MIN / 2)
			return bad(r, "relocation of %s to nowhere", target->name);
	}
	target->nrelas = n;
	qsort(target->relas, n, sizeof(*target->relas), by_offset);
	return 0;
}

int sut_object_parse(const void *data, size_t len, struct sut_object **ret, struct sut_err *err)
{
	struct reader r = {.data = data, .len = len, .err = err};
	int k;

	if (len > SUT_OBJECT_MAX)
		return bad(&r, "larger than %d bytes", SUT_OBJECT_MAX);
	k = read_header(&r);
	if (k < 0)
		return k;
	r.o = sut_object_new();
	r.map = calloc(r.nsh, sizeof(*r.map));
	k = r.o && r.map ? 0 : sut_err_oom(err);
	if (!k)
		k = read_sections(&r);
	if (!k)
		k = read_symbols(&r);
	for (uint32_t i = 1; !k && i < r.nsh; i++)
		if (r.sh[i].sh_type == SHT_RELA)
			k = read_relas(&r, &r.sh[i]);
	free(r.map);
	if (k < 0) {
		sut_object_free(r.o);
		return k;
	}
	*ret = r.o;
	return 0;
}

int sut_object_read(const char *path, struct sut_object **ret, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SUT_OBJECT_MAX);
	int r = sut_file_read(path, &b, err);

	if (r < 0)
		return r;
	r = sut_object_parse(b.data, b.len, ret, err);
	return r < 0 ? sut_err_prefix(err, "%s", path) : 0;
}
