// SPDX-License-Identifier: Apache-2.0
#include "target/vmlinux.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* The note NT_GNU_BUILD_ID among the notes at p. */
static bool find_build_id(const uint8_t *p, uint64_t len, uint8_t out[SUT_BUILD_ID_LEN])
{
	while (len >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h;
		uint64_t name, desc;

		memcpy(&h, p, sizeof(h));
		name = ((uint64_t)h.n_namesz + 3) & ~3ULL;
		desc = ((uint64_t)h.n_descsz + 3) & ~3ULL;
		p += sizeof(h);
		len -= sizeof(h);
		if (name > len || desc > len - name)
			return false;
		if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == 4 && !memcmp(p, "GNU", 4) &&
		    h.n_descsz == SUT_BUILD_ID_LEN) {
			memcpy(out, p + name, SUT_BUILD_ID_LEN);
			return true;
		}
		p += name + desc;
		len -= name + desc;
	}
	return false;
}

static bool in_file(uint64_t off, uint64_t size, size_t len)
{
	return off <= len && size <= len - off;
}

static int read_section(const uint8_t *d, size_t len, const Elf64_Shdr *h, const Elf64_Shdr *str,
			struct sut_vmlinux_section *ret, struct sut_err *err)
{
	bool contents = h->sh_type != SHT_NOBITS && h->sh_type != SHT_NULL;

	if (h->sh_name >= str->sh_size ||
	    !memchr(d + str->sh_offset + h->sh_name, 0, str->sh_size - h->sh_name))
		return sut_err_set(err, EBADMSG, "the kernel's section names are damaged");
	if ((contents && !in_file(h->sh_offset, h->sh_size, len)) ||
	    h->sh_addr + h->sh_size < h->sh_addr)
		return sut_err_set(err, EBADMSG,
				   "a section of the kernel lies outside of the file");
	*ret = (struct sut_vmlinux_section){
		.name = (const char *)d + str->sh_offset + h->sh_name,
		.addr = h->sh_addr,
		.size = h->sh_size,
		.data = contents ? d + h->sh_offset : NULL,
		.alloc = h->sh_flags & SHF_ALLOC,
	};
	return 0;
}

int sut_vmlinux_parse(const void *data, size_t len, struct sut_vmlinux *ret, struct sut_err *err)
{
	const uint8_t *d = data;
	struct sut_vmlinux v = {0};
	Elf64_Shdr h, str;
	Elf64_Ehdr e;
	int r = 0;

	if (len < sizeof(e))
		return sut_err_set(err, EBADMSG, "the kernel is no ELF file");
	memcpy(&e, d, sizeof(e));
	if (memcmp(e.e_ident, ELFMAG, SELFMAG) || e.e_ident[EI_CLASS] != ELFCLASS64 ||
	    e.e_ident[EI_DATA] != ELFDATA2LSB || e.e_machine != EM_X86_64)
		return sut_err_set(err, EBADMSG, "the kernel is no ELF file for x86-64");
	if (e.e_shentsize != sizeof(Elf64_Shdr) || e.e_shnum < 2 ||
	    e.e_shnum > SUT_VMLINUX_SECTIONS_MAX || e.e_shstrndx >= e.e_shnum ||
	    !in_file(e.e_shoff, (uint64_t)e.e_shnum * sizeof(Elf64_Shdr), len))
		return sut_err_set(err, EBADMSG, "the kernel has no usable section headers");
	memcpy(&str, d + e.e_shoff + (size_t)e.e_shstrndx * sizeof(str), sizeof(str));
	if (str.sh_type != SHT_STRTAB || !in_file(str.sh_offset, str.sh_size, len))
		return sut_err_set(err, EBADMSG, "the kernel's section names are damaged");
	v.sections = calloc(e.e_shnum, sizeof(*v.sections));
	if (!v.sections)
		return sut_err_oom(err);
	for (unsigned int i = 1; i < e.e_shnum && r == 0; i++) {
		memcpy(&h, d + e.e_shoff + (size_t)i * sizeof(h), sizeof(h));
		r = read_section(d, len, &h, &str, &v.sections[v.n++], err);
	}
	if (r == 0) {
		bool found = false;

		for (size_t i = 0; i < v.n && !found; i++)
			if (sut_startswith(v.sections[i].name, ".note") && v.sections[i].data)
				found = find_build_id(v.sections[i].data, v.sections[i].size,
						      v.build_id);
		if (!found)
			r = sut_err_set(err, EBADMSG, "the kernel has no build-id");
	}
	if (r < 0) {
		sut_vmlinux_release(&v);
		return r;
	}
	*ret = v;
	return 0;
}

void sut_vmlinux_release(struct sut_vmlinux *v)
{
	free(v->sections);
	*v = (struct sut_vmlinux){0};
}

const struct sut_vmlinux_section *sut_vmlinux_section(const struct sut_vmlinux *v, const char *name)
{
	for (size_t i = 0; i < v->n; i++)
		if (sut_streq(v->sections[i].name, name))
			return &v->sections[i];
	return NULL;
}

const struct sut_vmlinux_section *sut_vmlinux_at(const struct sut_vmlinux *v, uint64_t addr)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct sut_vmlinux_section *s = &v->sections[i];

		if (s->alloc && addr >= s->addr && addr - s->addr < s->size)
			return s;
	}
	return NULL;
}

const uint8_t *sut_vmlinux_bytes(const struct sut_vmlinux *v, uint64_t addr, size_t len)
{
	const struct sut_vmlinux_section *s = sut_vmlinux_at(v, addr);

	if (!s || !s->data || len > s->size - (addr - s->addr))
		return NULL;
	return s->data + (addr - s->addr);
}
