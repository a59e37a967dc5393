// SPDX-License-Identifier: Apache-2.0
/* The object in memory: making, finding, freeing. Reading: read.c; writing: write.c. */
#include "elf/object.h"

#include <errno.h>
#include <string.h>

static void *grow(void *array, uint32_t n, size_t size)
{
	/* Room for a power of two of entries, at least 16. */
	if (n >= 16 && (n & (n - 1)))
		return array;
	return reallocarray(array, n < 16 ? 16 : (size_t)n * 2, size);
}

struct sut_object *sut_object_new(void)
{
	struct sut_object *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	if (sut_object_add_section(o, "", SHT_NULL, 0, 0, 0, NULL, 0) < 0 ||
	    sut_object_add_sym(o, "", STB_LOCAL, STT_NOTYPE, SHN_UNDEF, 0, 0) < 0) {
		sut_object_free(o);
		return NULL;
	}
	return o;
}

int sut_object_add_section(struct sut_object *o, const char *name, uint32_t type, uint64_t flags,
			   uint64_t align, uint64_t entsize, const void *data, uint64_t size)
{
	struct sut_section *s = grow(o->sections, o->nsections, sizeof(*s));

	if (!s)
		return -ENOMEM;
	o->sections = s;
	s += o->nsections;
	*s = (struct sut_section){
		.type = type, .flags = flags, .align = align, .entsize = entsize, .size = size};
	s->name = strdup(name);
	if (!s->name)
		return -ENOMEM;
	if (data) {
		s->data = malloc(size ? size : 1);
		if (!s->data) {
			free(s->name);
			return -ENOMEM;
		}
		memcpy(s->data, data, size);
	}
	return (int)o->nsections++;
}

int sut_object_add_sym(struct sut_object *o, const char *name, uint8_t bind, uint8_t type,
		       uint32_t shndx, uint64_t value, uint64_t size)
{
	struct sut_sym *s = grow(o->syms, o->nsyms, sizeof(*s));

	if (!s)
		return -ENOMEM;
	o->syms = s;
	s += o->nsyms;
	*s = (struct sut_sym){
		.value = value, .size = size, .shndx = shndx, .type = type, .bind = bind};
	s->name = strdup(name);
	if (!s->name)
		return -ENOMEM;
	return (int)o->nsyms++;
}

int sut_object_add_rela(struct sut_object *o, uint32_t section, uint64_t offset, uint32_t type,
			uint32_t sym, int64_t addend)
{
	struct sut_section *s = &o->sections[section];
	struct sut_rela *r = grow(s->relas, (uint32_t)s->nrelas, sizeof(*r));

	if (!r)
		return -ENOMEM;
	s->relas = r;
	r[s->nrelas++] =
		(struct sut_rela){.offset = offset, .type = type, .sym = sym, .addend = addend};
	return 0;
}

uint32_t sut_object_section(const struct sut_object *o, const char *name)
{
	for (uint32_t i = 1; i < o->nsections; i++)
		if (!strcmp(o->sections[i].name, name))
			return i;
	return 0;
}

uint32_t sut_object_sym(const struct sut_object *o, const char *name)
{
	for (uint32_t i = 1; i < o->nsyms; i++)
		if (!strcmp(o->syms[i].name, name))
			return i;
	return 0;
}

size_t sut_section_first_rela(const struct sut_section *s, uint64_t offset)
{
	size_t lo = 0, hi = s->nrelas;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->relas[mid].offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

unsigned int sut_rela_width(uint32_t type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64:
	case R_X86_64_GOTOFF64:
	case R_X86_64_DTPOFF64:
	case R_X86_64_TPOFF64:
		return 8;
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
	case R_X86_64_GOTPC32:
	case R_X86_64_GOTTPOFF:
	case R_X86_64_TLSGD:
	case R_X86_64_TLSLD:
	case R_X86_64_GOTPC32_TLSDESC:
	case R_X86_64_DTPOFF32:
	case R_X86_64_TPOFF32:
		return 4;
	default:
		return 0;
	}
}

bool sut_rela_is_pcrel(uint32_t type)
{
	switch (type) {
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
	case R_X86_64_PC64:
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
	case R_X86_64_GOTPC32:
	case R_X86_64_GOTTPOFF:
	case R_X86_64_TLSGD:
	case R_X86_64_TLSLD:
	case R_X86_64_GOTPC32_TLSDESC:
		return true;
	default:
		return false;
	}
}

void sut_object_free(struct sut_object *o)
{
	if (!o)
		return;
	for (uint32_t i = 0; i < o->nsections; i++) {
		free(o->sections[i].name);
		free(o->sections[i].data);
		free(o->sections[i].relas);
	}
	for (uint32_t i = 0; i < o->nsyms; i++)
		free(o->syms[i].name);
	free(o->sections);
	free(o->syms);
	free(o);
}

void sut_object_freep(struct sut_object **o)
{
	sut_object_free(*o);
}
