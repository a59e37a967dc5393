// SPDX-License-Identifier: Apache-2.0
/* Writing a relocatable object: header, section data, relocations, symbols, names. */
#include <errno.h>
#include <string.h>

#include "elf/object.h"

struct writer {
	const struct sut_object *o;
	struct sut_buf *out;
	struct sut_buf names;	/* .shstrtab */
	struct sut_buf strings; /* .strtab */
	Elf64_Shdr *sh;
	uint32_t nsh;
	uint32_t *sec; /* our section index -> the file's; 0: left out */
	uint32_t *sym; /* our symbol index -> the file's */
	uint32_t nsym, nlocal;
};

static int add_name(struct sut_buf *b, const char *s, Elf64_Word *ret)
{
	*ret = (Elf64_Word)b->len;
	return sut_buf_add(b, s, strlen(s) + 1);
}

static bool dropped(const struct sut_object *o, uint32_t shndx)
{
	return shndx && shndx < SHN_LORESERVE && o->sections[shndx].type == SHT_NULL;
}

static void number_symbols(struct writer *w)
{
	w->nsym = 1;
	for (int local = 1; local >= 0; local--) {
		for (uint32_t i = 1; i < w->o->nsyms; i++)
			if ((w->o->syms[i].bind == STB_LOCAL) == local &&
			    !dropped(w->o, w->o->syms[i].shndx))
				w->sym[i] = w->nsym++;
		if (local)
			w->nlocal = w->nsym;
	}
}

static int put_section(struct writer *w, uint32_t i)
{
	const struct sut_section *s = &w->o->sections[i];
	Elf64_Shdr *h = &w->sh[w->sec[i]];
	int r;

	*h = (Elf64_Shdr){.sh_type = s->type,
			  .sh_flags = s->flags,
			  .sh_addralign = s->align,
			  .sh_entsize = s->entsize,
			  .sh_size = s->size,
			  .sh_link = s->link ? w->sec[s->link] : 0,
			  .sh_info = s->info};
	r = add_name(&w->names, s->name, &h->sh_name);
	if (!r)
		r = sut_buf_align(w->out, s->align > 1 && s->align <= 4096 ? s->align : 1);
	h->sh_offset = w->out->len;
	if (!r && s->type != SHT_NOBITS)
		r = s->data ? sut_buf_add(w->out, s->data, s->size)
			    : sut_buf_addzero(w->out, s->size);
	return r;
}

static int put_relas(struct writer *w, uint32_t i, Elf64_Shdr *h, uint32_t symtab)
{
	const struct sut_section *s = &w->o->sections[i];
	char name[512];
	int r;

	snprintf(name, sizeof(name), ".rela%s", s->name);
	r = add_name(&w->names, name, &h->sh_name);
	if (!r)
		r = sut_buf_align(w->out, 8);
	h->sh_type = SHT_RELA;
	h->sh_flags = SHF_INFO_LINK;
	h->sh_offset = w->out->len;
	h->sh_size = s->nrelas * sizeof(Elf64_Rela);
	h->sh_addralign = 8;
	h->sh_entsize = sizeof(Elf64_Rela);
	h->sh_link = symtab;
	h->sh_info = w->sec[i];
	for (size_t k = 0; !r && k < s->nrelas; k++) {
		Elf64_Rela e = {
			.r_offset = s->relas[k].offset,
			.r_info = ELF64_R_INFO((uint64_t)w->sym[s->relas[k].sym], s->relas[k].type),
			.r_addend = s->relas[k].addend};

		if (s->relas[k].sym && !w->sym[s->relas[k].sym])
			return -EINVAL;
		r = sut_buf_add(w->out, &e, sizeof(e));
	}
	return r;
}

