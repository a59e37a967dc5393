/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relocatable ELF object (ET_REL, x86-64, little-endian) in memory, to be
 * read, compared, cut up and written again.
 *
 * Everything hangs on indexes: sections[0] and syms[0] are the null entries,
 * as in the file. Relocation sections (SHT_RELA), the symbol table and the
 * string tables are not among the sections' data: they are decoded into
 * `relas` and `syms`, and made anew on writing.
 */
#ifndef SUTURE_ELF_OBJECT_H
#define SUTURE_ELF_OBJECT_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
	SUT_OBJECT_MAX = 256 << 20, /* bytes of a file */
	SUT_OBJECT_SECTIONS_MAX = 65000,
	SUT_OBJECT_SYMS_MAX = 1 << 20,
};

struct sut_rela {
	uint64_t offset; /* in the section */
	int64_t addend;
	uint32_t type; /* R_X86_64_* */
	uint32_t sym;  /* index into syms */
};

struct sut_section {
	char *name;
	uint32_t type;	/* SHT_* */
	uint64_t flags; /* SHF_* */
	uint64_t align;
	uint64_t entsize;
	uint64_t size;
	uint8_t *data;		/* NULL for SHT_NOBITS and for dropped (type SHT_NULL) sections */
	struct sut_rela *relas; /* ascending by offset */
	size_t nrelas;
	uint32_t sym;  /* its STT_SECTION symbol, 0 for none */
	uint32_t link; /* SHF_LINK_ORDER: the section it belongs to */
	uint32_t info;
};

struct sut_sym {
	char *name; /* "" for section symbols */
	uint64_t value, size;
	uint32_t shndx; /* index into sections; or SHN_UNDEF, SHN_ABS, SHN_COMMON */
	uint8_t type;	/* STT_* */
	uint8_t bind;	/* STB_* */
	uint8_t other;	/* st_other */
};

struct sut_object {
	struct sut_section *sections;
	uint32_t nsections;
	struct sut_sym *syms;
	uint32_t nsyms;
};

/* Reads an ET_REL file for x86-64; checks every index and offset. -EBADMSG. */
int sut_object_parse(const void *data, size_t len, struct sut_object **ret,
		     struct sut_err *err) _must_check_;
int sut_object_read(const char *path, struct sut_object **ret, struct sut_err *err) _must_check_;

/* A new object without sections and symbols (but for the null entries). */
struct sut_object *sut_object_new(void) _must_check_;

/* Adds a section; the data are copied. Returns its index or -ENOMEM. */
int sut_object_add_section(struct sut_object *o, const char *name, uint32_t type, uint64_t flags,
			   uint64_t align, uint64_t entsize, const void *data,
			   uint64_t size) _must_check_;
/* Adds a symbol; returns its index or -ENOMEM. */
int sut_object_add_sym(struct sut_object *o, const char *name, uint8_t bind, uint8_t type,
		       uint32_t shndx, uint64_t value, uint64_t size) _must_check_;
int sut_object_add_rela(struct sut_object *o, uint32_t section, uint64_t offset, uint32_t type,
			uint32_t sym, int64_t addend) _must_check_;

/* Writes the object as an ELF file. Sections of type SHT_NULL are left out;
 * local symbols are put before global ones. */
int sut_object_write(const struct sut_object *o, struct sut_buf *out,
		     struct sut_err *err) _must_check_;

/* Index of the first section or symbol of that name, 0 when there is none. */
uint32_t sut_object_section(const struct sut_object *o, const char *name);
uint32_t sut_object_sym(const struct sut_object *o, const char *name);

/* Index of the first relocation of a section at or behind an offset; nrelas when there is none. */
size_t sut_section_first_rela(const struct sut_section *s, uint64_t offset);

/* Bytes a relocation of that type writes: 0, 4 or 8; and whether it is relative to its place. */
unsigned int sut_rela_width(uint32_t type);
bool sut_rela_is_pcrel(uint32_t type);

void sut_object_free(struct sut_object *o);
void sut_object_freep(struct sut_object **o);

#endif