static int put_symbols(struct writer *w, Elf64_Shdr *h, uint32_t strtab)
{
	Elf64_Sym *tab = calloc(w->nsym, sizeof(*tab));
	int r = tab ? 0 : -ENOMEM;

	for (uint32_t i = 1; !r && i < w->o->nsyms; i++) {
		const struct sut_sym *s = &w->o->syms[i];
		Elf64_Sym *e = &tab[w->sym[i]];

		if (!w->sym[i])
			continue;
		*e = (Elf64_Sym){.st_value = s->value,
				 .st_size = s->size,
				 .st_info = ELF64_ST_INFO(s->bind, s->type),
				 .st_other = s->other,
				 .st_shndx = (Elf64_Half)s->shndx};
		if (s->shndx && s->shndx < SHN_LORESERVE)
			e->st_shndx = (Elf64_Half)w->sec[s->shndx];
		r = add_name(&w->strings, s->name, &e->st_name);
	}
	if (!r)
		r = sut_buf_align(w->out, 8);
	h->sh_type = SHT_SYMTAB;
	h->sh_offset = w->out->len;
	h->sh_size = (uint64_t)w->nsym * sizeof(*tab);
	h->sh_addralign = 8;
	h->sh_entsize = sizeof(*tab);
	h->sh_link = strtab;
	h->sh_info = w->nlocal;
	if (!r)
		r = add_name(&w->names, ".symtab", &h->sh_name);
	if (!r)
		r = sut_buf_add(w->out, tab, h->sh_size);
	free(tab);
	return r;
}

static int put_strings(struct writer *w, Elf64_Shdr *h, const char *name, struct sut_buf *b)
{
	int r = add_name(&w->names, name, &h->sh_name);

	h->sh_type = SHT_STRTAB;
	h->sh_offset = w->out->len;
	h->sh_addralign = 1;
	if (!r)
		r = sut_buf_add(w->out, b->data, b->len);
	h->sh_size = b->len;
	return r;
}

static int write_all(struct writer *w)
{
	const struct sut_object *o = w->o;
	Elf64_Ehdr eh = {.e_type = ET_REL,
			 .e_machine = EM_X86_64,
			 .e_version = EV_CURRENT,
			 .e_ehsize = sizeof(eh),
			 .e_shentsize = sizeof(Elf64_Shdr)};
	size_t start = w->out->len;
	uint32_t n = 1, symtab;
	int r;

	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	if (start)
		return -EINVAL;
	r = sut_buf_addzero(w->out, sizeof(eh));
	if (!r)
		r = sut_buf_add(&w->names, "", 1);
	if (!r)
		r = sut_buf_add(&w->strings, "", 1);
	for (uint32_t i = 1; i < o->nsections; i++)
		if (o->sections[i].type != SHT_NULL)
			w->sec[i] = n++;
	number_symbols(w);
	for (uint32_t i = 1; !r && i < o->nsections; i++)
		if (w->sec[i])
			r = put_section(w, i);
	symtab = n;
	for (uint32_t i = 1; i < o->nsections; i++)
		symtab += w->sec[i] && o->sections[i].nrelas;
	for (uint32_t i = 1; !r && i < o->nsections; i++)
		if (w->sec[i] && o->sections[i].nrelas)
			r = put_relas(w, i, &w->sh[n++], symtab);
	w->nsh = symtab + 3;
	if (w->nsh >= SHN_LORESERVE)
		return -E2BIG;
	if (!r)
		r = put_symbols(w, &w->sh[symtab], symtab + 1);
	if (!r)
		r = put_strings(w, &w->sh[symtab + 1], ".strtab", &w->strings);
	if (!r)
		r = put_strings(w, &w->sh[symtab + 2], ".shstrtab", &w->names);
	if (!r)
		r = sut_buf_align(w->out, 8);
	if (r)
		return r;
	eh.e_shoff = w->out->len;
	eh.e_shnum = (Elf64_Half)w->nsh;
	eh.e_shstrndx = (Elf64_Half)(symtab + 2);
	memcpy(w->out->data, &eh, sizeof(eh));
	return sut_buf_add(w->out, w->sh, w->nsh * sizeof(*w->sh));
}

int sut_object_write(const struct sut_object *o, struct sut_buf *out, struct sut_err *err)
{
	struct writer w = {.o = o,
			   .out = out,
			   .names = SUT_BUF_INIT(64 << 20),
			   .strings = SUT_BUF_INIT(64 << 20)};
	int r = -ENOMEM;

	w.sh = calloc(2 * (size_t)o->nsections + 4, sizeof(*w.sh));
	w.sec = calloc(o->nsections, sizeof(*w.sec));
	w.sym = calloc(o->nsyms, sizeof(*w.sym));
	if (w.sh && w.sec && w.sym)
		r = write_all(&w);
	free(w.sh);
	free(w.sec);
	free(w.sym);
	sut_buf_release(&w.names);
	sut_buf_release(&w.strings);
	if (r == -EINVAL)
		return sut_err_set(err, EINVAL,
				   "internal: a relocation refers to a symbol that is left out");
	return r < 0 ? sut_err_set(err, -r, "cannot write the object: it is too large") : 0;
}
